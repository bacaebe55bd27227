import { rateLimited } from '../lib/errors.js'
import { Recent } from '../lib/recent.js'
import type { MinuteCounters } from '../redis/minute-counters.js'
import type { Policies } from './policy.js'
import type { TenantStore } from './tenant-store.js'

/** The keys of a policy that bound how much a tenant does in a minute. */
export const RATES = ['requestsPerMinute', 'mutationsPerMinute', 'inboundPerMinute'] as const
export type Rate = (typeof RATES)[number]

/** How much was counted within a minute that ends at a time (ms since the epoch). */
interface Spent {
  total: number
  until: number
}

/** Holds tenants to how much they may do in a minute. What is not bounded is not counted. */
export class Rates {
  /** Minutes that are known to be used up, so that whoever goes on asking costs nothing. */
  private readonly spent = new Recent<string, Spent>(20_000)

  constructor(
    private readonly counters: MinuteCounters,
    private readonly tenants: TenantStore,
    private readonly policies: Policies,
    /** Called where something is refused. */
    private readonly refused: (rate: Rate, tenantId: string) => void,
  ) {}

  /** Counts one operation with its root mutation fields. @throws RATE_LIMITED */
  takeOperation(tenantId: string, mutations: number): Promise<void> {
    return this.take(tenantId, { requestsPerMinute: 1, ...(mutations > 0 ? { mutationsPerMinute: mutations } : {}) })
  }

  /** Counts one message that came in. @throws RATE_LIMITED */
  takeInbound(tenantId: string): Promise<void> {
    return this.take(tenantId, { inboundPerMinute: 1 })
  }

  /** Where a tenant stands; `used` is null where nothing is counted. */
  async standing(tenantId: string, rate: Rate): Promise<{ used: number | null; limit: number | null }> {
    const tenant = await this.tenants.find(tenantId)
    const limit = tenant ? this.policies.of(tenant)[rate] : null
    if (limit === null) return { used: null, limit }
    const { total } = await this.counters.read(tenantId, rate)
    return { used: Math.min(total, limit), limit }
  }

  /** Forgets a tenant that is gone. */
  async forget(tenantId: string): Promise<void> {
    await Promise.all(RATES.map((rate) => this.counters.drop(tenantId, rate)))
  }

  private async take(tenantId: string, points: Partial<Record<Rate, number>>): Promise<void> {
    const tenant = await this.tenants.find(tenantId)
    if (!tenant || tenant.deleting) return
    const policy = this.policies.of(tenant)
    // All in one turn of the event loop: so they go to Redis in one packet.
    const waits = await Promise.all(
      RATES.map(async (rate) => {
        const limit = policy[rate]
        const wanted = points[rate]
        if (wanted === undefined || limit === null) return 0
        const ms = await this.waitFor(tenantId, rate, wanted, limit)
        if (ms > 0) this.refused(rate, tenantId)
        return ms
      }),
    )
    const longest = Math.max(...waits)
    if (longest > 0) throw rateLimited(Math.ceil(longest / 1000))
  }

  /** @returns after what time trying again can help (ms), 0 where it was counted and fits */
  private async waitFor(tenantId: string, rate: Rate, wanted: number, limit: number): Promise<number> {
    const name = `${tenantId}:${rate}`
    const known = this.spent.get(name)
    const now = Date.now()
    if (known && known.until > now && known.total + wanted > limit) return known.until - now
    const { total, msLeft } = await this.counters.add(tenantId, rate, wanted)
    if (total <= limit) return 0
    const ms = Math.max(msLeft, 1)
    this.spent.set(name, { total: total - wanted, until: Date.now() + ms }, { ttl: ms })
    // What is refused takes nothing from what is left for less.
    void this.counters.add(tenantId, rate, -wanted)
    return ms
  }
}
