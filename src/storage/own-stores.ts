import { Store } from '@openwallet-foundation/askar-shared'
import { Semaphore } from '../lib/semaphore.js'
import type { OwnDatabases } from './own-databases.js'
import { OWN_PROFILE } from './place.js'
import { accessBy, StoreSessions } from './store-sessions.js'

/** The key does not open the store. */
export class WrongKeyError extends Error {
  constructor() {
    super('The key does not open this store')
  }
}

/** The store is not open, and nobody here has its key. */
export class StoreClosedError extends Error {
  constructor() {
    super('The store is closed')
  }
}

interface OwnStore {
  sessions: StoreSessions
  guests: number
  usedAt: number
}

/** Sessions of one such store at once; each instance keeps one more connection for a held transaction. */
const PLACES = 2
const CONNECTIONS = PLACES + 1

/** Keys that are checked at once, each by a store that is opened for it. */
const CHECKS = 4

/** Askar's code of a key that does not fit. */
const ENCRYPTION = 4

/** Stores of tenants' own, each under a key of its own; open here are those whose key has been given. */
export class OwnStores {
  private readonly stores = new Map<string, OwnStore>()
  private readonly turns = new Map<string, Semaphore>()
  private readonly checks = new Semaphore(CHECKS)
  private closing = 0

  constructor(private readonly databases: OwnDatabases) {}

  /** One that is being closed counts until it is. */
  get open(): number {
    return this.stores.size + this.closing
  }

  isOpen(name: string): boolean {
    return this.stores.has(name)
  }

  /** Makes an empty store. What may be there under the name goes. */
  async make(name: string, key: string): Promise<void> {
    await this.databases.make(name, async (uri) => {
      const store = await Store.provision({ ...accessBy(key), uri, profile: OWN_PROFILE, recreate: true })
      await store.close()
    })
  }

  /** Opens a store, or checks the key where it is open already. @throws WrongKeyError */
  openWith(name: string, key: string): Promise<void> {
    return this.turnOf(name).use(async () => {
      const store = await this.openOnce(name, key)
      if (this.stores.has(name)) {
        await store.close()
        return
      }
      const places = new Semaphore(PLACES)
      const holder = new Semaphore(1)
      const sessions = new StoreSessions(store, {
        shared: this.databases.shared,
        places,
        writers: new Semaphore(this.databases.shared ? PLACES : 1),
        holderOf: () => holder,
      })
      this.stores.set(name, { sessions, guests: 0, usedAt: Date.now() })
    })
  }

  /** @throws WrongKeyError */
  async check(name: string, key: string): Promise<void> {
    await this.checks.use(
      async () => {
        const store = await this.openOnce(name, key)
        await store.close()
      },
      { key: name },
    )
  }

  /** Lends an open store. @throws StoreClosedError */
  async use<T>(name: string, work: (sessions: StoreSessions) => Promise<T>): Promise<T> {
    const store = this.stores.get(name)
    if (!store) throw new StoreClosedError()
    store.guests += 1
    try {
      return await work(store.sessions)
    } finally {
      store.guests -= 1
      store.usedAt = Date.now()
    }
  }

  /** Names of open stores that nobody uses, the longest unused first; with `before`, unused since that time (ms). */
  idle(before = Number.POSITIVE_INFINITY): string[] {
    return [...this.stores]
      .filter(([, { guests, usedAt }]) => guests === 0 && usedAt < before)
      .sort(([, a], [, b]) => a.usedAt - b.usedAt)
      .map(([name]) => name)
  }

  /**
   * Closes a store once nobody uses it, unless it is needed then; its key leaves the memory of this process. Whoever uses it
   * meanwhile may come to it by its name again.
   */
  close(name: string, isNeeded = () => false): Promise<void> {
    return this.turnOf(name).use(async () => {
      const store = this.stores.get(name)
      if (!store) return
      while (store.guests > 0 && !isNeeded()) await new Promise((resolve) => setTimeout(resolve, 5))
      if (isNeeded()) return
      this.stores.delete(name)
      this.closing += 1
      try {
        await store.sessions.close()
      } finally {
        this.closing -= 1
      }
    })
  }

  async closeAll(): Promise<void> {
    for (const name of [...this.stores.keys()]) await this.close(name)
  }

  /** Removes a store with all that lies in it. */
  async remove(name: string): Promise<void> {
    await this.close(name)
    await this.databases.remove(name)
    this.turns.delete(name)
  }

  /** Keeps planner statistics good in the stores that are open. */
  async analyze(): Promise<void> {
    for (const name of this.stores.keys()) await this.databases.analyze(name)
  }

  private async openOnce(name: string, key: string): Promise<Store> {
    try {
      return await Store.open({ ...accessBy(key), uri: this.databases.uri(name, CONNECTIONS) })
    } catch (error) {
      if ((error as { code?: number }).code === ENCRYPTION) throw new WrongKeyError()
      throw error
    }
  }

  private turnOf(name: string): Semaphore {
    const turn = this.turns.get(name) ?? new Semaphore(1)
    this.turns.set(name, turn)
    return turn
  }
}
