import type { Session } from '@openwallet-foundation/askar-shared'
import { LRUCache } from 'lru-cache'
import { Recent } from '../lib/recent.js'
import { Profile, type ProfileStore } from './profile.js'
import { BASE_PROFILE, type WalletStore } from './store.js'
import type { StoreSessions } from './store-sessions.js'

/** Lends the store that a wallet lies in, with the name of its profile there, for one piece of work. */
export type Locate = <T>(wallet: string, work: (sessions: StoreSessions, profile: string) => Promise<T>) => Promise<T>

/** What of the base wallet is kept in memory: of each tenant that is busy two entries. */
const BASE_ENTRIES = 5000
/** How many wallets that nobody has used yet are known to be empty. */
const FRESH_WALLETS = 1000
/** Of how many wallets that are not open it is kept what their last units have read. */
export const LEFT_WALLETS = 100

/** The wallets' profiles, one object each: a wallet's units of work take their turns on it, wherever it lies. */
export class Profiles {
  private readonly profiles = new Map<string, Profile>()
  /** Wallets that were made just now and not used yet. */
  private readonly fresh = new Recent<string, true>(FRESH_WALLETS)
  /** Wallets that are open: what was read of them is kept until they are closed. */
  private readonly opened = new Set<string>()
  /** Others that units have worked on nevertheless, such as those that note a delivery. */
  private readonly left = new LRUCache<string, Profile>({
    max: LEFT_WALLETS,
    dispose: (profile, _name, reason) => {
      // One that is at work comes back as it ends.
      if (reason === 'evict' && profile.idle) profile.close()
    },
  })
  readonly base: Profile
  /** Where tenants' wallets lie; set by whoever knows. */
  locate: Locate = (wallet, work) => work(this.store, wallet)

  constructor(private readonly store: WalletStore) {
    this.base = new Profile(store, BASE_PROFILE, BASE_ENTRIES)
  }

  of(name: string): Profile {
    if (name === BASE_PROFILE) return this.base
    let profile = this.profiles.get(name)
    if (!profile) {
      const made = new Profile(new LocatedStore(name, this.store.shared, () => this.locate), name)
      made.onWorked = () => {
        if (!this.opened.has(name)) this.left.set(name, made)
      }
      if (this.fresh.delete(name)) made.beginEmpty()
      this.profiles.set(name, made)
      profile = made
    }
    return profile
  }

  /** A wallet is opened: what is read of it stays. */
  open(name: string): Profile {
    this.opened.add(name)
    this.left.delete(name)
    return this.of(name)
  }

  /** Gives back the memory and the keys that an open wallet holds; nothing may be in work any more. */
  close(name: string): void {
    this.opened.delete(name)
    this.profiles.get(name)?.close()
  }

  /** A wallet was made, and nobody else knows of it. */
  made(name: string): void {
    this.fresh.set(name, true)
  }

  /** Forgets a wallet that is gone; nothing may be in work on it. */
  drop(name: string): void {
    this.close(name)
    this.left.delete(name)
    this.profiles.delete(name)
  }
}

/** The store that one wallet lies in, looked up for each session. */
class LocatedStore implements ProfileStore {
  constructor(
    private readonly wallet: string,
    readonly shared: boolean,
    private readonly locate: () => Locate,
  ) {}

  session<T>(_wallet: string, read: (session: Session) => Promise<T>): Promise<T> {
    return this.locate()(this.wallet, (sessions, profile) => sessions.session(profile, read))
  }

  transaction<T>(_wallet: string, write: (session: Session) => Promise<T>): Promise<T> {
    return this.locate()(this.wallet, (sessions, profile) => sessions.transaction(profile, write))
  }

  heldTransaction<T>(_wallet: string, work: (session: Session) => Promise<T>): Promise<T> {
    return this.locate()(this.wallet, (sessions, profile) => sessions.heldTransaction(profile, work))
  }
}
