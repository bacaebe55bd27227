import type { AgentPorts, RecordJson, RecordObserver } from '../agent/ports.js'
import { keysOfFingerprints } from '../agent/recipient-keys.js'
import type { DidType } from './did.type.js'

/** Set on the records of DIDs that createDid made; those that handshakes make have none. Holds the document. */
export const MADE = 'tenantry/did'

const madeOf = (record: RecordJson) =>
  (record['metadata'] as Record<string, { document: Record<string, unknown> }> | undefined)?.[MADE]

/** A stored DID record as the API shows it. */
export function didView(record: RecordJson): DidType {
  const did = String(record['did'])
  return {
    did,
    method: did.split(':')[1] ?? '',
    document: madeOf(record)?.document ?? null,
    createdAt: String(record['createdAt']),
  }
}

/** Lists the DIDs that createDid made, tells of them, and has the keys of every DID of the wallet routed to it. */
export function didObserver(ports: AgentPorts): RecordObserver {
  return {
    type: 'DidRecord',
    list: (record) => (madeOf(record) ? 'dids' : undefined),
    changed({ unit, owner, before, after, tags }) {
      if (!before && after?.['role'] === 'created')
        ports.route(unit, keysOfFingerprints(tags, 'recipientKeyFingerprints'))
      if (!after || !madeOf(after) || (before && madeOf(before))) return
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'DID',
        payload: { did: didView(after) },
      })
    },
  }
}
