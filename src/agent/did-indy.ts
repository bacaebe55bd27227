import { didIndyRegex } from '@credo-ts/anoncreds'
import { convertPublicKeyToX25519 } from '@credo-ts/core'
import { base58Decode, base58Encode } from '../lib/base58.js'
import { type IndyReader, wholeKey } from './anoncreds/indy-reader.js'
import type { OutsideResolution } from './did-resolvers.js'

const CONTEXT = {
  did: 'https://w3id.org/did/v1',
  key: 'https://w3id.org/security/suites/ed25519-2018/v1',
  agreement: 'https://w3id.org/security/suites/x25519-2019/v1',
}

/** Resolves did:indy by the ledgers that are configured, as the method and Credo do. */
export function didIndyResolver(reader: IndyReader): (did: string) => Promise<OutsideResolution> {
  return async (did) => {
    const [, namespace, id] = didIndyRegex.exec(did) ?? []
    if (!id) return { error: 'invalidDid' }
    const network = reader.networkNamed(namespace)
    const nym = network && (await reader.nym(network, id))
    if (!nym) return { error: 'notFound' }
    const verkey = wholeKey(id, nym.verkey)
    const base = keyDocument(did, verkey)
    if (nym.diddocContent) return { document: combine(base, JSON.parse(nym.diddocContent)) }
    const endpoints = await reader.endpoints(network, id)
    return { document: endpoints ? withServices(base, did, verkey, endpoints) : base }
  }
}

type Json = Record<string, unknown>

/** The document of a DID that has said nothing more than its key. */
export function keyDocument(did: string, publicKeyBase58: string): Json {
  const id = `${did}#verkey`
  return {
    '@context': [CONTEXT.did, CONTEXT.key],
    id: did,
    verificationMethod: [{ id, type: 'Ed25519VerificationKey2018', controller: did, publicKeyBase58 }],
    authentication: [id],
  }
}

/** What a DID says itself is added to its key; it cannot take that away. */
function combine(base: Json, said: Json): Json {
  const combined: Json = { ...base }
  for (const [name, value] of Object.entries(said)) {
    if (name === 'id') continue
    const own = base[name]
    combined[name] = Array.isArray(own) && Array.isArray(value) ? [...own, ...value] : (own ?? value)
  }
  return combined
}

/** The services of an endpoint attribute, and the key that messages to them are sealed for. */
function withServices(base: Json, did: string, verkey: string, said: Json): Json {
  const { endpoint, routingKeys = [], types, ...others } = said
  const agreement = `${did}#key-agreement-1`
  const known = ['endpoint', 'did-communication']
  const kinds = Array.isArray(types) && types.length > 0 ? types.filter((type) => known.includes(type)) : known
  const services: Json[] = Object.entries(others).map(([type, serviceEndpoint]) => ({
    id: `${did}#${type}`,
    type,
    serviceEndpoint,
  }))
  if (endpoint && kinds.includes('endpoint')) {
    services.push({ id: `${did}#endpoint`, type: 'endpoint', serviceEndpoint: endpoint })
  }
  if (endpoint && kinds.includes('did-communication')) {
    services.push({
      id: `${did}#did-communication`,
      type: 'did-communication',
      priority: 0,
      recipientKeys: [agreement],
      routingKeys,
      accept: ['didcomm/aip2;env=rfc19'],
      serviceEndpoint: endpoint,
    })
  }
  const publicKeyBase58 = base58Encode(convertPublicKeyToX25519(base58Decode(verkey)))
  const key = { id: agreement, type: 'X25519KeyAgreementKey2019', controller: did, publicKeyBase58 }
  return {
    ...base,
    '@context': [...(base['@context'] as string[]), CONTEXT.agreement],
    verificationMethod: [...(base['verificationMethod'] as Json[]), key],
    keyAgreement: [agreement],
    service: services,
  }
}
