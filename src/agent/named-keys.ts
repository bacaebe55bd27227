import { type AgentContext, DidDocumentRole, DidRepository, Kms } from '@credo-ts/core'

/**
 * Whether the document of one of some DIDs of peers names a key that messages come by. Documents of several DIDs can name the
 * same key, so one is never looked for by its key alone: anyone can make a document that names the key of another.
 */
export async function isNamedBy(context: AgentContext, dids: string[], key: Kms.PublicJwk): Promise<boolean> {
  if (dids.length === 0) return false
  const isNamed = async ({ fingerprint }: Kms.PublicJwk) =>
    (await received(context, dids, { recipientKeyFingerprints: [fingerprint] })).length > 0
  if (await isNamed(key)) return true
  // Some documents name it in the form that it has for key agreement: those of did:indy and did:sov do.
  return key.is(Kms.Ed25519PublicJwk) && isNamed(key.convertTo(Kms.X25519PublicJwk))
}

/** Whether the document of a peer's DID names keys that messages come by, but not the one that it talks by. */
export async function namesOthersOnly(
  context: AgentContext,
  did: string,
  key: Kms.PublicJwk | undefined,
): Promise<boolean> {
  if (key && (await isNamedBy(context, [did], key))) return false
  // Some agents on phones name no service, and so no key: they are answered by their sockets.
  const named = (await received(context, [did])).flatMap((record) => record.getTags().recipientKeyFingerprints ?? [])
  return named.length > 0
}

/**
 * Whether what has come as the document of a DID is of another, or not what came before: a did:peer of the first kind never
 * changes, and does not hold its document itself. Credo holds an attached document to nothing but its own keys.
 */
export async function isForged(context: AgentContext, did: string): Promise<boolean> {
  const records = await received(context, [did])
  if (records.length === 0) return true
  const documents = records.map(({ didDocument }) => JSON.stringify(didDocument))
  return did.startsWith('did:peer:1') && new Set(documents).size > 1
}

function received(context: AgentContext, dids: string[], tags: { recipientKeyFingerprints?: string[] } = {}) {
  const $or = dids.flatMap((did) => [{ did }, { alternativeDids: [did] }])
  return context.resolve(DidRepository).findByQuery(context, { role: DidDocumentRole.Received, ...tags, $or })
}
