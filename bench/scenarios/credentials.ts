import { CredentialRing } from '../credential-ring.js'
import type { Lab } from '../lab.js'
import type { Result } from '../meter.js'
import { runWorkers } from '../workers.js'
import type { Scenario } from './scenario.js'
import { timed } from './timed.js'

const HOLDERS = 16
const BLOCKS = [
  { conc: 1, n: 50 },
  { conc: 16, n: 200 },
]
const WARM_UP = 32

/** Each scenario has holders of its own, who have as many credentials as it says. */
async function* inBlocks(lab: Lab, scenario: string, operation: 'issue' | 'prove'): AsyncGenerator<Result> {
  const ring = await CredentialRing.make(lab, HOLDERS)
  try {
    await runWorkers(HOLDERS, HOLDERS, (index) => ring.issue(index))
    await runWorkers(HOLDERS, WARM_UP, (index) => ring[operation](index))
    for (const { conc, n } of BLOCKS) {
      yield await lab.meter.measure({ scenario, n, conc }, () => timed(conc, n, (index) => ring[operation](index)))
    }
  } finally {
    await ring.close()
  }
}

const ISSUE = 'issue a credential'
const VERIFY = 'verify a proof'

/** A revocable credential, from the offer until issuer and holder were told that it is done. */
export const issueCredential: Scenario = { name: ISSUE, run: (lab) => inBlocks(lab, ISSUE, 'issue') }

/** A proof that a credential is not revoked, from the request until verifier and holder were told that it is done. */
export const verifyProof: Scenario = { name: VERIFY, run: (lab) => inBlocks(lab, VERIFY, 'prove') }

const ISSUERS = 4
const OPERATIONS = 50
const AT_ONCE = 8

/**
 * All kinds of AnonCreds work of several tenants at once, for what the main thread is kept by: definitions and their
 * registries, each of which is made until a credential came of it, credentials, and proofs.
 */
export const besideCredentials: Scenario = {
  name: 'main thread beside credentials',
  async *run(lab) {
    const ring = await CredentialRing.make(lab, HOLDERS)
    const rings: CredentialRing[] = [ring]
    try {
      await runWorkers(HOLDERS, HOLDERS, (index) => ring.issue(index))
      await runWorkers(HOLDERS, HOLDERS, (index) => ring.prove(index))
      yield await lab.meter.measure(
        { scenario: besideCredentials.name, n: 2 * OPERATIONS + ISSUERS, conc: 2 * AT_ONCE + ISSUERS },
        async () => {
          const [{ latencies }] = await Promise.all([
            timed(ISSUERS, ISSUERS, async () => {
              const other = await CredentialRing.make(lab, 1)
              rings.push(other)
              await other.issue(0)
            }),
            runWorkers(AT_ONCE, OPERATIONS, (index) => ring.issue(index)),
            runWorkers(AT_ONCE, OPERATIONS, (index) => ring.prove(index)),
          ])
          return { latencies }
        },
      )
    } finally {
      await Promise.all(rings.map((one) => one.close()))
    }
  },
}
