import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { Problem } from '../../lib/problem.js'
import { postgresDatabase } from '../database.js'
import { countingRows } from './copy-rows.js'
import type { BackupSource, RestoreTarget } from './source.js'
import { columnsOf, postgresIndexes, postgresTables, SHARED, TABLES, type TableName } from './tables.js'

const OWN_SCHEMA = '^wallet_[0-9a-f]{32}$'

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
const tableOf = (name: TableName) => TABLES.find((table) => table.name === name) as (typeof TABLES)[number]

async function connect(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 })
  try {
    await client.connect()
  } catch (error) {
    throw new Problem(
      `DATABASE_URL: the database cannot be reached (${(error as { code?: string }).code ?? 'no answer'})`,
    )
  }
  // A connection that breaks fails the query in hand.
  client.on('error', () => {})
  await client.query(`SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0`)
  return client
}

/** The schemas of the gateway's stores that are there: by the name that an archive calls them. */
async function schemasOf(client: pg.Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ schema: string; shared: boolean }>(
    `SELECT n.nspname AS schema, c.oid IS NOT DISTINCT FROM to_regclass('config')::oid AS shared
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = 'config' AND (c.oid = to_regclass('config')::oid OR n.nspname ~ $1)
     ORDER BY shared DESC, schema`,
    [OWN_SCHEMA],
  )
  return new Map(rows.map(({ schema, shared }) => [shared ? SHARED : schema.slice('wallet_'.length), quoted(schema)]))
}

/** All schemas as they are in one moment: one transaction that only reads. */
export async function postgresSource(databaseUrl: string): Promise<BackupSource> {
  const client = await connect(databaseUrl)
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const schemas = await schemasOf(client)
  if (!schemas.has(SHARED)) {
    await client.end()
    throw new Problem('There is no store in this database. Check DATABASE_URL.')
  }
  const stores: BackupSource['stores'] = []
  for (const [name, schema] of schemas) {
    const counts = TABLES.map((table) => `(SELECT count(*) FROM ${schema}.${table.name})::int8 AS ${table.name}`)
    const { rows } = await client.query<Record<TableName, string>>(`SELECT ${counts.join(', ')}`)
    const count = (table: TableName) => Number(rows[0]?.[table])
    stores.push({
      name,
      rows: Object.fromEntries(TABLES.map(({ name: table }) => [table, count(table)])) as Record<TableName, number>,
    })
  }
  return {
    kind: 'postgres',
    stores,
    read: (store, name) =>
      client.query(
        copyTo(`COPY ${schemas.get(store)}.${name} (${columnsOf(tableOf(name))}) TO STDOUT (FORMAT binary)`),
      ),
    close: () => client.end(),
  }
}

/** One transaction that makes the schemas and fills them, in a database without a store. */
export async function postgresTarget(databaseUrl: string): Promise<RestoreTarget> {
  await makeDatabase(databaseUrl)
  const client = await connect(databaseUrl)
  await client.query('BEGIN')
  if ((await schemasOf(client)).size > 0) {
    await client.end()
    throw new Problem(
      'This database has a store already. Restore to another: change the name at the end of DATABASE_URL.',
    )
  }
  const { rows } = await client.query<{ user: string }>('SELECT current_user::text AS user')
  const schemaOf = (store: string) => (store === SHARED ? quoted(rows[0]?.user as string) : `wallet_${store}`)
  const made = new Set<string>()
  return {
    async write(store, name, buffers, counted) {
      const schema = schemaOf(store)
      if (!made.has(schema)) {
        await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}; ${postgresTables(schema)}`)
        made.add(schema)
      }
      const columns = columnsOf(tableOf(name))
      const copy = client.query(copyFrom(`COPY ${schema}.${name} (${columns}) FROM STDIN (FORMAT binary)`))
      await pipeline(countingRows(buffers, counted), copy)
    },
    async finish() {
      for (const schema of made) await client.query(postgresIndexes(schema))
      await client.query('COMMIT')
      for (const schema of made) await client.query(`ANALYZE ${schema}.items; ANALYZE ${schema}.items_tags`)
      await client.end()
    },
    async abandon() {
      // Ends the transaction, too.
      await client.end()
    },
  }
}

async function makeDatabase(databaseUrl: string): Promise<void> {
  const database = postgresDatabase(databaseUrl, 1)
  try {
    if ((await database.inspect()) !== 'missing') return
    const maintenance = new URL(databaseUrl)
    const name = decodeURIComponent(maintenance.pathname.slice(1))
    maintenance.pathname = '/postgres'
    const client = await connect(maintenance.href)
    await client.query(`CREATE DATABASE ${quoted(name)}`)
    await client.end()
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem(`DATABASE_URL: the database cannot be made (${(error as { code?: string }).code ?? 'no answer'})`)
  } finally {
    await database.close()
  }
}
