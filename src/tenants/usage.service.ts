import { readLog } from '../events/log.js'
import { isGatewayError, notFound } from '../lib/errors.js'
import type { TagQuery } from '../storage/entry.js'
import type { Profiles } from '../storage/profiles.js'
import type { Rates } from './rates.js'
import type { Subscriptions } from './subscriptions.js'
import type { Tenant } from './tenant.js'
import type { TenantStore } from './tenant-store.js'
import type { Tokens } from './tokens.js'
import type { TenantUsageType } from './usage.type.js'

/** What is in a wallet. */
type Contents = Pick<
  TenantUsageType,
  'connections' | 'invitations' | 'basicMessages' | 'dids' | 'events' | 'storageBytes'
> & { lastEventAt: number }

const UNKNOWN: Contents = {
  connections: null,
  invitations: null,
  basicMessages: null,
  dids: null,
  events: null,
  storageBytes: null,
  lastEventAt: 0,
}

/** What tenants have, and what they do. */
export class UsageService {
  constructor(
    private readonly tenants: TenantStore,
    private readonly tokens: Tokens,
    private readonly profiles: Profiles,
    private readonly rates: Rates,
    private readonly subscriptions: Subscriptions,
    /** How many sealed messages wait for a tenant. */
    private readonly queued: (tenantId: string) => Promise<number>,
  ) {}

  /** @throws NOT_FOUND */
  async of(tenantId: string): Promise<TenantUsageType> {
    const tenant = await this.tenants.find(tenantId)
    if (!tenant || tenant.deleting) throw notFound('tenant')
    const { lastEventAt, ...contents } = await this.contents(tenantId)
    const lastActivity = Math.max(lastEventAt, ...this.uses(tenant))
    return {
      tenantId,
      ...contents,
      queuedMessages: await this.queued(tenantId),
      openSubscriptions: await this.subscriptions.open(tenantId),
      lastActivityAt: lastActivity > 0 ? new Date(lastActivity) : null,
      requestsPerMinute: await this.rates.standing(tenantId, 'requestsPerMinute'),
      mutationsPerMinute: await this.rates.standing(tenantId, 'mutationsPerMinute'),
      inboundPerMinute: await this.rates.standing(tenantId, 'inboundPerMinute'),
    }
  }

  /** When its tokens were last used (ms since the epoch). */
  private uses({ id, tokens }: Tenant): number[] {
    return tokens.map((token) => (this.tokens.lastUse(id, token) ?? 0) * 1000)
  }

  private async contents(tenantId: string): Promise<Contents> {
    const profile = this.profiles.of(tenantId)
    try {
      const head = await profile.head()
      const [last] = await readLog(profile, { after: 0, limit: 1, reverse: true }, head)
      const counts = await profile.read(async (session) => {
        const count = (category: string, tagFilter?: TagQuery) => session.count({ category, tagFilter })
        return {
          connections: await count('ConnectionRecord'),
          invitations: await count('OutOfBandRecord'),
          basicMessages: await count('BasicMessageRecord'),
          // Those that handshakes made stand in no list.
          dids: await count('DidRecord', { $exist: ['_p'] }),
        }
      })
      const events = head.seq - head.first + 1
      const lastEventAt = last ? Date.parse(last.occurredAt) : 0
      return { ...counts, events, storageBytes: head.bytes ?? null, lastEventAt }
    } catch (error) {
      if (isGatewayError(error, 'TENANT_LOCKED')) return UNKNOWN
      throw error
    }
  }
}
