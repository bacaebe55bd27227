import type { Cluster, Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible'
import type { RedisKeys } from './keys.js'
import type { Patience } from './patience.js'

/** What was counted within a minute, which begins with the first that is counted. */
export interface Counted {
  total: number
  /** Until the minute ends (ms). */
  msLeft: number
}

/** Counts what tenants do, each kind by itself. */
export interface MinuteCounters {
  /** Adds to a count. @returns what was counted, this included */
  add(tenantId: string, what: string, points: number): Promise<Counted>
  read(tenantId: string, what: string): Promise<Counted>
  drop(tenantId: string, what: string): Promise<void>
}

const MINUTE_S = 60
/** Where a count is too high is for its reader to say. */
const OPTIONS = { points: Number.MAX_SAFE_INTEGER, duration: MINUTE_S, keyPrefix: '' }

/** Counters of this process alone. */
export function ownCounters(): MinuteCounters {
  const limiter = new RateLimiterMemory(OPTIONS)
  const nameOf = (tenantId: string, what: string) => `${tenantId}:${what}`
  return {
    add: async (tenantId, what, points) => countedBy(await limiter.consume(nameOf(tenantId, what), points)),
    read: async (tenantId, what) => countedBy(await limiter.get(nameOf(tenantId, what))),
    drop: async (tenantId, what) => void (await limiter.delete(nameOf(tenantId, what))),
  }
}

/** Counters that all instances share; while Redis does not answer, each has its own. */
export class RedisCounters implements MinuteCounters {
  private readonly limiter: RateLimiterRedis
  private readonly own = ownCounters()

  constructor(
    redis: Redis | Cluster,
    private readonly keys: RedisKeys,
    private readonly patience: Patience,
  ) {
    this.limiter = new RateLimiterRedis({ ...OPTIONS, storeClient: redis, rejectIfRedisNotReady: true })
  }

  async add(tenantId: string, what: string, points: number): Promise<Counted> {
    const counted = await this.patience.ask(() => this.limiter.consume(this.keys.rate(tenantId, what), points))
    return counted ? countedBy(counted) : this.own.add(tenantId, what, points)
  }

  async read(tenantId: string, what: string): Promise<Counted> {
    const counted = await this.patience.ask(() => this.limiter.get(this.keys.rate(tenantId, what)))
    return counted === undefined ? this.own.read(tenantId, what) : countedBy(counted)
  }

  async drop(tenantId: string, what: string): Promise<void> {
    await this.patience.ask(() => this.limiter.delete(this.keys.rate(tenantId, what)))
    await this.own.drop(tenantId, what)
  }
}

function countedBy(result: RateLimiterRes | null): Counted {
  return { total: result?.consumedPoints ?? 0, msLeft: Math.max(result?.msBeforeNext ?? 0, 0) }
}
