/** What a peer or a web server says that no agent writes, and that takes libraries very long to read. */
class NotPlain extends Error {}

/** The longest texts (characters) of what stands for something, by the names that the protocols have for it. */
const LENGTHS = new Map(
  Object.entries({
    '@type': 256,
    '@id': 256,
    thid: 2048,
    pthid: 2048,
    thread_id: 500,
    credential_id: 500,
    handshake_protocols: 256,
    accept: 256,
    protocol: 256,
    serviceEndpoint: 2048,
    uri: 2048,
    to: 4096,
    recipient_did: 4096,
    recipient_key: 1024,
    recipientKeys: 1024,
    recipient_keys: 1024,
    routingKeys: 1024,
    routing_keys: 1024,
    verkey: 1024,
    signer: 1024,
    publicKeyBase58: 1024,
    publicKeyMultibase: 1024,
  }),
)
/** The longest DID, or DID URL; of a key alone. */
const DID_MAX = 4096
const DID_KEY_MAX = 1024
/** The most entries of lists of which each is looked at with all others, or costs a signature. */
const COUNTS = new Map(
  Object.entries({
    signatures: 8,
    attributes: 500,
    predicates: 500,
    disclosures: 1000,
    protocols: 1000,
    // Credo looks for each recipient key among all keys of its document.
    verificationMethod: 64,
    publicKey: 64,
    authentication: 64,
    assertionMethod: 64,
    keyAgreement: 64,
    service: 64,
    services: 64,
    recipientKeys: 64,
    recipient_keys: 64,
    routingKeys: 64,
    routing_keys: 64,
  }),
)
/** The most names of one object: class-transformer looks at each with all others. */
const NAMES_MAX = 1000
/** More colons than any DID has: Credo's pattern for threads tries each of them in two ways. */
const COLONS_MAX = 10
const DEPTH_MAX = 50

/** Names of what may be a URI: most of the time a DID, or a DID URL. */
const URIS = new Set([
  'did',
  'id',
  'jti',
  'kid',
  'iss',
  'sub',
  'to',
  'uri',
  'issuer',
  'holder',
  'domain',
  'controller',
  'verificationMethod',
  'services',
  'serviceEndpoint',
  'recipient_did',
  'to_did',
  'thid',
  'pthid',
])
/** The longest that is none. Credo's pattern looks for a URI from each letter on where a text does not begin with one. */
const NO_URI_MAX = 500
const BEGINS_AS_URI = /^[\w+.-]{0,63}\w:\S/
/** Names of what has attributes, of any name, that nobody reads for anything. */
const ATTRIBUTED = new Set(['credentialSubject', 'self_attested_attrs'])
/** Names of what may be a JWT. */
const JWTS = new Set(['json', 'verifiableCredential'])
/** Of what a signature decorator (Aries RFC 0234) signs, its time comes first. */
const SIGNED_TIME_BYTES = 8
const BASE58 = '[1-9a-km-zA-HJ-NP-Z]'
/** What Credo's pattern for did:peer takes, without the ways in which that tries each `S` of a text that it does not take. */
const PEER_DID = new RegExp(
  `^did:peer:(?:[01]z${BASE58}{5,200}|2(?:\\.[AEVID]z${BASE58}{5,200})+(?:\\.S[0-9a-zA-Z=]*)*|4z${BASE58}{46}(?::z${BASE58}{6,})?)$`,
)

/** Whether a did:peer is one, and not longer than one has to be. */
export function isPlainPeerDid(did: string): boolean {
  return did.length <= DID_MAX && PEER_DID.test(did)
}

/** Whether a DID, or DID URL, is not longer than any has to be. */
export function isPlainDid(did: string): boolean {
  return did.length <= (did.startsWith('did:key:') ? DID_KEY_MAX : DID_MAX)
}

/**
 * Looks through what came from outside before libraries do: their patterns, and the decoding of keys, take the square of a
 * length, or never end, and hold up all others meanwhile. JSON in attachments, in what is signed and in JWTs is looked
 * through as well.
 * @throws NotPlain
 */
export function assertPlain(value: unknown, name = '', depth = 0): void {
  if (typeof value === 'string') assertPlainText(value, name, depth)
  if (typeof value !== 'object' || value === null) return
  if (depth > DEPTH_MAX) throw new NotPlain('nested too deep')
  if (Array.isArray(value)) {
    if (value.length > (COUNTS.get(name) ?? Number.POSITIVE_INFINITY)) throw new NotPlain(`too many ${name}`)
    for (const item of value) assertPlain(item, name, depth + 1)
    return
  }
  const entries = Object.entries(value)
  if (entries.length > NAMES_MAX) throw new NotPlain('too many names')
  for (const [key, item] of entries) {
    if (typeof item !== 'string' || !isAttribute(name, key)) assertPlain(item, key, depth + 1)
  }
}

const isAttribute = (of: string, name: string) => ATTRIBUTED.has(of) && name !== 'id' && !name.startsWith('@')

function assertPlainText(text: string, name: string, depth: number): void {
  if (name === 'base64') assertPlain(jsonIn(text), 'json', depth + 1)
  if (name === 'sig_data') assertPlain(jsonIn(text, SIGNED_TIME_BYTES), '', depth + 1)
  if (JWTS.has(name)) for (const part of text.split('.', 2)) assertPlain(jsonIn(part), '', depth + 1)
  if (text.length > (LENGTHS.get(name) ?? Number.POSITIVE_INFINITY)) throw new NotPlain(`${name} is too long`)
  if ((name === 'thid' || name === 'pthid') && text.split(':', COLONS_MAX + 2).length > COLONS_MAX + 1)
    throw new NotPlain(`${name} is no thread`)
  if (!URIS.has(name)) return
  if (text.length > NO_URI_MAX && !BEGINS_AS_URI.test(text)) throw new NotPlain(`${name} is no URI`)
  if (!text.startsWith('did:')) return
  if (!isPlainDid(text)) throw new NotPlain(`${name} is too long`)
  const [did = ''] = text.split(/[#?/;]/, 1)
  if (did.startsWith('did:peer:') && !isPlainPeerDid(did)) throw new NotPlain(`${name} is no did:peer`)
}

/** The JSON that stands behind the first bytes of an encoded text, where there is any. */
function jsonIn(base64: string, from = 0): unknown {
  try {
    return JSON.parse(Buffer.from(base64, 'base64').subarray(from).toString())
  } catch {
    return undefined
  }
}
