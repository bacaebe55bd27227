import { join } from 'node:path'
import Sqlite from 'libsql'
import pg from 'pg'
import type { TestStore } from './gateway.js'

/** Tables, columns, indexes and constraints of a store's database, as the database tells them. No gateway may run on it. */
export async function tablesOf({ env }: TestStore): Promise<string[]> {
  const url = env['DATABASE_URL']
  if (!url) {
    const db = new Sqlite(join(env['DATA_DIR'] as string, 'wallets.db'))
    const rows = db.prepare('SELECT sql FROM sqlite_master WHERE sql IS NOT NULL').all() as { sql: string }[]
    db.close()
    return rows.map(({ sql }) => sql.replace(/\s+/g, ' ').replace(/ ?([(),=]) ?/g, '$1')).sort()
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ line: string }>(`
      SELECT concat_ws(' ', table_schema, table_name, column_name, data_type, is_nullable, column_default) AS line
        FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
      UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
      UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid > 0
      ORDER BY line`)
    return rows.map(({ line }) => line)
  } finally {
    await client.end()
  }
}

/** The keys of all profiles of the shared store, sealed as they lie there. */
export async function profileKeysOf({ env }: TestStore): Promise<Buffer[]> {
  const url = env['DATABASE_URL']
  if (!url) {
    const db = new Sqlite(join(env['DATA_DIR'] as string, 'wallets.db'))
    const rows = db.prepare('SELECT profile_key AS key FROM profiles').all() as { key: Uint8Array }[]
    db.close()
    return rows.map(({ key }) => Buffer.from(key))
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ key: Buffer }>('SELECT profile_key AS key FROM profiles')
    return rows.map(({ key }) => key)
  } finally {
    await client.end()
  }
}
