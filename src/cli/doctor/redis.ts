import { Redis } from 'ioredis'
import type { Config } from '../../config/config.js'
import { codeOf, type Findings, megabytes } from './finding.js'
import { examineClock } from './postgres.js'

const SLOW_MS = 20

/** Each Redis that REDIS_URL names. */
export async function examineRedis(config: Config, found: Findings): Promise<void> {
  if (config.redisUrls.length === 0) {
    if (!config.databaseUrl) return
    return void found.warn(
      'redis',
      'There is none',
      'With several instances set REDIS_URL: without it they hear of each other up to two seconds late.',
    )
  }
  for (const url of config.redisUrls) await examineOne(url, found)
}

async function examineOne(url: string, found: Findings): Promise<void> {
  const { host } = new URL(url)
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 3000,
    commandTimeout: 3000,
    retryStrategy: () => null,
  })
  redis.on('error', () => {})
  try {
    await redis.connect()
    const began = performance.now()
    await redis.ping()
    const ms = Math.round((performance.now() - began) * 10) / 10
    if (ms < SLOW_MS) found.ok('redis', `${host} answers in ${ms} ms`)
    else found.warn('redis', `${host} takes ${ms} ms to answer`, 'Have it nearer to the gateways, or less busy.')
    examineMemory(host, await redis.info('memory'), found)
    await examineClock(
      `Redis (${host})`,
      async () => {
        const [seconds, micros] = await redis.time()
        return Number(seconds) * 1000 + Number(micros) / 1000
      },
      found,
    )
  } catch (error) {
    found.wrong(
      'redis',
      `${host} does not answer (${codeOf(error)})`,
      'Start it, or check REDIS_URL. Gateways go on without it, slower to hear of each other.',
    )
  } finally {
    redis.disconnect()
  }
}

function examineMemory(host: string, info: string, found: Findings): void {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
  const policy = field('maxmemory_policy')
  const [used, most] = [Number(field('used_memory')), Number(field('maxmemory'))]
  if (most === 0) return void found.ok('redis', `${host} uses ${megabytes(used)}, without a limit`)
  const says = `${host} uses ${megabytes(used)} of ${megabytes(most)}, and then goes by ${policy}`
  if (policy !== 'noeviction' || used < most * 0.9) return void found.ok('redis', says)
  found.warn(
    'redis',
    says,
    'Set maxmemory-policy to allkeys-lru: it holds hints only, and a full one that evicts nothing refuses new ones.',
  )
}
