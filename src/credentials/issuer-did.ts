import { DidRepository } from '@credo-ts/core'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { HOSTED } from '../hosting/publication.js'
import { conflict, notFound } from '../lib/errors.js'

/** @throws NOT_FOUND where the DID is no did:webvh of this wallet, CONFLICT where it is not hosted here, or deactivated */
export async function assertIssuer(agent: WalletAgent, did: string): Promise<void> {
  const record = did.startsWith('did:webvh:')
    ? await agent.context.resolve(DidRepository).findCreatedDid(agent.context, did)
    : undefined
  if (!record) throw notFound('did:webvh of this tenant')
  if (!record.metadata.get(HOSTED)) throw conflict('This DID is not hosted by the gateway.', 'input.issuerDid')
  if (!record.didDocument?.assertionMethod?.length) throw conflict('This DID is deactivated.', 'input.issuerDid')
}
