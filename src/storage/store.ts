import { KdfMethod, Session, Store, StoreKeyMethod } from '@openwallet-foundation/askar-shared'
import { Semaphore } from '../lib/semaphore.js'
import { type Database, postgresDatabase, sqliteDatabase } from './database.js'
import { HEAD_CATEGORY, HEAD_NAME } from './head.js'

/** The profile of the base wallet: tenants, routes, the base event log. */
export const BASE_PROFILE = 'base'

/** Connections to Postgres that are kept for held transactions: one for the base wallet, one for all tenants. */
const HELD = 2
const placesOf = (poolSize: number) => Math.max(poolSize - HELD, 1)

export interface StoreOptions {
  /** `postgres://…` of the database, or the path of a SQLite file. */
  location: { databaseUrl: string } | { file: string }
  /** Raw key of the store: base58 of 32 bytes. */
  key: string
  /** Connections that Askar may open, and the most sessions that are open at once. */
  poolSize: number
}

/**
 * The shared encrypted store: many profiles, each under a key of its own, in one SQLite file or Postgres database.
 * Sessions wait here, in order, for one of `poolSize` places, so that none waits inside Askar's pool (where a wait
 * ends after 30 s with an error that nothing tries again).
 */
export class WalletStore {
  private readonly places: Semaphore
  private readonly writers: Semaphore
  /** For transactions that are kept open while others read: the base wallet's, and the tenants'. */
  private readonly baseHolder = new Semaphore(1)
  private readonly holder = new Semaphore(HELD - 1)

  private constructor(
    private readonly store: Store,
    readonly database: Database,
    poolSize: number,
  ) {
    this.places = new Semaphore(database.kind === 'sqlite' ? poolSize : placesOf(poolSize))
    // SQLite has one writer: waiting here in order beats polling its lock for up to five seconds.
    this.writers = new Semaphore(database.kind === 'sqlite' ? 1 : poolSize)
  }

  static async open({ location, key, poolSize }: StoreOptions): Promise<WalletStore> {
    const database =
      'file' in location
        ? sqliteDatabase(location.file, poolSize)
        : postgresDatabase(location.databaseUrl, placesOf(poolSize) + HELD)
    const access = { keyMethod: new StoreKeyMethod(KdfMethod.Raw), passKey: key }
    await database.exclusively(async () => {
      const state = await database.inspect()
      if (state === 'ready') return
      await database.make(async (uri) => {
        const made = await Store.provision({ ...access, uri, profile: BASE_PROFILE, recreate: state === 'empty' })
        await made.close()
      })
    })
    return new WalletStore(await Store.open({ ...access, uri: database.uri }), database, poolSize)
  }

  /** Whether other processes may write to this store at the same time. */
  get shared(): boolean {
    return this.database.kind === 'postgres'
  }

  /** Sessions that wait for a place. */
  get waiting(): number {
    return this.places.waiting + this.writers.waiting
  }

  /** Lends a session for reading. It must not be kept over anything slow. */
  session<T>(profile: string, read: (session: Session) => Promise<T>): Promise<T> {
    return this.places.use(async () => {
      const session = await this.store.session(profile).open()
      try {
        return await read(session)
      } finally {
        await session.close()
      }
    })
  }

  /** Lends a transaction; commits when `write` resolves, rolls back when it rejects. */
  transaction<T>(profile: string, write: (session: Session) => Promise<T>): Promise<T> {
    return this.writers.use(() => this.places.use(() => this.transact(profile, write)))
  }

  /**
   * Lends a transaction that may stay open while sessions and transactions of other profiles come and go: it has a
   * connection apart from theirs, so that they never wait for each other. It is rolled back unless `work` commits it.
   * Only for a shared store.
   */
  heldTransaction<T>(profile: string, work: (session: Session) => Promise<T>): Promise<T> {
    const holder = profile === BASE_PROFILE ? this.baseHolder : this.holder
    return holder.use(async () => {
      const session = await this.store.transaction(profile).open()
      try {
        return await work(session)
      } finally {
        if (session.handle) await session.rollback()
      }
    })
  }

  private async transact<T>(profile: string, write: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.store.transaction(profile).open()
    try {
      const result = await write(session)
      await session.commit()
      return result
    } catch (error) {
      if (session.handle) await session.rollback()
      throw error
    }
  }

  /** Rejects when the store cannot be reached. */
  async ping(): Promise<void> {
    await this.database.ping()
    await this.session(BASE_PROFILE, (session) => session.fetch({ category: HEAD_CATEGORY, name: HEAD_NAME }))
  }

  createProfile(name: string): Promise<string> {
    return this.writers.use(() => this.places.use(() => this.store.createProfile(name)))
  }

  /** Removes a profile and all that lies in it. */
  async removeProfile(name: string): Promise<void> {
    await this.writers.use(() => this.places.use(() => this.store.removeProfile(name)))
  }

  listProfiles(): Promise<string[]> {
    return this.places.use(() => this.store.listProfiles())
  }

  async close(): Promise<void> {
    await this.store.close()
    await this.database.close()
  }
}
