import pg from 'pg'
import type { Config } from '../../config/config.js'
import { databaseProblem } from '../database-problem.js'
import { codeOf, counted, type Findings, spanOf } from './finding.js'

/** Connections of one instance beside Askar's: of its own statements. */
const OWN_STATEMENTS = 2
/** Connections of one open store of a tenant's own. */
const PER_STORE = 3
/** A table that is larger is slow to search without statistics. */
const SMALL_BYTES = 40_960
/** Clocks that are apart by more (ms) are looked at, and end leases too soon or too late. */
const CLOCK_OFF_MS = 1000
const CLOCK_WRONG_MS = 5000

/** Says how far a clock is from this machine's. `read` gives its time in milliseconds. */
export async function examineClock(whose: string, read: () => Promise<number>, found: Findings): Promise<void> {
  const before = Date.now()
  const theirs = await read()
  const apart = Math.round(theirs - (before + Date.now()) / 2)
  const says = `This machine's clock and that of ${whose} are ${Math.abs(apart)} ms apart`
  const advice = 'Have both set their clocks by NTP: leases and tokens go by the time.'
  if (Math.abs(apart) < CLOCK_OFF_MS) found.ok('clock', says)
  else if (Math.abs(apart) < CLOCK_WRONG_MS) found.warn('clock', says, advice)
  else found.wrong('clock', says, advice)
}

/** The server that DATABASE_URL names. Does nothing but read. */
export class PostgresServer {
  private constructor(private readonly client: pg.Client) {}

  /** @returns undefined where it cannot be reached, which is among what was found then */
  static async reach(databaseUrl: string, found: Findings): Promise<PostgresServer | undefined> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: 5000,
      query_timeout: 30_000,
    })
    client.on('error', () => {})
    const began = Date.now()
    try {
      await client.connect()
      const { rows } = await client.query<{ version: string }>(`SELECT current_setting('server_version') AS version`)
      found.ok('postgres', `PostgreSQL ${rows[0]?.version} answers (${Date.now() - began} ms)`)
      return new PostgresServer(client)
    } catch (error) {
      await client.end().catch(() => {})
      const { says, advice } = databaseProblem(codeOf(error), databaseUrl)
      found.wrong('postgres', says, advice)
      return undefined
    }
  }

  async examine(found: Findings): Promise<boolean> {
    const [state] = await this.rows<{ ready: boolean }>(`SELECT to_regclass('config') IS NOT NULL AS ready`)
    await examineClock('Postgres', () => this.now(), found)
    if (!state?.ready) {
      found.warn(
        'store',
        'There is no store in this database',
        'The first start makes one. Check DATABASE_URL if there should be one.',
      )
      return false
    }
    await this.examineStatistics(found)
    return true
  }

  /** Whether the server takes as many connections as so many instances may want. */
  async examineConnections(instances: number, hasOwnStores: boolean, config: Config, found: Findings): Promise<void> {
    const [limits] = await this.rows<{ most: number; used: number }>(`
      SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most,
             (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS used`)
    const { most, used } = limits ?? { most: 0, used: 0 }
    const shared = instances * (Math.max(config.poolSize, 3) + OWN_STATEMENTS)
    const own = hasOwnStores ? instances * config.storesMax * PER_STORE : 0
    const says = `Postgres takes ${most} connections, ${used} are open; ${counted(instances, 'instance')} may want ${shared} for the shared store${own > 0 ? ` and ${own} for tenants' own` : ''}`
    const advice = 'Raise max_connections, or lower POOL_SIZE or STORES_MAX.'
    if (shared > most) found.wrong('connections', says, advice)
    else if (shared + own > most) found.warn('connections', says, advice)
    else found.ok('connections', says)
  }

  async close(): Promise<void> {
    await this.client.end()
  }

  private async now(): Promise<number> {
    const [row] = await this.rows<{ now: number }>(`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`)
    return row?.now ?? 0
  }

  /** Askar never gathers any; gateways do, every five minutes. */
  private async examineStatistics(found: Findings): Promise<void> {
    const missing = await this.rows<{ name: string }>(`
      SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid IN (to_regclass('items'), to_regclass('items_tags')) AND pg_relation_size(c.oid) > ${SMALL_BYTES}
        AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname)`)
    if (missing.length === 0) return void found.ok('store', 'Postgres has planner statistics of the store')
    const names = missing.map(({ name }) => name)
    const statement = names.map((name) => `ANALYZE ${name}`).join('; ')
    found.warn(
      'store',
      `Postgres has no planner statistics of ${names.join(' and ')}: look-ups crawl`,
      `Run ${statement}. A running gateway does within ${spanOf(300_000)}.`,
      {
        does: statement,
        run: async () => void (await this.client.query(statement)),
      },
    )
  }

  private async rows<Row extends object>(sql: string): Promise<Row[]> {
    return (await this.client.query<Row>(sql)).rows
  }
}
