import { EXCHANGE, type ExchangeNotes } from '../agent/exchanges/notes.js'
import type { AgentPorts, RecordJson, RecordObserver } from '../agent/ports.js'
import { fromCredo, text } from '../connections/connection.view.js'
import type { Tags } from '../storage/entry.js'
import type { ProofExchangeType } from './proof-exchange.type.js'

const notesOf = (record: RecordJson) =>
  (record['metadata'] as { [EXCHANGE]?: ExchangeNotes } | undefined)?.[EXCHANGE] ?? {}

/** A stored proof exchange record as the API shows it. */
export function proofExchangeView(record: RecordJson): ProofExchangeType {
  const { comment, invitationId, format, request, revealed } = notesOf(record)
  return {
    id: record.id,
    state: fromCredo(record['state']),
    role: fromCredo(record['role']),
    connectionId: text(record['connectionId']),
    invitationId: invitationId ?? null,
    threadId: String(record['threadId']),
    comment: comment ?? null,
    format: format === 'PRESENTATION_EXCHANGE' ? format : 'ANONCREDS',
    request: request ?? {},
    verified: typeof record['isVerified'] === 'boolean' ? record['isVerified'] : null,
    revealed: record['isVerified'] === true ? (revealed ?? {}) : null,
    errorMessage: text(record['errorMessage']),
    createdAt: String(record['createdAt']),
    updatedAt: String(record['updatedAt'] ?? record['createdAt']),
  }
}

/** Tags that lists are filtered by. */
function tagsOf(record: RecordJson): Tags {
  const { invitationId } = notesOf(record)
  return invitationId ? { _invitationId: invitationId } : {}
}

/** Lists proof exchanges, and tells of each change of state. */
export function proofExchangeObserver(ports: AgentPorts): RecordObserver {
  return {
    type: 'ProofRecord',
    list: () => 'proof-exchanges',
    tags: tagsOf,
    changed({ unit, owner, before, after }) {
      if (!after || before?.['state'] === after['state']) return
      const previousState = before ? fromCredo(before['state']) : null
      const proofExchange = proofExchangeView(after)
      // What only the tenant can read in its wallet is not told to the operator.
      const bare = { ...proofExchange, comment: null, request: {}, revealed: null, errorMessage: null }
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'PROOF',
        payload: { previousState, proofExchange },
        ...(owner.settings.keyMode === 'UNMANAGED' ? { basePayload: { previousState, proofExchange: bare } } : {}),
      })
    },
  }
}
