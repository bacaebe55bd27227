import { base58Encode } from '../../src/lib/base58.js'
import { keyOfMultikey } from '../../src/lib/multibase.js'
import { type Json, part, Refusal } from './topic.js'

/**
 * The same invitation in the form from before out-of-band ones (Aries RFC 0160), which agents take by their older API:
 * the same id and keys, so requests that name either find it.
 */
export function connectionInvitation(outOfBand: Json): Json {
  const { recipientKeys, routingKeys, serviceEndpoint } = part((outOfBand['services'] as unknown[] | undefined)?.[0])
  return {
    '@type': 'https://didcomm.org/connections/1.0/invitation',
    '@id': outOfBand['@id'],
    label: outOfBand['label'],
    recipientKeys: keysOf(recipientKeys),
    routingKeys: keysOf(routingKeys),
    serviceEndpoint,
  }
}

const keysOf = (dids: unknown) => (Array.isArray(dids) ? dids : []).map((did) => keyOf(String(did)))

/** `did:key:z…`, with or without a fragment, as the bare key in base58. */
function keyOf(did: string): string {
  const [, key] = /^did:key:(z[^#]+)/.exec(did) ?? []
  if (!key) throw new Refusal(500, 'The invitation names a key by something else than did:key')
  return base58Encode(keyOfMultikey(key))
}
