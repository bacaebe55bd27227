import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Logger } from '../lib/logger.js'

const OPTIONS: RedisOptions = {
  // A hint that does not come at once is done without.
  commandTimeout: 500,
  maxRetriesPerRequest: 1,
  enableOfflineQueue: false,
  // Commands of one turn of the event loop go in one packet.
  enableAutoPipelining: true,
  retryStrategy: (times) => Math.min(times * 200, 2000),
}

/** Connects to Redis, or to a cluster where several URLs are given; goes on trying while it cannot be reached. */
export function connectRedis(urls: readonly string[], logger: Logger, options: RedisOptions = {}): Redis | Cluster {
  const redisOptions = { ...OPTIONS, ...options }
  const redis =
    urls.length > 1
      ? new Cluster([...urls], { redisOptions, enableOfflineQueue: redisOptions.enableOfflineQueue })
      : new Redis(urls[0] as string, redisOptions)
  let down = false
  redis.on('error', () => {
    if (!down)
      logger.warn('Redis cannot be reached. Going on without it, slower to hear of other instances: look at REDIS_URL')
    down = true
  })
  redis.on('ready', () => {
    if (down) logger.info('Redis is back')
    down = false
  })
  return redis
}
