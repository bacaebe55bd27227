import { EXCHANGE, type ExchangeNotes } from '../agent/exchanges/notes.js'
import type { AgentPorts, RecordChange, RecordJson, RecordObserver } from '../agent/ports.js'
import { fromCredo, text } from '../connections/connection.view.js'
import type { Tags } from '../storage/entry.js'
import type { CredentialExchangeType } from './credential-exchange.type.js'

interface Metadata {
  [EXCHANGE]?: ExchangeNotes
  '_anoncreds/credential'?: {
    schemaId?: string
    credentialDefinitionId?: string
    revocationRegistryId?: string
    credentialRevocationId?: string
  }
}

const metadataOf = (record: RecordJson) => (record['metadata'] ?? {}) as Metadata
export const exchangeNotesOf = (record: RecordJson): ExchangeNotes => metadataOf(record)[EXCHANGE] ?? {}
export const anoncredsOf = (record: RecordJson) => metadataOf(record)['_anoncreds/credential'] ?? {}

/** A stored credential exchange record as the API shows it. */
export function credentialExchangeView(record: RecordJson): CredentialExchangeType {
  const { comment, invitationId, preview, format } = exchangeNotesOf(record)
  const { schemaId, credentialDefinitionId } = anoncredsOf(record)
  const attributes = preview ?? ((record['credentialAttributes'] ?? []) as { name: string; value: string }[])
  const credentials = (record['credentials'] ?? []) as { credentialRecordId: string }[]
  return {
    id: record.id,
    state: fromCredo(record['state']),
    role: fromCredo(record['role']),
    connectionId: text(record['connectionId']),
    invitationId: invitationId ?? null,
    threadId: String(record['threadId']),
    format: format === 'DATA_INTEGRITY' || format === 'INDY' ? format : 'ANONCREDS',
    schemaId: schemaId ?? null,
    credentialDefinitionId: credentialDefinitionId ?? null,
    comment: comment ?? null,
    attributes: attributes.map(({ name, value }) => ({ name, value })),
    credentialIds: credentials.map(({ credentialRecordId }) => credentialRecordId),
    revoked: isRevoked(record),
    errorMessage: text(record['errorMessage']),
    createdAt: String(record['createdAt']),
    updatedAt: String(record['updatedAt'] ?? record['createdAt']),
  }
}

/** As issuer by its own revocation; as holder by what the issuer told. */
const isRevoked = (record: RecordJson) =>
  exchangeNotesOf(record).revoked === true || record['revocationNotification'] !== undefined

/** Tag of exchanges that wait for a revocation registry of this definition. */
export const WAITING = '_waiting'

/** Tags that lists are filtered by, and waiting exchanges found by. */
function tagsOf(record: RecordJson): Tags {
  const { invitationId, waiting } = exchangeNotesOf(record)
  const { credentialDefinitionId } = anoncredsOf(record)
  return {
    ...(invitationId ? { _invitationId: invitationId } : {}),
    ...(waiting && credentialDefinitionId ? { [WAITING]: credentialDefinitionId } : {}),
  }
}

/** Lists credential exchanges, and tells of each change of state, and of revocation. */
export function credentialExchangeObserver(ports: AgentPorts): RecordObserver {
  return {
    type: 'CredentialRecord',
    list: () => 'credential-exchanges',
    tags: tagsOf,
    changed(change) {
      const { before, after } = change
      if (!after) return
      if (before?.['state'] !== after['state']) {
        tell(ports, change, 'CREDENTIAL', { previousState: before ? fromCredo(before['state']) : null })
      }
      if (isRevoked(after) && !(before && isRevoked(before))) tell(ports, change, 'REVOCATION', {})
    },
  }
}

function tell(
  ports: AgentPorts,
  { unit, owner, after }: RecordChange,
  topic: 'CREDENTIAL' | 'REVOCATION',
  payload: Record<string, unknown>,
): void {
  const credentialExchange = credentialExchangeView(after as RecordJson)
  // What only the tenant can read in its wallet is not told to the operator.
  const bare = { ...credentialExchange, attributes: [], comment: null, errorMessage: null }
  ports.event(unit, {
    tenantId: owner.tenantId,
    dispatch: owner.settings.eventDispatch,
    topic,
    payload: { ...payload, credentialExchange },
    ...(owner.settings.keyMode === 'UNMANAGED' ? { basePayload: { ...payload, credentialExchange: bare } } : {}),
  })
}
