import type { OpenCounts } from '../redis/open-counts.js'
import type { Policies } from './policy.js'
import type { Quotas } from './quotas.js'
import type { TenantStore } from './tenant-store.js'

/** How often an instance says again what it has open (ms): a little more often than that ceases to count. */
const TELL_MS = 2000

/** Open subscriptions of tenants, on all instances together. */
export class Subscriptions {
  private readonly own = new Map<string, number>()
  private readonly timer: NodeJS.Timeout

  constructor(
    private readonly counts: OpenCounts,
    private readonly tenants: TenantStore,
    private readonly policies: Policies,
    private readonly quotas: Quotas,
  ) {
    this.timer = setInterval(() => {
      for (const [tenantId, own] of this.own) void this.counts.tell(tenantId, own)
    }, TELL_MS).unref()
  }

  /** Takes a place for one more. @returns what gives it back @throws QUOTA_EXCEEDED */
  async take(tenantId: string): Promise<() => void> {
    const tenant = await this.tenants.find(tenantId)
    const most = tenant ? this.policies.of(tenant).maxSubscriptions : null
    // Counted before it is asked for, so that others that are on their way see it.
    const own = this.add(tenantId, 1)
    let isHeld = true
    const giveBack = () => {
      if (!isHeld) return
      isHeld = false
      void this.counts.tell(tenantId, this.add(tenantId, -1))
    }
    if (most === null || (own <= most && (await this.counts.take(tenantId, own, most)))) return giveBack
    giveBack()
    throw this.quotas.refusal('maxSubscriptions', tenantId, 'There are as many subscriptions as may be. End one first.')
  }

  /** How many a tenant has open. */
  open(tenantId: string): Promise<number> {
    return this.counts.tell(tenantId, this.own.get(tenantId) ?? 0)
  }

  close(): void {
    clearInterval(this.timer)
  }

  private add(tenantId: string, more: number): number {
    const own = (this.own.get(tenantId) ?? 0) + more
    if (own > 0) this.own.set(tenantId, own)
    else this.own.delete(tenantId)
    return own
  }
}
