import { DidKey, Kms } from '@credo-ts/core'
import { DidCommRoutingService } from '@credo-ts/didcomm'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { keyOfMultikey } from '../lib/multibase.js'

/** How others begin a connection to a hosted DID: by a key of its own, and the endpoint that the tenant had by then. */
export interface DidcommWay {
  keyId: string
  multikey: string
  endpoint: string
  /** As references into did:key documents, the nearest to the wallet first. */
  routingKeys: string[]
  mediatorId?: string
}

/** Makes one, by the tenant's mediators where it has any. */
export async function newWay({ context }: WalletAgent): Promise<DidcommWay> {
  const routing = await context.resolve(DidCommRoutingService).getRouting(context)
  const { recipientKey, endpoints, routingKeys, mediatorId } = routing
  return {
    keyId: recipientKey.keyId,
    multikey: recipientKey.fingerprint,
    endpoint: endpoints[0] ?? '',
    routingKeys: routingKeys.map((key) => `${new DidKey(key).did}#${key.fingerprint}`),
    ...(mediatorId ? { mediatorId } : {}),
  }
}

/** Takes one back: its key goes. */
export async function removeWay({ context }: WalletAgent, { keyId, multikey, mediatorId }: DidcommWay): Promise<void> {
  const publicKey = Uint8Array.from(keyOfMultikey(multikey))
  const recipientKey = Kms.PublicJwk.fromPublicKey({ kty: 'OKP', crv: 'Ed25519', publicKey })
  if (mediatorId)
    await context.resolve(DidCommRoutingService).removeRouting(context, { recipientKeys: [recipientKey], mediatorId })
  await context.resolve(Kms.KeyManagementApi).deleteKey({ keyId })
}
