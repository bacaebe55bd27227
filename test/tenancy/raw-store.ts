import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'libsql'
import pg from 'pg'
import type { TestStore } from '../support/gateway.js'

/** All that lies in a store, as far as it can be counted without its key. */
export interface RawStore {
  profiles: number
  items: number
  tags: number
  /** Stores of tenants' own, and files that a transfer has left. */
  stores: string[]
  files: string[]
}

const COUNTS =
  'SELECT (SELECT count(*) FROM profiles) AS profiles, (SELECT count(*) FROM items) AS items, (SELECT count(*) FROM items_tags) AS tags'

/** Looks into a store's database and folders. No gateway may run on it. */
export async function rawStoreOf({ env }: TestStore): Promise<RawStore> {
  const folder = env['DATA_DIR'] as string
  const inFolder = (name: string) =>
    existsSync(join(folder, name)) ? (readdirSync(join(folder, name), { recursive: true }) as string[]).sort() : []
  const files = inFolder('travelling')
  const url = env['DATABASE_URL']
  if (!url) {
    const db = new Sqlite(join(folder, 'wallets.db'))
    const { profiles, items, tags } = db.prepare(COUNTS).get() as Omit<RawStore, 'stores' | 'files'>
    db.close()
    return { profiles, items, tags, stores: inFolder('wallets'), files }
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, string>>(COUNTS)
    const schemas = await client.query<{ name: string }>(
      "SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'wallet_%' ORDER BY name",
    )
    const [counts] = rows.map(({ profiles, items, tags }) => ({
      profiles: Number(profiles),
      items: Number(items),
      tags: Number(tags),
    }))
    return { ...(counts as NonNullable<typeof counts>), stores: schemas.rows.map(({ name }) => name), files }
  } finally {
    await client.end()
  }
}
