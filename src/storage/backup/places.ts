import { join } from 'node:path'
import type { BackupSource, RestoreTarget } from './source.js'

/** Where gateways keep their stores. */
export interface StorePlaces {
  /** Missing: SQLite in `dataDir`. */
  databaseUrl?: string
  dataDir: string
}

/** Where a gateway keeps its files. */
export interface SqlitePlaces {
  file: string
  /** Of stores of tenants' own, `<name>.db`. */
  ownFolder: string
}

export const sqlitePlaces = ({ dataDir }: StorePlaces): SqlitePlaces => ({
  file: join(dataDir, 'wallets.db'),
  ownFolder: join(dataDir, 'wallets'),
})

/** Takes hold of all stores as they are in this moment. Loads only the library that it needs. */
export async function openSource(places: StorePlaces): Promise<BackupSource> {
  if (places.databaseUrl) return (await import('./postgres.js')).postgresSource(places.databaseUrl)
  return (await import('./sqlite.js')).sqliteSource(sqlitePlaces(places))
}

/** @throws Problem where there is a store already */
export async function openTarget(places: StorePlaces): Promise<RestoreTarget> {
  if (places.databaseUrl) return (await import('./postgres.js')).postgresTarget(places.databaseUrl)
  return (await import('./sqlite.js')).sqliteTarget(sqlitePlaces(places))
}
