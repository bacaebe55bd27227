import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { round } from '../meter.js'
import type { Scenario } from './scenario.js'
import { timed } from './timed.js'

const SIZES = [100, 1000, 10_000]
/** Of each size, and as many before that are not measured. */
const OPERATIONS = 1000
const TOKENS = 200
const CREATING = 8
const SETTLE_MS = 3000

/**
 * What the number of tenants changes: a page of connections and a new token, each of a tenant chosen at random, one after
 * the other, with 100, 1,000 and 10,000 tenants; and how fast the last of them were made.
 */
export const manyTenants: Scenario = {
  name: 'many tenants',
  async *run(lab) {
    let first: number | null = null
    for (const size of SIZES) {
      const missing = size - lab.tenants.length
      const tenants = { tenants: size }
      if (missing > 0) {
        yield await lab.meter.measure(
          { scenario: `create, up to ${size} tenants`, n: missing, conc: CREATING },
          async () => ({
            ...(await timed(CREATING, missing, () => lab.addTenant())),
            more: tenants,
          }),
        )
      }
      const chosen = Array.from({ length: OPERATIONS }, () => randomInt(size))
      const read = (index: number) => lab.api.readConnections(lab.tenant(chosen[index] as number))
      // What was open before, and what the making has left, is not to be measured.
      await timed(1, OPERATIONS, () => lab.api.readConnections(lab.tenant(randomInt(size))))
      await sleep(SETTLE_MS)
      const result = await lab.meter.measure(
        { scenario: `read of one of ${size} tenants`, n: OPERATIONS, conc: 1 },
        async () => ({
          ...(await timed(1, OPERATIONS, read)),
          more: tenants,
        }),
      )
      first ??= result.p50_ms
      yield { ...result, p50_ratio: round((result.p50_ms ?? 0) / (first ?? 1), 2) }
      yield await lab.meter.measure({ scenario: `token of one of ${size} tenants`, n: TOKENS, conc: 1 }, async () => ({
        ...(await timed(1, TOKENS, async () => {
          const tenant = lab.tenant(randomInt(size))
          tenant.token = await lab.api.createTenantToken(tenant.id)
        })),
        more: tenants,
      }))
    }
  },
}
