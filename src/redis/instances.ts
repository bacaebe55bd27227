import type { Config } from '../config/config.js'
import type { Logger } from '../lib/logger.js'
import { type Bus, type NearInstances, RedisBus, silentBus } from './bus.js'
import { connectRedis } from './connect.js'
import { RedisKeys } from './keys.js'
import { type Liveness, RedisLiveness } from './liveness.js'
import { type MinuteCounters, ownCounters, RedisCounters } from './minute-counters.js'
import { type OpenCounts, ownOpenCounts, RedisOpenCounts } from './open-counts.js'
import { Patience } from './patience.js'
import { noRouteHints, RedisRouteHints } from './route-hints.js'

/** What instances on one store tell each other by, where there is Redis. */
export function connectInstances(
  config: Config,
  storeId: string,
  /** This process, by its name for itself. */
  self: string,
  logger: Logger,
  near?: NearInstances,
): {
  bus: Bus
  hints: typeof noRouteHints | RedisRouteHints
  openCounts: OpenCounts
  /** Absent where nothing but the store tells who lives. */
  liveness?: Liveness
  /** Of what tenants do. */
  counters: MinuteCounters
  /** Of what addresses do, apart: however many there are, they take no room from tenants. */
  addressCounters: MinuteCounters
} {
  if (config.redisUrls.length === 0) {
    const own = { counters: ownCounters(), addressCounters: ownCounters(), openCounts: ownOpenCounts }
    return { bus: silentBus, hints: noRouteHints, ...own }
  }
  const keys = new RedisKeys(storeId)
  const redis = connectRedis(config.redisUrls, logger)
  const subscriber = connectRedis(config.redisUrls, logger, { enableOfflineQueue: true, commandTimeout: undefined })
  const bus = new RedisBus(redis, subscriber, keys.bus, config.instanceId, logger, near)
  const patience = new Patience()
  const openCounts = new RedisOpenCounts(redis, keys, config.instanceId, patience)
  const counters = new RedisCounters(redis, keys, patience)
  const addressCounters = new RedisCounters(redis, keys, patience)
  const liveness = new RedisLiveness(redis, keys, self, new Patience())
  return { bus, hints: new RedisRouteHints(redis, keys, bus), counters, addressCounters, openCounts, liveness }
}
