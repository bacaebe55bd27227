import { Redis } from 'ioredis'
import type { TestStore } from './gateway.js'

/** Notes every command that comes to Redis from here on. */
export async function watchRedis(store: TestStore, traffic: string[]): Promise<Redis | undefined> {
  if (!store.env['REDIS_URL']) return undefined
  const redis = new Redis(store.env['REDIS_URL'])
  const monitor = await redis.monitor()
  redis.disconnect()
  monitor.on('monitor', (_time: string, args: string[]) => traffic.push(args.join(' ')))
  return monitor
}
