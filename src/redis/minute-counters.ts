import type { Cluster, Redis } from 'ioredis'
import { RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible'
import { Recent } from '../lib/recent.js'
import type { RedisKeys } from './keys.js'
import type { Patience } from './patience.js'

/** What was counted within a minute, which begins with the first that is counted. */
export interface Counted {
  total: number
  /** Until the minute ends (ms). */
  msLeft: number
}

/** Counts what somebody does, a tenant or an address, each kind by itself. */
export interface MinuteCounters {
  /** Adds to a count. @returns what was counted, this included */
  add(who: string, what: string, points: number): Promise<Counted>
  read(who: string, what: string): Promise<Counted>
  drop(who: string, what: string): Promise<void>
}

const MINUTE_S = 60
/** How many counts a process keeps; beyond them what was counted longest ago is forgotten. */
const COUNTS_MAX = 50_000
/** Where a count is too high is for its reader to say. */
const OPTIONS = { points: Number.MAX_SAFE_INTEGER, duration: MINUTE_S, keyPrefix: '' }

/** Counters of this process alone. */
export function ownCounters(): MinuteCounters {
  /** Times are those of `performance.now()`: no step of the clock makes a minute longer. */
  const minutes = new Recent<string, { total: number; until: number }>(COUNTS_MAX)
  const nameOf = (who: string, what: string) => `${who}:${what}`
  const current = (name: string) => {
    const minute = minutes.get(name)
    return minute && minute.until > performance.now()
      ? minute
      : { total: 0, until: performance.now() + MINUTE_S * 1000 }
  }
  const counted = ({ total, until }: { total: number; until: number }) => ({
    total,
    msLeft: Math.ceil(until - performance.now()),
  })
  return {
    async add(who, what, points) {
      const name = nameOf(who, what)
      const minute = current(name)
      minute.total += points
      minutes.set(name, minute)
      return counted(minute)
    },
    read: async (who, what) => counted(current(nameOf(who, what))),
    drop: async (who, what) => void minutes.delete(nameOf(who, what)),
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

  async add(who: string, what: string, points: number): Promise<Counted> {
    const counted = await this.patience.ask(() => this.limiter.consume(this.keys.rate(who, what), points))
    return counted ? countedBy(counted) : this.own.add(who, what, points)
  }

  async read(who: string, what: string): Promise<Counted> {
    const counted = await this.patience.ask(() => this.limiter.get(this.keys.rate(who, what)))
    return counted === undefined ? this.own.read(who, what) : countedBy(counted)
  }

  async drop(who: string, what: string): Promise<void> {
    await this.patience.ask(() => this.limiter.delete(this.keys.rate(who, what)))
    await this.own.drop(who, what)
  }
}

function countedBy(result: RateLimiterRes | null): Counted {
  return { total: result?.consumedPoints ?? 0, msLeft: Math.max(result?.msBeforeNext ?? 0, 0) }
}
