import type { Cluster, Redis } from 'ioredis'
import type { Bus } from './bus.js'
import type { RedisKeys } from './keys.js'

/** A route that nobody asks for is forgotten after a day. */
const KEPT_SECONDS = 24 * 60 * 60

/** Recipient keys and whose they are, in Redis. Fails silently: the store knows. */
export class RedisRouteHints {
  constructor(
    private readonly redis: Redis | Cluster,
    private readonly keys: RedisKeys,
    private readonly bus: Bus,
  ) {}

  async get(key: string): Promise<string | undefined> {
    return (await this.redis.get(this.keys.route(key)).catch(() => null)) ?? undefined
  }

  async set(key: string, tenantId: string): Promise<void> {
    await this.redis.set(this.keys.route(key), tenantId, 'EX', KEPT_SECONDS).catch(() => {})
  }

  async drop(keys: string[]): Promise<void> {
    this.bus.publish('routes', { keys })
    await Promise.all(keys.map((key) => this.redis.del(this.keys.route(key)).catch(() => {})))
  }
}

/** The hints of a gateway without Redis. */
export const noRouteHints = {
  async get(): Promise<string | undefined> {
    return undefined
  },
  async set(): Promise<void> {},
  async drop(): Promise<void> {},
}
