import { DidRepository } from '@credo-ts/core'
import { assertLedgerDid, isLedgerDid } from '../agent/anoncreds/indy-writer.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { HOSTED } from '../hosting/publication.js'
import { conflict, notFound } from '../lib/errors.js'

/**
 * @throws NOT_FOUND where the DID is no did:webvh or did:indy of this wallet, CONFLICT for a did:webvh that is not hosted
 *   here, or is deactivated
 */
export async function assertIssuer(agent: WalletAgent, did: string): Promise<void> {
  if (isLedgerDid(did)) return void (await assertLedgerDid(agent.context, did))
  const record = did.startsWith('did:webvh:')
    ? await agent.context.resolve(DidRepository).findCreatedDid(agent.context, did)
    : undefined
  if (!record) throw notFound('did:webvh or did:indy of this tenant')
  if (!record.metadata.get(HOSTED)) throw conflict('This DID is not hosted by the gateway.', 'input.issuerDid')
  if (!record.didDocument?.assertionMethod?.length) throw conflict('This DID is deactivated.', 'input.issuerDid')
}
