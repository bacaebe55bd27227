import { type AgentContext, Kms } from '@credo-ts/core'
import { type DidCommConnectionRecord, DidCommConnectionRepository, DidCommDocumentService } from '@credo-ts/didcomm'
import { isNamedBy } from '../../agent/named-keys.js'
import { base58Decode, base58Encode } from '../../lib/base58.js'

/** Whether the peer of a connection talks by a key (base58) now, and not by one of a DID that it has rotated away from. */
export async function isPresentKey(
  context: AgentContext,
  { theirDid }: Pick<DidCommConnectionRecord, 'theirDid'>,
  key: string,
): Promise<boolean> {
  if (!theirDid) return false
  const publicJwk = Kms.PublicJwk.fromPublicKey({ kty: 'OKP', crv: 'Ed25519', publicKey: base58Decode(key) })
  return isNamedBy(context, [theirDid], publicJwk)
}

/** The key (base58) that the peer of a connection is to be reached by now, as far as its DID document names one. */
export async function presentKey(context: AgentContext, connectionId: string): Promise<string | undefined> {
  const connection = await context.resolve(DidCommConnectionRepository).findById(context, connectionId)
  if (!connection?.theirDid) return undefined
  const services = await context.resolve(DidCommDocumentService).resolveServicesFromDid(context, connection.theirDid)
  const [key] = services.flatMap(({ recipientKeys }) => recipientKeys)
  return key && base58Encode(key.publicKey.publicKey)
}
