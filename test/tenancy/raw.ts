import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import Sqlite from 'libsql'
import pg from 'pg'
import { loadAskar, shared } from '../../src/askar/index.js'
import type { TestTenant } from '../support/client.js'
import type { TestStore } from '../support/gateway.js'

/** What lies in a store, as the database itself tells. */
interface Raw {
  /** Names of the profiles. */
  profiles: string[]
  /** Stores of tenants' own. */
  stores: string[]
  /** Rows that belong to no profile. */
  strays: number
}

const STRAYS = 'SELECT count(*) AS n FROM items WHERE profile_id NOT IN (SELECT id FROM profiles)'

async function readRaw({ env }: TestStore): Promise<Raw> {
  const url = env['DATABASE_URL']
  if (!url) {
    const folder = env['DATA_DIR'] as string
    const db = new Sqlite(join(folder, 'wallets.db'))
    const profiles = db.prepare('SELECT name FROM profiles ORDER BY name').all() as { name: string }[]
    const [strays] = db.prepare(STRAYS).all() as { n: number }[]
    db.close()
    const own = join(folder, 'wallets')
    const stores = existsSync(own) ? readdirSync(own) : []
    return { profiles: profiles.map(({ name }) => name), stores, strays: Number(strays?.n) }
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const profiles = await client.query<{ name: string }>('SELECT name FROM profiles ORDER BY name')
    const stores = await client.query<{ name: string }>(
      "SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'wallet%'",
    )
    const strays = await client.query<{ n: string }>(STRAYS)
    const names = ({ rows }: { rows: { name: string }[] }) => rows.map(({ name }) => name)
    return { profiles: names(profiles), stores: names(stores), strays: Number(strays.rows[0]?.n) }
  } finally {
    await client.end()
  }
}

/** What outlives a tenant: the log of the base stream, and that of who did what. */
const OUTLIVES = ['_event', '_audit']

/** The base wallet's entries, decrypted, in which one of the words stands. No gateway may run. */
async function findInBase({ env }: TestStore, words: string[]): Promise<string[]> {
  await loadAskar({ binding: 'koffi' })
  const access = {
    keyMethod: new shared.StoreKeyMethod(shared.KdfMethod.Raw),
    passKey: env['STORE_KEY'] as string,
  }
  const uri = env['DATABASE_URL'] ?? `sqlite://${join(env['DATA_DIR'] as string, 'wallets.db')}`
  const store = await shared.Store.open({ ...access, uri })
  try {
    // Without a category it scans them all, which the type does not know.
    const entries = await store.scan({ profile: 'base' } as never).fetchAll()
    if (!entries.some(({ category }) => category === '_head')) throw new Error('The scan does not find everything')
    return entries
      .filter(({ category }) => !OUTLIVES.includes(category))
      .map(({ category, name, value, tags }) => JSON.stringify([category, name, value, tags]))
      .filter((text) => words.some((word) => text.includes(word)))
  } finally {
    await store.close()
  }
}

/** The names of what Redis holds of a tenant, in any of its values. */
async function findInRedis({ env }: TestStore, id: string): Promise<string[]> {
  const url = env['REDIS_URL']
  if (!url) return []
  const redis = new Redis(url)
  try {
    const keys = await redis.keys('tenantry:*')
    const found = await Promise.all(
      keys.map(async (key) => {
        const value = (await redis.type(key)) === 'string' ? await redis.get(key) : null
        return key.includes(id) || value?.includes(id) ? [key] : []
      }),
    )
    return found.flat()
  } finally {
    redis.disconnect()
  }
}

/** Fails where anything of tenants is left, but what outlives them. No gateway may run. */
export async function assertNothingLeft(store: TestStore, gone: TestTenant[], staying: TestTenant[]): Promise<void> {
  const { profiles, stores, strays } = await readRaw(store)
  assert.deepEqual(profiles.toSorted(), ['base', ...staying.map(({ id }) => id)].toSorted())
  assert.deepEqual(stores, [])
  assert.equal(strays, 0)
  const words = gone.flatMap(({ id, name }) => [id, name])
  assert.deepEqual(await findInBase(store, words), [])
  for (const { id } of gone) assert.deepEqual(await findInRedis(store, id), [])
}
