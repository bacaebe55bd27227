import { type AgentContext, type DidDocument, DidRepository, Kms } from '@credo-ts/core'
import type { Json, SignedResource } from '../hosting/publication.js'
import { type DataIntegrityProof, isProofOf, proofFor } from '../lib/data-integrity.js'
import { conflict } from '../lib/errors.js'
import { jsonHash } from '../lib/multibase.js'

/** Whatever lies beside the content: entries of a revocation registry, by time. */
export interface ResourceLink {
  id: string
  type: string
  timestamp?: number
}

/** What an attested resource holds. */
export interface ResourceContent {
  content: Json
  metadata: Json
  links: ResourceLink[]
}

export interface NewResource {
  /** A did:webvh of this wallet. */
  issuerDid: string
  content: Json
  metadata: Json
  links?: ResourceLink[]
}

/** A resource ready to be published: see `Publication`. */
export type NewSignedResource = SignedResource & { kind: 'RESOURCE'; did: string; version: number; resourceId: string }

const CONTEXT = [
  'https://identity.foundation/did-attested-resources/context/v0.1',
  'https://w3id.org/security/data-integrity/v2',
]

/** The whole id of a resource: that of its DID, and the hash of its content. */
export const resourceIdOf = (did: string, content: Json) => `${did}/resources/z${jsonHash(content)}`

/** Makes an attested resource of a did:webvh, signed with the wallet's key, as stock agents make and check it. */
export async function signResource(
  context: AgentContext,
  { issuerDid, content, metadata, links }: NewResource,
): Promise<NewSignedResource> {
  const resourceId = resourceIdOf(issuerDid, content)
  const unsigned = {
    '@context': CONTEXT,
    type: ['AttestedResource'],
    id: resourceId,
    content,
    metadata,
    ...(links ? { links } : {}),
  }
  return signAgain(context, issuerDid, unsigned)
}

/** Signs a resource that may have a proof with the key that its DID has now. */
export async function signAgain(context: AgentContext, did: string, body: Json): Promise<NewSignedResource> {
  const { proof: _old, ...unsigned } = body as Json & { content: Json }
  const { verificationMethod, keyId, version } = await signingKeyOf(context, did)
  const kms = context.resolve(Kms.KeyManagementApi)
  const proof = await proofFor(unsigned, { verificationMethod, proofPurpose: 'assertionMethod' }, async (data) => {
    const { signature } = await kms.sign({ keyId, algorithm: 'EdDSA', data: Uint8Array.from(data) })
    return signature
  })
  const resourceId = resourceIdOf(did, unsigned.content)
  const id = resourceId.slice(resourceId.lastIndexOf('/') + 1)
  return { kind: 'RESOURCE', did, version, id, resourceId, body: { ...unsigned, proof } }
}

async function signingKeyOf(context: AgentContext, did: string) {
  const record = await context.resolve(DidRepository).findCreatedDid(context, did)
  const method = record?.didDocument?.assertionMethod?.[0]
  const verificationMethod = typeof method === 'string' ? method : method?.id
  const key = record?.keys?.find((one) => verificationMethod === did + one.didDocumentRelativeKeyId)
  const log: unknown = record?.metadata.get('log')
  if (!verificationMethod || !key || !Array.isArray(log)) throw conflict('This wallet has no key of that DID any more.')
  return { verificationMethod, keyId: key.kmsKeyId, version: log.length }
}

/** A resource that is not what its id, its DID or its proof says. */
export class InvalidResource extends Error {}

/**
 * Checks an attested resource against its id and the document of the DID that the id names. Beyond what stock agents
 * check, the proof has to be by a key that this very DID has for assertions: anyone can sign with some key. The DIDs that
 * Credo makes name no method for assertions at all, and sign with what they have.
 * @throws InvalidResource
 */
export function verifyResource(body: unknown, id: string, document: DidDocument): ResourceContent {
  const must = (holds: boolean, what: string) => {
    if (!holds) throw new InvalidResource(`A resource of a DID ${what}`)
  }
  const [, did, hash] = /^(did:webvh:[^/?#]+)\/resources\/(z[1-9A-HJ-NP-Za-km-z]+)$/.exec(id) ?? []
  must(isObject(body), 'is no object')
  const { proof, ...unsigned } = body as Json
  const { type, content, metadata = {}, links = [] } = unsigned
  must([type].flat().includes('AttestedResource'), 'is of another type')
  must(unsigned['id'] === id && document.id === did, 'has another id')
  must(isObject(content) && `z${jsonHash(content)}` === hash, 'has other content')
  must(isObject(metadata) && Array.isArray(links) && links.every(isLink), 'has metadata or links of another shape')
  must(isObject(proof), 'has no proof')
  const { verificationMethod, proofPurpose } = proof as unknown as DataIntegrityProof
  must(proofPurpose === 'assertionMethod' && ownAssertionMethods(document).has(verificationMethod), 'has a foreign key')
  const multikey = document.verificationMethod?.find((one) => one.id === verificationMethod)?.publicKeyMultibase ?? ''
  must(isProofOf(unsigned, proof as unknown as DataIntegrityProof, multikey), 'has a proof that does not hold')
  return { content: content as Json, metadata: metadata as Json, links: links as ResourceLink[] }
}

/** The ids of the methods that a DID has itself, and for assertions. */
function ownAssertionMethods({ id: did, assertionMethod = [], verificationMethod = [] }: DidDocument): Set<string> {
  const methods = assertionMethod.length > 0 ? assertionMethod : verificationMethod
  const ids = methods.map((method) => (typeof method === 'string' ? method : method.id))
  return new Set(ids.filter((id) => id.startsWith(`${did}#`)))
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const isLink = (link: unknown) =>
  isObject(link) &&
  typeof link['id'] === 'string' &&
  typeof link['type'] === 'string' &&
  ['undefined', 'number'].includes(typeof link['timestamp'])
