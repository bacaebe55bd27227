import { resolve } from 'node:path'
import { z } from 'zod'
import type { IndyNetwork } from '../indy/index.js'
import { isLoopbackHost } from '../lib/addresses.js'
import { networkList } from './network-list.js'

const ADVICE = 'must be a JSON list like [{"namespace": "sovrin", "genesis": "/etc/tenantry/sovrin.txn"}]'

const AGREEMENT = 'transactionAuthorAgreement must have version and acceptanceMechanism'
const agreed = z.string(AGREEMENT).min(1, AGREEMENT)

const network = z.strictObject(
  {
    namespace: z.string('needs a namespace').regex(/^[a-z][a-z0-9_-]*(:[a-z][a-z0-9_-]*)?$/, {
      message: 'namespace must be as in did:indy, like sovrin or sovrin:staging',
    }),
    genesis: z.string('needs the genesis, a file or a URL').min(1, 'genesis must not be empty').transform(placeOf),
    isProduction: z.boolean('isProduction must be true or false').default(true),
    transactionAuthorAgreement: z
      .strictObject({ version: agreed, acceptanceMechanism: agreed }, AGREEMENT)
      .readonly()
      .optional(),
  },
  'is no network of namespace, genesis, isProduction and transactionAuthorAgreement',
)

/** Indy networks. */
export const indyNetworks = () => networkList<IndyNetwork>(network, ADVICE)

/** A URL as it is, a file by its absolute path. Whoever can change the genesis on its way says what is true. */
function placeOf(genesis: string, context: z.RefinementCtx): string {
  if (!/^[a-z][a-z0-9+.-]+:/i.test(genesis)) return resolve(genesis)
  const url = URL.canParse(genesis) ? new URL(genesis) : undefined
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname))) return genesis
  context.addIssue({ code: 'custom', message: 'genesis must be a file, or an https URL' })
  return z.NEVER
}
