import { pipeline } from 'node:stream/promises'
import { type Request, type Response, Router } from 'express'
import { actingFor } from '../audit/acting.js'
import { assertAllowed } from '../graphql/access.js'
import { formatError } from '../graphql/errors.js'
import type { Logger } from '../lib/logger.js'
import type { Exporter } from '../tenants/exporter.js'
import type { Importer } from '../tenants/importer.js'
import type { Credentials } from './credentials.js'
import type { OriginOf } from './origin.js'
import { refuse } from './refuse.js'

/** An upload may take long, but not stand still for longer than this (ms). */
const IDLE_MS = 120_000

/** Where archives come to. */
export const IMPORTS = /^\/imports\//

export interface TransfersOptions {
  exporter: Exporter
  importer: Importer
  credentials: Credentials
  originOf: OriginOf
  logger: Logger
}

/** `GET /exports/<id>` and `POST /imports/<id>`: archives of tenants, as streams, for whoever ordered them by the API. */
export function transfers({ exporter, importer, credentials, originOf, logger }: TransfersOptions): Router {
  const router = Router()
  const serve =
    (work: (req: Request, res: Response, id: string) => Promise<void>) => async (req: Request, res: Response) => {
      try {
        const { authorization, 'x-api-key': apiKey } = req.headers
        const origin = originOf(req)
        const viewer = await credentials.viewer({ apiKey, authorization }, origin)
        assertAllowed(viewer, { operator: 'ALL' })
        res.set('cache-control', 'no-store')
        await actingFor({ viewer, origin }, () => work(req, res, String(req.params['id'])))
      } catch (error) {
        if (res.headersSent || res.destroyed) {
          logger.warn('An archive was cut off', { error })
          return void res.destroy()
        }
        const formatted = formatError(error, logger)
        // What has not been read of the request is not waited for.
        refuse(res, formatted)
          .set('connection', 'close')
          .json({ errors: [formatted] })
      }
    }

  // Express would answer it as a GET, whose ticket holds once.
  router.head('/exports/:id', (_req, res) => void res.set('allow', 'GET').sendStatus(405))
  router.get(
    '/exports/:id',
    serve(async (_req, res, id) => {
      const { name, length, bytes, discard } = await exporter.make(id)
      try {
        res.type('application/octet-stream').set('content-length', String(length)).attachment(`${name}.tenant`)
        await pipeline(bytes, res)
      } finally {
        await discard()
      }
    }),
  )
  router.post(
    '/imports/:id',
    serve(async (req, res, id) => {
      req.setTimeout(IDLE_MS, () => req.destroy())
      req.once('end', () => req.setTimeout(0))
      const { tenant, token, queuedMessages, notServed } = await importer.take(id, req)
      const { name, state, keyMode, walletStorage } = tenant
      const described = { id: tenant.id, name, state, keyMode, walletStorage }
      res.json({ data: { tenant: described, token, queuedMessages, notServed } })
    }),
  )
  return router
}
