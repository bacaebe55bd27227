import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import pg from 'pg'
import { postgresBackends, secondsBetween } from './processes.js'

export type StoreKind = 'sqlite' | 'postgres'

/** CPU seconds since some fixed point: of each Postgres backend by process id, and of Redis. */
export interface BackingCpu {
  postgres: Map<number, number>
  redis: number
}

/** What the gateway stores in during a run, and what that costs. */
export interface Backing {
  readonly kind: StoreKind
  /** Settings of the gateway that point to it. */
  readonly settings: Record<string, string>
  cpu(): Promise<BackingCpu>
  /** Takes away what the run left there. */
  dispose(): Promise<void>
}

/** Seconds used between two readings. A backend that ended in between is not in it. */
export function cpuBetween(before: BackingCpu, after: BackingCpu): { postgres: number; redis: number } {
  return { postgres: secondsBetween(before.postgres, after.postgres), redis: after.redis - before.redis }
}

/** Files in the gateway's own data folder, and nothing else. */
const sqlite: Backing = {
  kind: 'sqlite',
  settings: {},
  cpu: async () => ({ postgres: new Map(), redis: 0 }),
  dispose: async () => {},
}

/**
 * For Postgres: a database of a name of its own, which the gateway makes, beside an unused database of Redis. The
 * servers are those of `DATABASE_URL` and `REDIS_URL`, by default the usual ports of this machine.
 *
 * @throws Error where Redis has no empty database left
 */
export async function openBacking(kind: StoreKind): Promise<Backing> {
  if (kind === 'sqlite') return sqlite
  const server = new URL(process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432')
  const database = `tenantry_bench_${randomBytes(4).toString('hex')}`
  const redis = await openEmptyRedis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379')
  return {
    kind,
    settings: { DATABASE_URL: withPath(server, database), REDIS_URL: redis.url },
    cpu: async () => ({ postgres: postgresBackends(database), redis: await redisCpuSeconds(redis.client) }),
    dispose: async () => {
      await redis.client.flushdb()
      redis.client.disconnect()
      await dropDatabase(withPath(server, 'postgres'), database)
    },
  }
}

function withPath(server: URL, path: string): string {
  const url = new URL(server)
  url.pathname = `/${path}`
  return url.href
}

async function openEmptyRedis(server: string): Promise<{ url: string; client: Redis }> {
  for (let index = 15; index > 0; index--) {
    const url = withPath(new URL(server), `${index}`)
    const client = new Redis(url)
    if ((await client.dbsize()) === 0) return { url, client }
    client.disconnect()
  }
  throw new Error('Every numbered database of this Redis holds something; name another one by REDIS_URL')
}

/** Of the whole server: Redis does not tell its clients' shares apart. */
async function redisCpuSeconds(client: Redis): Promise<number> {
  const info = await client.info('cpu')
  const seconds = (field: string) => Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0)
  return seconds('used_cpu_user') + seconds('used_cpu_sys')
}

async function dropDatabase(adminUrl: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`)
  } finally {
    await client.end()
  }
}
