import type { AgentPorts, RecordJson, RecordObserver } from '../agent/ports.js'
import { keysOfFingerprints } from '../agent/recipient-keys.js'
import type { Tags } from '../storage/entry.js'
import type { DidType } from './did.type.js'

/** Set on the records of DIDs that createDid made; those that handshakes make have none. */
export const MADE = 'tenantry/did'

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
  const recipientKeys = (record: RecordJson, tags: Tags) =>
    record['role'] === 'created' ? keysOfFingerprints(tags, 'recipientKeyFingerprints') : []
  return {
    type: 'DidRecord',
    list: (record) => (madeOf(record) ? 'dids' : undefined),
    recipientKeys,
    changedInBase: ({ unit, before, after, tags }) =>
      before || !after ? undefined : ports.route(unit, recipientKeys(after, tags)),
    changed({ unit, owner, before, after, tags }) {
      if (!before && after) ports.route(unit, recipientKeys(after, tags))
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
