import { type Request, type Response, Router } from 'express'
import { AUDIT_LIST, type AuditAction, auditActions } from '../audit/audit.js'
import { AUDIT_READERS, entryFor, queryFor } from '../audit/audit.view.js'
import { type AuditLog, type AuditQuery, auditEntryOf } from '../audit/audit-log.js'
import { assertAllowed } from '../graphql/access.js'
import { formatError } from '../graphql/errors.js'
import { listCursor } from '../graphql/page.js'
import type { Viewer } from '../graphql/viewer.js'
import { badInput } from '../lib/errors.js'
import type { FairGate } from '../lib/fair-gate.js'
import type { Logger } from '../lib/logger.js'
import type { Rates } from '../tenants/rates.js'
import type { Credentials } from './credentials.js'
import { drained } from './drained.js'
import type { OriginOf } from './origin.js'
import { refuse } from './refuse.js'
import { turnKeyOf } from './turns.js'

export interface AuditExportOptions {
  log: AuditLog
  credentials: Credentials
  rates: Rates
  gate: FairGate
  originOf: OriginOf
  logger: Logger
}

const PARAMETERS = ['tenantId', 'action', 'actor', 'since', 'until', 'after'] as const
const BATCH = 500
const cursors = listCursor(AUDIT_LIST)

/**
 * `GET /audit`: the audit log as NDJSON, from its beginning or `after` a cursor to its end. Each line carries the cursor
 * to go on from; where the connection is cut, the lines that came are whole and in order.
 */
export function auditExport({ log, credentials, rates, gate, originOf, logger }: AuditExportOptions): Router {
  const router = Router()
  router.get('/audit', async (req, res) => {
    let viewer: Viewer | undefined
    try {
      const { authorization, 'x-api-key': apiKey } = req.headers
      viewer = await credentials.viewer({ apiKey, authorization }, originOf(req))
      await send(viewer, req, res)
    } catch (error) {
      if (res.headersSent) {
        const tenantId = viewer?.role === 'TENANT' ? viewer.tenantId : undefined
        logger.warn('An export of the audit log was cut', { tenantId, error })
        return void res.destroy()
      }
      const formatted = formatError(error, logger, viewer)
      refuse(res, formatted).json({ errors: [formatted] })
    }
  })

  async function send(viewer: Viewer, req: Request, res: Response): Promise<void> {
    assertAllowed(viewer, AUDIT_READERS)
    if (viewer.role === 'TENANT') await rates.takeOperation(viewer.tenantId, 0)
    const { after, since, until, ...wanted } = parametersOf(req)
    const query = queryFor(viewer, { ...wanted, action: actionOf(wanted.action) })
    const inTurn = <T>(read: () => Promise<T>) => gate.use(turnKeyOf(viewer), read)
    // Once for all batches, as times are searched for.
    const stretch = await inTurn(() => log.between({ since, until }))
    let place = Math.max(stretch.after, after === undefined ? 0 : cursors.decode(after, 'after'))
    for (let begun = false; ; begun = true) {
      const found = query ? await inTurn(() => log.list(query, { ...stretch, after: place, limit: BATCH })) : []
      if (!begun) res.type('application/x-ndjson').set('cache-control', 'no-store')
      for (const { n, entry } of found) {
        place = n
        res.write(`${JSON.stringify({ cursor: cursors.encode(n), ...entryFor(viewer, auditEntryOf(entry)) })}\n`)
      }
      if (found.length < BATCH) return void res.end()
      if (res.destroyed) return
      if (res.writableNeedDrain) await drained(res)
    }
  }
  return router
}

type Parameters = Partial<Record<(typeof PARAMETERS)[number], string>>

/** @throws BAD_USER_INPUT */
function parametersOf({ query }: Request): Parameters {
  const known: readonly string[] = PARAMETERS
  for (const [name, value] of Object.entries(query)) {
    if (!known.includes(name)) throw badInput(`Give no other parameters than ${PARAMETERS.join(', ')}.`, name)
    if (typeof value !== 'string') throw badInput('Give it once.', name)
  }
  return query as Parameters
}

/** @throws BAD_USER_INPUT */
function actionOf(text: string | undefined): AuditQuery['action'] {
  if (text === undefined || auditActions.includes(text as AuditAction)) return text as AuditAction | undefined
  throw badInput('There is no such action.', 'action')
}
