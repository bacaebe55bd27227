import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { TestStore } from '../support/gateway.js'

const UNDEFINED_TABLE = '42P01'

/** All that a store has written, raw, piece by piece: its files, or every row of every schema. */
export async function* rawStore({ env }: TestStore): AsyncGenerator<Buffer> {
  const folder = env['DATA_DIR'] as string
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) yield readFileSync(join(entry.parentPath, entry.name))
  }
  if (!env['DATABASE_URL']) return
  const client = new pg.Client({ connectionString: env['DATABASE_URL'] })
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
        WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`,
    )
    for (const { name } of tables) {
      const { rows } = await client.query<Record<string, unknown>>(`SELECT * FROM ${name}`).catch((error) => {
        // The place that a wallet has left is removed meanwhile.
        if (error.code === UNDEFINED_TABLE) return { rows: [] }
        throw error
      })
      for (const row of rows) {
        for (const value of Object.values(row)) yield Buffer.isBuffer(value) ? value : Buffer.from(String(value))
      }
    }
  } finally {
    await client.end()
  }
}
