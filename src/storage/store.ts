import { Store } from '@openwallet-foundation/askar-shared'
import { Semaphore } from '../lib/semaphore.js'
import { type Database, postgresDatabase, sqliteDatabase } from './database.js'
import { HEAD_CATEGORY, HEAD_NAME } from './head.js'
import { openByAny } from './open-by-any.js'
import { accessBy, type SessionLimits, StoreSessions } from './store-sessions.js'

/** The profile of the base wallet: tenants, routes, the base event log. */
export const BASE_PROFILE = 'base'

/** Connections to Postgres that are kept for held transactions: one for the base wallet, one for all tenants. */
const HELD = 2
const placesOf = (poolSize: number) => Math.max(poolSize - HELD, 1)

/** Where a gateway keeps its data. */
export type StoreLocation = { databaseUrl: string } | { file: string }

export interface StoreOptions {
  /** `postgres://…` of the database, or the path of a SQLite file. */
  location: StoreLocation
  /** Raw key of the store: base58 of 32 bytes. */
  key: string
  /** The key that a rotation was cut off on the way to: the store may be under it already. */
  nextKey?: string
  /** Connections that Askar may open, and the most sessions that are open at once. */
  poolSize: number
}

/** The shared encrypted store: many profiles, each under a key of its own, in one SQLite file or Postgres database. */
export class WalletStore extends StoreSessions {
  private constructor(
    store: Store,
    readonly database: Database,
    limits: SessionLimits,
  ) {
    super(store, limits)
  }

  static async open({ location, key, nextKey, poolSize }: StoreOptions): Promise<WalletStore> {
    const database =
      'file' in location
        ? sqliteDatabase(location.file, poolSize)
        : postgresDatabase(location.databaseUrl, placesOf(poolSize) + HELD)
    const access = accessBy(key)
    await database.exclusively(async () => {
      const state = await database.inspect()
      if (state === 'ready') return
      await database.make(async (uri) => {
        const made = await Store.provision({ ...access, uri, profile: BASE_PROFILE, recreate: state === 'empty' })
        await made.close()
      })
    })
    const baseHolder = new Semaphore(1)
    const holder = new Semaphore(HELD - 1)
    const sqlite = database.kind === 'sqlite'
    return new WalletStore((await openByAny(database.uri, [key, nextKey])).store, database, {
      shared: !sqlite,
      places: new Semaphore(sqlite ? poolSize : placesOf(poolSize)),
      // SQLite has one writer: waiting here in order beats polling its lock for up to five seconds.
      writers: new Semaphore(sqlite ? 1 : poolSize),
      holderOf: (profile) => (profile === BASE_PROFILE ? baseHolder : holder),
    })
  }

  /** Rejects when the store cannot be reached. */
  async ping(): Promise<void> {
    await this.database.ping()
    await this.session(BASE_PROFILE, (session) => session.fetch({ category: HEAD_CATEGORY, name: HEAD_NAME }))
  }

  override async close(): Promise<void> {
    await super.close()
    await this.database.close()
  }
}
