import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Sqlite from 'libsql'
import pg from 'pg'
import { ConfigError } from '../config/config-error.js'
import { newClient } from './connections.js'
import { removeSqliteFile } from './sqlite-file.js'

/** `missing`: nothing is there. `empty`: a database without a store in it. `ready`: a store. */
export type DatabaseState = 'missing' | 'empty' | 'ready'

/** What we do with the database beside Askar, over connections of our own. */
export interface Database {
  kind: 'sqlite' | 'postgres'
  /** Where Askar finds it. */
  uri: string
  inspect(): Promise<DatabaseState>
  /** Runs `fn` while no other process does the same on this database. */
  exclusively<T>(fn: () => Promise<T>): Promise<T>
  /** Has a store made by `provision`, which gets the place for it, and finishes it. */
  make(provision: (uri: string) => Promise<void>): Promise<void>
  /** Planner statistics from what is there now: Askar never gathers any, and without them look-ups crawl. */
  analyze(): Promise<void>
  /** Rejects when the database cannot be reached. */
  ping(): Promise<void>
  /** One statement of SQL, over a connection of our own. Postgres only. */
  query<Row extends object>(sql: string): Promise<Row[]>
  close(): Promise<void>
}

/**
 * A SQLite file. It is made under another name and gets its own only when it is whole, so that a file of this name is
 * always a store. No other SQLite library opens it while Askar has it: the second one to close would drop the locks
 * of the first, and its log.
 */
export function sqliteDatabase(file: string, poolSize: number): Database {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const lock = holdLock(`${file}.lock`)
  const draft = `${file}.new`
  const uri = (path: string) => `sqlite://${path}?max_connections=${poolSize}`
  return {
    kind: 'sqlite',
    uri: uri(file),
    inspect: async () => (existsSync(file) ? 'ready' : 'missing'),
    exclusively: (fn) => fn(),
    async make(provision) {
      await removeSqliteFile(draft)
      await provision(uri(draft))
      await seedStatistics(draft)
      chmodSync(draft, 0o600)
      renameSync(draft, file)
    },
    analyze: async () => {},
    ping: async () => {},
    query: () => Promise.reject(new Error('No other library opens a SQLite file that Askar has')),
    async close() {
      lock.close()
    },
  }
}

/**
 * Planner statistics, written once by hand in the shape of a large store: SQLite then plans every query by the index on
 * tags from the first row on, and no connection has to be opened again to learn better. In a process of its own, since
 * a connection of this library is closed only when it is collected.
 */
export async function seedStatistics(file: string): Promise<void> {
  const script = fileURLToPath(new URL('./seed-statistics.js', import.meta.url))
  await promisify(execFile)(process.execPath, [script, file])
}

/**
 * Two gateways on one file would not see each other's writes. The lock goes with the process, also when it is killed.
 * @throws ConfigError where another process holds it
 */
export function holdLock(file: string) {
  const lock = new Sqlite(file)
  try {
    lock.exec('PRAGMA busy_timeout = 1000; BEGIN EXCLUSIVE')
    return lock
  } catch {
    lock.close()
    throw new ConfigError('DATA_DIR', 'another gateway uses this folder, stop it or choose another')
  }
}

/** Advisory lock of the making of a store, the same for every gateway. */
const MAKING = 7_301_942

/** A Postgres database; made by Askar where it is missing. */
export function postgresDatabase(databaseUrl: string, poolSize: number): Database {
  const url = new URL(databaseUrl)
  const maintenance = new URL(databaseUrl)
  maintenance.pathname = '/postgres'
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 2,
    connectionTimeoutMillis: 5000,
    query_timeout: 60_000,
  })
  // A broken idle connection is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => {})

  const askarUrl = new URL(databaseUrl)
  askarUrl.protocol = 'postgres:'
  askarUrl.searchParams.set('max_connections', String(poolSize))
  askarUrl.searchParams.set('admin_account', decodeURIComponent(url.username))
  askarUrl.searchParams.set('admin_password', decodeURIComponent(url.password) || 'none')
  if (!askarUrl.password) askarUrl.password = 'none'

  return {
    kind: 'postgres',
    uri: askarUrl.href,
    async inspect() {
      try {
        const { rows } = await pool.query<{ ready: boolean }>(`SELECT to_regclass('config') IS NOT NULL AS ready`)
        return rows[0]?.ready ? 'ready' : 'empty'
      } catch (error) {
        if ((error as { code?: string }).code === '3D000') return 'missing'
        throw error
      }
    },
    async exclusively(fn) {
      const client = newClient(maintenance.href)
      await client.connect()
      try {
        await client.query('SELECT pg_advisory_lock($1, hashtext($2))', [MAKING, url.pathname])
        return await fn()
      } finally {
        await client.end()
      }
    },
    make: (provision) => provision(askarUrl.href),
    async analyze() {
      await pool.query('ANALYZE items; ANALYZE items_tags')
    },
    async ping() {
      await pool.query('SELECT 1')
    },
    async query<Row extends object>(sql: string) {
      return (await pool.query<Row>(sql)).rows
    },
    async close() {
      await pool.end()
    },
  }
}
