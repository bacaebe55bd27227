import { MADE } from '../agent/made-did.js'
import type { AgentPorts, RecordJson, RecordObserver } from '../agent/ports.js'
import { keysOfDid } from '../agent/recipient-keys.js'
import type { DidType } from './did.type.js'

/** What the API shows of a DID beside its record. Times are ISO 8601. */
export interface Made {
  /** None once the DID is deactivated. */
  document: Record<string, unknown> | null
  updatedAt?: string
  deactivatedAt?: string
}

const madeOf = (record: RecordJson) => (record['metadata'] as Record<string, Made> | undefined)?.[MADE]

/** A stored DID record as the API shows it. */
export function didView(record: RecordJson): DidType {
  const did = String(record['did'])
  const { document = null, updatedAt = null, deactivatedAt = null } = madeOf(record) ?? {}
  return {
    did,
    method: did.split(':')[1] ?? '',
    document,
    createdAt: String(record['createdAt']),
    updatedAt,
    deactivatedAt,
  }
}

/** Lists the DIDs that createDid made, tells of them, and has the keys of every DID of the wallet routed to it. */
export function didObserver(ports: AgentPorts): RecordObserver {
  return {
    type: 'DidRecord',
    list: (record) => (madeOf(record) ? 'dids' : undefined),
    recipientKeys: keysOfDid,
    changedInBase: ({ unit, before, after, tags }) =>
      before || !after ? undefined : ports.route(unit, keysOfDid(after, tags)),
    changed({ unit, owner, before, after, tags }) {
      if (after) ports.route(unit, keysOfDid(after, tags))
      const made = after && madeOf(after)
      if (!made || (before && JSON.stringify(madeOf(before)) === JSON.stringify(made))) return
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'DID',
        payload: { did: didView(after) },
      })
    },
  }
}
