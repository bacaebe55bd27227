import { KdfMethod, type Session, type Store, StoreKeyMethod } from '@openwallet-foundation/askar-shared'
import { leaveSession } from '../askar/index.js'
import type { Semaphore } from '../lib/semaphore.js'

export interface SessionLimits {
  /** Whether other processes may write to this store at the same time. */
  shared: boolean
  /** Sessions and transactions that are open at once. */
  places: Semaphore
  /** Transactions among them. */
  writers: Semaphore
  /** Transactions that are kept open while others read. */
  holderOf: (profile: string) => Semaphore
}

/** Key of a store: raw, base58 of 32 bytes. */
export const accessBy = (key: string) => ({ keyMethod: new StoreKeyMethod(KdfMethod.Raw), passKey: key })

/**
 * An open Askar store. Sessions wait here, profile by profile in turn, for one of its places, so that none waits inside Askar's pool
 * (where a wait ends after 30 s with an error that nothing tries again), but for the moment that a connection takes to come back.
 */
export class StoreSessions {
  constructor(
    protected readonly store: Store,
    private readonly limits: SessionLimits,
  ) {}

  get shared(): boolean {
    return this.limits.shared
  }

  /** Sessions that wait for a place. */
  get waiting(): number {
    return this.limits.places.waiting + this.limits.writers.waiting
  }

  /** Lends a session for reading. It must not be kept over anything slow. */
  session<T>(profile: string, read: (session: Session) => Promise<T>): Promise<T> {
    return this.limits.places.use(
      async () => {
        const session = await this.store.session(profile).open()
        try {
          return await read(session)
        } finally {
          await leaveSession(session)
        }
      },
      { key: profile },
    )
  }

  /** Lends a transaction; commits when `write` resolves, rolls back when it rejects. */
  transaction<T>(profile: string, write: (session: Session) => Promise<T>): Promise<T> {
    return this.writing(profile, async () => {
      const session = await this.store.transaction(profile).open()
      try {
        const result = await write(session)
        await session.commit()
        return result
      } catch (error) {
        if (session.handle) await session.rollback()
        throw error
      }
    })
  }

  /**
   * Lends a transaction that may stay open while sessions and transactions of other profiles come and go: it has a
   * connection apart from theirs, so that they never wait for each other. It is rolled back unless `work` commits it.
   * Only for a shared store.
   */
  heldTransaction<T>(profile: string, work: (session: Session) => Promise<T>): Promise<T> {
    return this.limits.holderOf(profile).use(async () => {
      const session = await this.store.transaction(profile).open()
      try {
        return await work(session)
      } finally {
        if (session.handle) await session.rollback()
      }
    })
  }

  createProfile(name: string): Promise<string> {
    return this.writing(name, () => this.store.createProfile(name))
  }

  /** Removes a profile and all that lies in it. */
  async removeProfile(name: string): Promise<void> {
    await this.writing(name, () => this.store.removeProfile(name))
  }

  listProfiles(): Promise<string[]> {
    return this.limits.places.use(() => this.store.listProfiles())
  }

  /** Copies a profile with its keys into `target`, in place of what may be there under that name. */
  async copyProfile(name: string, target: StoreSessions, targetName: string): Promise<void> {
    if ((await target.listProfiles()).includes(targetName)) await target.removeProfile(targetName)
    const copy = () => this.store.copyProfile({ toStore: target.store, fromProfile: name, toProfile: targetName })
    await target.writing(targetName, () => (target === this ? copy() : this.limits.places.use(copy)))
  }

  /** Puts the store under another key; what is open goes on. */
  async rekey(key: string): Promise<void> {
    await this.writing('', () => this.store.rekey(accessBy(key)))
  }

  async close(): Promise<void> {
    await this.store.close()
  }

  private writing<T>(key: string, work: () => Promise<T>): Promise<T> {
    return this.limits.writers.use(() => this.limits.places.use(work, { key }), { key })
  }
}
