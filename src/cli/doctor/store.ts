import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { EntryObject, Session, Store } from '@openwallet-foundation/askar-shared'
import { Store as AskarStore } from '@openwallet-foundation/askar-shared'
import type { Config } from '../../config/config.js'
import { ConfigError } from '../../config/config-error.js'
import type { RawSettings } from '../../config/env.js'
import { knownStoreKeys } from '../../config/store-keys.js'
import { sqlitePlaces } from '../../storage/backup/places.js'
import { namedConnections } from '../../storage/connections.js'
import { holdLock, postgresDatabase, seedStatistics } from '../../storage/database.js'
import { FORMAT, META, type StoreMeta } from '../../storage/format.js'
import { openByAny } from '../../storage/open-by-any.js'
import { type OwnDatabases, postgresSchemas, sqliteFiles } from '../../storage/own-databases.js'
import { OWN_PROFILE } from '../../storage/place.js'
import { BASE_PROFILE } from '../../storage/store.js'
import { accessBy } from '../../storage/store-sessions.js'
import { codeOf, type Findings } from './finding.js'

/** Entries are read by so many. */
const BATCH = 10_000

/** The shared store, opened beside whoever uses it. */
export class OpenedStore {
  private constructor(
    private readonly store: Store,
    private readonly own: OwnDatabases,
    readonly meta: StoreMeta | undefined,
    private readonly release: () => Promise<void>,
  ) {}

  /** @returns undefined where that fails, which is among what was found then */
  static async open(raw: RawSettings, config: Config, found: Findings): Promise<OpenedStore | undefined> {
    const keys = knownStoreKeys(raw, config)
    if (keys.length === 0) {
      found.wrong(
        'store',
        'There is no store key here',
        'Give the key that the store was made under: STORE_KEY, or DATA_DIR/secrets/store-key.',
      )
      return undefined
    }
    const { uri, own, close } = placesOf(config)
    try {
      const { store } = await openByAny(uri, keys)
      const entry = await inProfile(store, BASE_PROFILE, (session) => session.fetch(META))
      const meta = entry ? (JSON.parse(entry.value as string) as StoreMeta) : undefined
      if (meta && meta.format > FORMAT) {
        found.wrong('store', `A later version wrote this store (format ${meta.format})`, 'Use that version.')
      } else found.ok('store', `The key opens the store${meta ? ` (format ${meta.format})` : ''}`)
      return new OpenedStore(store, own, meta, close)
    } catch (error) {
      await close()
      if (error instanceof ConfigError) {
        found.wrong(
          'store',
          'The store key does not open this store',
          'Give the key that it was made under, or rotated to: STORE_KEY, or DATA_DIR/secrets/store-key.',
        )
      } else
        found.wrong(
          'store',
          `The store cannot be opened (${codeOf(error)})`,
          'Look at the disk and the database; where the store is damaged, restore a backup.',
        )
      return undefined
    }
  }

  profiles(): Promise<string[]> {
    return this.store.listProfiles()
  }

  /** Names of tenants' own stores. */
  ownStores(): Promise<string[]> {
    return this.own.list()
  }

  /** All entries of a category of the base wallet. */
  entries(category: string): AsyncGenerator<EntryObject> {
    return this.wallet(BASE_PROFILE).entries(category)
  }

  inBase<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return inProfile(this.store, BASE_PROFILE, work)
  }

  /** A wallet in the shared store. */
  wallet(profile: string): OpenedWallet {
    return new OpenedWallet(this.store, profile)
  }

  /** Opens a tenant's own store by its key. */
  async inOwn<T>(name: string, key: string, work: (wallet: OpenedWallet) => Promise<T>): Promise<T> {
    const store = await AskarStore.open({ uri: this.own.uri(name, 1), ...accessBy(key) })
    try {
      return await work(new OpenedWallet(store, OWN_PROFILE))
    } finally {
      await store.close()
    }
  }

  async close(): Promise<void> {
    await this.store.close()
    await this.release()
  }
}

/** What lies in one wallet. One connection is enough: no two of its methods are to run at once. */
export class OpenedWallet {
  constructor(
    private readonly store: Store,
    private readonly profile: string,
  ) {}

  session<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return inProfile(this.store, this.profile, work)
  }

  /** All entries of a category. */
  async *entries(category: string): AsyncGenerator<EntryObject> {
    for (let offset = 0; ; offset += BATCH) {
      const batch = await this.store.scan({ profile: this.profile, category, offset, limit: BATCH }).fetchAll()
      yield* batch
      if (batch.length < BATCH) return
    }
  }
}

function placesOf(config: Config): { uri: string; own: OwnDatabases; close: () => Promise<void> } {
  if (config.databaseUrl) {
    const database = postgresDatabase(namedConnections(config.databaseUrl, 'tenantry doctor'), 2)
    return { uri: database.uri, own: postgresSchemas(database), close: () => database.close() }
  }
  const { file, ownFolder } = sqlitePlaces(config)
  return { uri: `sqlite://${file}?max_connections=2`, own: sqliteFiles(ownFolder), close: async () => {} }
}

async function inProfile<T>(store: Store, profile: string, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await store.session(profile).open()
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

/** What can be seen of a SQLite store from outside. @returns whether there is one, and whether a gateway has it */
export async function examineSqliteFile(config: Config, found: Findings): Promise<{ exists: boolean; inUse: boolean }> {
  const { file } = sqlitePlaces(config)
  if (!existsSync(file)) {
    found.warn(
      'store',
      `There is no store at ${file}`,
      'The first start makes one. Check DATA_DIR if there should be one.',
    )
    return { exists: false, inUse: false }
  }
  const inUse = existsSync(`${file}.lock`) && isHeld(`${file}.lock`)
  found.ok('store', inUse ? `A gateway runs on ${file}` : `No gateway runs on ${file}`)
  if (await hasStatistics(file)) found.ok('store', 'SQLite has planner statistics of the store')
  else {
    const mend = inUse ? undefined : { does: 'write planner statistics', run: () => seedStatistics(file) }
    found.warn(
      'store',
      'SQLite has no planner statistics of the store: look-ups crawl',
      'Stop the gateway and run tenantry doctor --fix.',
      mend,
    )
  }
  return { exists: true, inUse }
}

function isHeld(lockFile: string): boolean {
  try {
    const lock = holdLock(lockFile)
    lock.exec('ROLLBACK')
    lock.close()
    return false
  } catch (error) {
    if (error instanceof ConfigError) return true
    throw error
  }
}

/** In a process of its own: no other library may have the file open beside Askar. */
function hasStatistics(file: string): Promise<boolean> {
  const script = fileURLToPath(new URL('../../storage/has-statistics.js', import.meta.url))
  return new Promise((resolve) => execFile(process.execPath, [script, file], (error) => resolve(error === null)))
}
