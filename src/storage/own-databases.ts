import { existsSync, mkdirSync } from 'node:fs'
import { chmod, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from './database.js'
import { seedStatistics } from './database.js'
import { removeSqliteFile } from './sqlite-file.js'

/** Where stores of tenants' own lie: files in a folder, or schemas of the database. Names are lower-case hex. */
export interface OwnDatabases {
  /** Whether other processes may write to them at the same time. */
  shared: boolean
  uri(name: string, connections: number): string
  /** Has an empty store made by `provision`, which gets the place for it. */
  make(name: string, provision: (uri: string) => Promise<void>): Promise<void>
  /** Removes a store; one that is not there is as it should be. */
  remove(name: string): Promise<void>
  /** Names of all stores. */
  list(): Promise<string[]>
  analyze(name: string): Promise<void>
}

const NAME = /^[0-9a-f]{32}$/

function checked(name: string): string {
  if (!NAME.test(name)) throw new Error('Not the name of a store')
  return name
}

/** Files `<name>.db`; a file of this name is always a whole store. */
export function sqliteFiles(folder: string): OwnDatabases {
  const file = (name: string) => join(folder, `${checked(name)}.db`)
  const uri = (path: string, connections: number) => `sqlite://${path}?max_connections=${connections}`
  return {
    shared: false,
    uri: (name, connections) => uri(file(name), connections),
    async make(name, provision) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const draft = `${file(name)}.new`
      await removeSqliteFile(draft)
      await provision(uri(draft, 1))
      await seedStatistics(draft)
      await chmod(draft, 0o600)
      await rename(draft, file(name))
    },
    async remove(name) {
      await removeSqliteFile(`${file(name)}.new`)
      await removeSqliteFile(file(name))
    },
    async list() {
      const files = existsSync(folder) ? await readdir(folder) : []
      return files.flatMap((path) => (/^[0-9a-f]{32}\.db$/.test(path) ? [path.slice(0, -3)] : []))
    },
    analyze: async () => {},
  }
}

/** Schemas `wallet_<name>` of the gateway's own database. */
export function postgresSchemas(database: Database): OwnDatabases {
  const schema = (name: string) => `wallet_${checked(name)}`
  const place = (name: string, connections: number) => {
    const url = new URL(database.uri)
    url.searchParams.set('max_connections', String(connections))
    url.searchParams.set('schema', schema(name))
    return url.href
  }
  return {
    shared: true,
    uri: place,
    make: (name, provision) => provision(place(name, 1)),
    async remove(name) {
      await database.query(`DROP SCHEMA IF EXISTS ${schema(name)} CASCADE`)
    },
    async list() {
      const rows = await database.query<{ name: string }>(
        `SELECT nspname AS name FROM pg_namespace WHERE nspname ~ '^wallet_[0-9a-f]{32}$'`,
      )
      return rows.map(({ name }) => name.slice('wallet_'.length))
    },
    async analyze(name) {
      await database.query(`ANALYZE ${schema(name)}.items; ANALYZE ${schema(name)}.items_tags`)
    },
  }
}
