import type { CheqdNetwork } from '../config/cheqd-networks.js'
import type { GuardedFetch } from '../lib/guarded-fetch.js'

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const DID = `did:cheqd:([a-z0-9]+):(?:${UUID}|[1-9A-HJ-NP-Za-km-z]{21,22})`
const DID_URL = new RegExp(`^(${DID})(?:/resources/(${UUID}))?$`)

/** A did:cheqd, and a resource of it where one is named. */
export interface CheqdId {
  did: string
  namespace: string
  resourceId: string | undefined
}

/** Reads `did:cheqd:<network>:<id>` and `did:cheqd:<network>:<id>/resources/<id>`; the ledger has no other names. */
export function parseCheqdId(text: string): CheqdId | undefined {
  const [, did, namespace, resourceId] = DID_URL.exec(text) ?? []
  return did && namespace ? { did, namespace, resourceId } : undefined
}

/** An answer of a resolver that is not what was asked for, or of no shape that it can have. */
export class InvalidAnswer extends Error {}

/** What is asked for, as W3C's DID Resolution names it for HTTP. */
const ACCEPT = {
  resolution: 'application/ld+json;profile="https://w3id.org/did-resolution"',
  dereferencing: 'application/ld+json;profile="https://w3id.org/did-url-dereferencing"',
}
/** An issuer's list of all resources comes with its DID. */
const MOST_BYTES = 8 * 2 ** 20

/** The resolvers of cheqd networks, by W3C's DID Resolution over HTTP. Everything here waits for the network. */
export class CheqdResolvers {
  constructor(
    private readonly networks: readonly CheqdNetwork[],
    private readonly fetch: GuardedFetch,
  ) {}

  /**
   * @param rest what stands behind the DID
   * @returns what the resolver answers; undefined where it has none, or no network is called so
   * @throws InvalidAnswer, PEER_UNREACHABLE
   */
  async ask(what: keyof typeof ACCEPT, { did, namespace }: CheqdId, rest = ''): Promise<unknown> {
    const network = this.networks.find((one) => one.namespace === namespace)
    if (!network) return undefined
    const { status, body } = await this.fetch.fetch(`${network.resolver}/1.0/identifiers/${did}${rest}`, {
      headers: { accept: ACCEPT[what], 'cache-control': 'no-cache' },
      maxBytes: MOST_BYTES,
    })
    if (status === 404) return undefined
    // 410 is for a DID that is deactivated, whose metadata says so.
    if (status !== 200 && status !== 410) throw new InvalidAnswer(`The resolver of ${namespace} answers ${status}`)
    try {
      return JSON.parse(body.toString())
    } catch (cause) {
      throw new InvalidAnswer(`The resolver of ${namespace} answers with something else than JSON`, { cause })
    }
  }
}
