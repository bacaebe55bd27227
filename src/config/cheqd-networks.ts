import { z } from 'zod'
import { type AddressList, isLoopbackHost, parseAddress } from '../lib/addresses.js'
import { networkList } from './network-list.js'
import { httpUrl } from './values.js'

/** A cheqd network. */
export interface CheqdNetwork {
  /** As it stands in `did:cheqd:<namespace>:…`. */
  readonly namespace: string
  /** Where its DID resolver is, without `/1.0/identifiers`. */
  readonly resolver: string
}

const ADVICE = 'must be a JSON list like [{"namespace": "mainnet", "resolver": "https://resolver.cheqd.net"}]'

const network = z.strictObject(
  {
    namespace: z.string('needs a namespace').regex(/^[a-z0-9]+$/, {
      message: 'namespace must be as in did:cheqd, like mainnet or testnet',
    }),
    resolver: z.string('needs the URL of a resolver').pipe(httpUrl()),
  },
  'is no network of namespace and resolver',
)

/** cheqd networks. */
export const cheqdNetworks = () => networkList<CheqdNetwork>(network, ADVICE)

/**
 * Whoever can change what a resolver says on its way says what is true.
 *
 * @returns what is wrong with the first one that is asked without TLS and not known to be near
 */
export function openWay(networks: readonly CheqdNetwork[], allowed: AddressList): string | undefined {
  const isNear = (host: string) => {
    const address = parseAddress(host)
    return isLoopbackHost(host) || (address ? allowed.hasAddress(address) : allowed.hasHost(host))
  }
  const index = networks.findIndex(({ resolver }) => {
    const { protocol, hostname } = new URL(resolver)
    return protocol !== 'https:' && !isNear(hostname)
  })
  const rule = 'resolver must be an https URL, but for loopback and what ALLOW_ADDRESSES names'
  return index < 0 ? undefined : `network ${index + 1}: ${rule}`
}
