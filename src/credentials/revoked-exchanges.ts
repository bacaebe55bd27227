import { type DidCommCredentialExchangeRecord, DidCommCredentialExchangeRepository } from '@credo-ts/didcomm'
import { unqualified } from '../agent/anoncreds/unqualified.js'
import type { RevocationPlace } from '../agent/exchanges/credential-format.js'
import { keepNotes, notesOf } from '../agent/exchanges/notes.js'
import { takeStep } from '../agent/exchanges/steps.js'
import type { RecordJson } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { conflict } from '../lib/errors.js'
import { anoncredsOf, credentialExchangeView } from './credential-exchange.view.js'

/** How revocations of one kind of registry come into force. */
export interface StatusLists {
  /**
   * Has what exchanges have issued from a registry revoked, and notes it with them.
   * @param begin says which, and has those that come later share the next list; it may be called again
   * @returns the time (seconds) from which on nobody is told otherwise
   */
  revoke(tenantId: string, registryId: string, begin: () => readonly string[]): Promise<number>
}

/** Those of these exchanges whose credentials are not revoked yet. */
export async function notRevoked(
  { context }: WalletAgent,
  exchangeIds: readonly string[],
): Promise<DidCommCredentialExchangeRecord[]> {
  const repository = context.resolve(DidCommCredentialExchangeRepository)
  const records = await Promise.all(exchangeIds.map((id) => repository.findById(context, id)))
  // One that was deleted meanwhile keeps none of the others from being revoked.
  return records.filter((record) => record !== null).filter((record) => !credentialExchangeView(jsonOf(record)).revoked)
}

/** The index of what an exchange has issued in its registry. */
export const indexOf = (record: DidCommCredentialExchangeRecord) => assertRevocable(jsonOf(record)).index

/** Notes that these are revoked, and tells their holders. */
export async function noteRevoked(
  agent: WalletAgent,
  records: readonly DidCommCredentialExchangeRecord[],
): Promise<void> {
  for (const record of records) {
    keepNotes(record, { revoked: true })
    await agent.context.resolve(DidCommCredentialExchangeRepository).update(agent.context, record)
    if (record.connectionId) await tellHolder(agent, record)
  }
}

async function tellHolder(agent: WalletAgent, record: DidCommCredentialExchangeRecord): Promise<void> {
  const { revocationRegistryId, index } = assertRevocable(jsonOf(record))
  const isIndy = notesOf(record).format === 'INDY'
  const registry = isIndy ? unqualified.registryId(revocationRegistryId) : revocationRegistryId
  await takeStep('The holder cannot be told.', () =>
    agent.credentials.sendRevocationNotification({
      credentialExchangeRecordId: record.id,
      revocationFormat: isIndy ? 'indy-anoncreds' : 'anoncreds',
      revocationId: `${registry}::${index}`,
    }),
  )
}

const jsonOf = (record: DidCommCredentialExchangeRecord) => ({ ...record.toJSON(), id: record.id }) as RecordJson

/** The place of what an exchange has issued, however it went on after that. @throws CONFLICT */
export function assertRevocable(record: RecordJson): RevocationPlace {
  const { role, state } = credentialExchangeView(record)
  if (role !== 'ISSUER') throw conflict('Only the issuer of a credential revokes it.')
  const { revocationRegistryId, credentialRevocationId } = anoncredsOf(record)
  if (revocationRegistryId && credentialRevocationId !== undefined) {
    return { revocationRegistryId, index: Number(credentialRevocationId) }
  }
  if (state !== 'CREDENTIAL_ISSUED' && state !== 'DONE') throw conflict('This exchange has issued nothing.')
  throw conflict('This credential cannot be revoked: its definition is not revocable.')
}
