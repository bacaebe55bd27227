import { notFound, tenantLocked } from '../lib/errors.js'
import { StoreClosedError, WrongKeyError } from '../storage/own-stores.js'
import { OWN_PROFILE, type Place } from '../storage/place.js'
import type { Places } from '../storage/places.js'
import type { Profile } from '../storage/profile.js'
import type { Locate } from '../storage/profiles.js'
import type { KeyMode, Tenant, TenantProfile } from './tenant.js'
import type { TenantStore } from './tenant-store.js'
import { keptKeys } from './wallet-keys.js'

export interface VaultOptions {
  /** This process among the instances. */
  self: string
  /** Stores of tenants' own that are open at once. */
  storesMax: number
  /** After this time without use the store of a managed wallet is closed (ms). */
  storeIdleMs: number
  /** After this time without a request or an inbound message an unmanaged wallet is locked (ms). */
  idleMsOf: (tenant: Tenant) => number
  /** Notes that a crash of this process would leave a tenant's wallet marked as open. */
  mark: (tenantId: string) => Promise<void>
}

/** An unmanaged wallet that is open here. */
interface Unlocked {
  tenantId: string
  usedAt: number
  /** Whether the tenant's record says so. */
  noted: boolean
}

/** How often a wallet that is just moving is looked for. */
const ROUNDS_MAX = 10
const WAIT_FOR_ROOM_MS = 20_000
/** A wallet that a request was let into is not closed to make room before it can have come to it (ms). */
const JUST_USED_MS = 250

/**
 * Opens and closes the stores of tenants' own. A managed one is opened whenever it is needed, by the key that the base
 * wallet keeps; an unmanaged one only by the key that its tenant gives, and what is given is kept nowhere.
 */
export class Vault {
  private readonly unlocked = new Map<string, Unlocked>()
  private readonly opening = new Map<string, Promise<unknown>>()
  private readonly closing = new Map<string, Promise<void>>()
  /** How many work on the store of an unmanaged wallet beside the units of its tenant. */
  private readonly lenders = new Map<string, number>()
  /** Stores that have room and are being opened. */
  private readonly promised = new Set<string>()
  /** The stores that were opened here, by their tenants. */
  private readonly storeOf = new Map<string, string>()
  private readonly sweeper: NodeJS.Timeout
  /** Called once an unmanaged wallet can be used here. */
  onUnlocked: (tenantId: string) => void = () => {}
  /** Called before a wallet is closed here: ends what works on it. */
  onLocking: (tenantId: string) => Promise<void> = async () => {}

  constructor(
    private readonly places: Places,
    private readonly tenants: TenantStore,
    private readonly base: Profile,
    private readonly options: VaultOptions,
  ) {
    this.sweeper = setInterval(() => void this.sweep().catch(() => {}), 1000)
    this.sweeper.unref()
  }

  /** The tenants whose unmanaged wallets are open here. */
  get tenantIds(): string[] {
    return [...this.unlocked.values()].map(({ tenantId }) => tenantId)
  }

  /** Whether a store of this tenant's own is open here. */
  holds(tenantId: string): boolean {
    const store = this.storeOf.get(tenantId)
    return store !== undefined && this.places.own.isOpen(store)
  }

  /** Whether an unmanaged wallet is open here. */
  isUnlocked({ place }: Pick<TenantProfile, 'place'>): boolean {
    return this.unlockedAt({ place }) !== undefined
  }

  /** Whether the wallet can be used here now, by its state. @throws TENANT_LOCKED */
  assertOpen(tenant: Tenant): void {
    if (tenant.keyMode === 'UNMANAGED' && !this.isUnlocked(tenant)) throw tenantLocked()
  }

  readonly locate: Locate = async (wallet, work) => {
    for (let round = 0; ; round++) {
      const tenant = await this.tenants.find(wallet)
      if (!tenant) throw notFound('tenant')
      const { place } = tenant
      if (place.kind === 'PROFILE') return work(this.places.shared, place.profile)
      this.assertOpen(tenant)
      try {
        if (!this.places.own.isOpen(place.store)) await this.openKept(tenant.id, place.store)
        return await this.places.own.use(place.store, (sessions) => work(sessions, OWN_PROFILE))
      } catch (error) {
        // Closed, or left for another place, between the look and the use.
        if (!(error instanceof StoreClosedError) || round >= ROUNDS_MAX) throw error
        this.tenants.forget(wallet)
      }
    }
  }

  /**
   * Keeps a wallet's place open for work beside the units of its tenant, whatever state that is in; a locked wallet by
   * `key`, and only as long as anybody has it on loan.
   * @throws WrongKeyError, TENANT_LOCKED where there is no key
   */
  async lend<T>({ id, place, keyMode }: Tenant, key: string | undefined, work: () => Promise<T>): Promise<T> {
    if (place.kind === 'PROFILE') return work()
    const { own } = this.places
    const { store } = place
    if (keyMode === 'MANAGED') {
      if (!own.isOpen(store)) await this.openKept(id, store)
      return own.use(store, work)
    }
    this.lenders.set(store, (this.lenders.get(store) ?? 0) + 1)
    try {
      if (key !== undefined) {
        await this.closing.get(store)
        await this.inRoom(store, () => own.openWith(store, key))
      } else if (!own.isOpen(store)) throw tenantLocked()
      return await own.use(store, work)
    } finally {
      await this.endLoan(store)
    }
  }

  /** The last one closes what is open for nobody else; what is unlocked meanwhile stays. */
  private async endLoan(store: string): Promise<void> {
    const others = (this.lenders.get(store) ?? 1) - 1
    if (others > 0) return void this.lenders.set(store, others)
    this.lenders.delete(store)
    await this.places.own.close(store, () => this.unlocked.has(store) || this.lenders.has(store))
  }

  /** An inbound message or a request came for this tenant. */
  touch(tenant: Pick<TenantProfile, 'place'>): void {
    const unlocked = this.unlockedAt(tenant)
    if (unlocked) unlocked.usedAt = Date.now()
  }

  /**
   * Lets a request in that needs the wallet: where that is locked, but not by its tenant, it is opened by the key that
   * the request carries.
   * @throws TENANT_LOCKED
   */
  async admit(tenantId: string, key: () => Promise<string | undefined>): Promise<void> {
    const tenant = await this.tenants.find(tenantId)
    // What is to be said of others is said by whoever lends the wallet.
    if (tenant?.keyMode !== 'UNMANAGED' || tenant.state === 'SUSPENDED' || tenant.deleting) return
    if (tenant.held) throw tenantLocked()
    this.touch(tenant)
    const store = tenant.place.kind === 'STORE' ? tenant.place.store : ''
    await this.closing.get(store)
    if (this.isUnlocked(tenant)) return
    const given = await key()
    if (given === undefined) throw tenantLocked()
    // Of many that come at once, one opens it.
    await this.opening.get(store)?.catch(() => {})
    if (this.isUnlocked(tenant)) return this.touch(tenant)
    try {
      await this.open(tenant, given, false)
    } catch (error) {
      throw error instanceof WrongKeyError ? tenantLocked() : error
    }
  }

  /** Opens an unmanaged wallet here, also one that its tenant has locked. @throws WrongKeyError */
  unlock(tenant: Tenant, key: string): Promise<Tenant> {
    return this.open(tenant, key, true)
  }

  /** @throws WrongKeyError where the key is not that of the tenant's store */
  async check({ place }: Tenant, key: string): Promise<void> {
    if (place.kind === 'STORE') await this.places.own.check(place.store, key)
  }

  /** Locks an unmanaged wallet on every instance until it is unlocked. */
  async lock(tenantId: string): Promise<Tenant | undefined> {
    const tenant = await this.update(tenantId, () => ({ held: true, openers: [] }))
    if (tenant) await this.closeHere(tenant)
    return tenant
  }

  /** A tenant has changed: what another instance has locked, or moved away from, is closed here too. */
  async follow(tenant: Tenant): Promise<void> {
    const store = this.storeOf.get(tenant.id)
    const isElsewhere = tenant.place.kind === 'PROFILE' || store !== tenant.place.store
    if (store !== undefined && isElsewhere) await this.forget(tenant.id)
    const unlocked = this.unlockedAt(tenant)
    if (unlocked && tenant.held) await this.closeHere(tenant)
    // This instance was taken for dead: what it has open is told to be locked.
    else if (unlocked?.noted && !tenant.openers.includes(this.options.self)) await this.leave(tenant)
  }

  /** A tenant is gone, or its wallet lies elsewhere now. */
  async forget(tenantId: string): Promise<void> {
    const store = this.storeOf.get(tenantId)
    if (store === undefined) return
    this.storeOf.delete(tenantId)
    await this.closeHere({ id: tenantId, place: { kind: 'STORE', store } })
  }

  /** A wallet has moved to a store, or from one, that is open here; whoever has moved it closes what it has left. */
  moved(tenantId: string, from: Place, to: { place: Place; keyMode: KeyMode }): void {
    this.storeOf.delete(tenantId)
    if (to.place.kind === 'STORE') {
      this.storeOf.set(tenantId, to.place.store)
      if (to.keyMode === 'UNMANAGED') {
        this.unlocked.set(to.place.store, { tenantId, usedAt: Date.now(), noted: true })
      }
    }
    if (from.kind === 'STORE') this.unlocked.delete(from.store)
  }

  /** An instance that died has no wallet open any more. */
  async forgetDead(tenantId: string, isAlive: (instance: string) => boolean): Promise<void> {
    const tenant = await this.tenants.findNow(tenantId)
    if (!tenant || tenant.openers.every(isAlive)) return
    await this.update(tenantId, ({ openers }) => ({ openers: openers.filter(isAlive) }))
  }

  /** Closes the tenant's store here, whatever its state. */
  closeHere({ id, place }: Pick<TenantProfile, 'id' | 'place'>, first = async () => {}): Promise<void> {
    if (place.kind !== 'STORE') return Promise.resolve()
    const { store } = place
    const running = this.closing.get(store)
    if (running) return running
    const close = async () => {
      try {
        await first()
        await this.onLocking(id)
      } finally {
        this.unlocked.delete(store)
        await this.places.own.close(store)
      }
    }
    // Whoever comes from now on waits for the end of it.
    const closing = close().finally(() => this.closing.delete(store))
    this.closing.set(store, closing)
    return closing
  }

  /** Locks all that is open here. */
  async close(): Promise<void> {
    clearInterval(this.sweeper)
    for (const [store, { tenantId }] of [...this.unlocked]) await this.leave(inStore(tenantId, store))
    await this.places.own.closeAll()
  }

  private open(tenant: Tenant, key: string, byName: boolean): Promise<Tenant> {
    if (tenant.place.kind !== 'STORE') return Promise.resolve(tenant)
    const { store } = tenant.place
    const opened = this.openStore(tenant, store, key, byName)
    this.opening.set(store, opened)
    const done = () => {
      if (this.opening.get(store) === opened) this.opening.delete(store)
    }
    opened.then(done, done)
    return opened
  }

  private async openStore(tenant: Tenant, store: string, key: string, byName: boolean): Promise<Tenant> {
    // Before anything else: a wrong key is told as fast whether the wallet is open or not, and no other wallet is
    // closed to make room for it.
    await this.places.own.check(store, key)
    await this.options.mark(tenant.id)
    do {
      await this.closing.get(store)
      await this.inRoom(store, () => this.places.own.openWith(store, key))
      // Whoever had it on loan may have closed it just now.
    } while (this.closing.has(store) || !this.places.own.isOpen(store))
    const unlocked = { tenantId: tenant.id, usedAt: Date.now(), noted: false }
    this.unlocked.set(store, unlocked)
    this.storeOf.set(tenant.id, store)
    const { self } = this.options
    const opened = await this.update(tenant.id, (current) => {
      if (current.deleting || (current.held && !byName)) return {}
      return { held: false, openers: [...new Set([...current.openers, self])] }
    })
    if (!opened?.openers.includes(self)) {
      await this.closeHere(tenant)
      throw tenantLocked()
    }
    unlocked.noted = true
    this.onUnlocked(tenant.id)
    return opened
  }

  /** Locks a wallet here; where it was open nowhere else, it is locked. */
  private leave(tenant: Pick<TenantProfile, 'id' | 'place'>): Promise<void> {
    const { self } = this.options
    return this.closeHere(tenant, async () => {
      await this.update(tenant.id, ({ openers }) => ({ openers: openers.filter((name) => name !== self) }))
    })
  }

  private unlockedAt({ place }: Pick<TenantProfile, 'place'>): Unlocked | undefined {
    return place.kind === 'STORE' ? this.unlocked.get(place.store) : undefined
  }

  private async update(
    tenantId: string,
    change: (tenant: Tenant) => Partial<TenantProfile>,
  ): Promise<Tenant | undefined> {
    const tenant = await this.base.transact((unit) =>
      this.tenants.update(
        unit,
        tenantId,
        (before, after) => {
          const wasLocked = before.held || before.openers.length === 0
          const isLocked = after.held || after.openers.length === 0
          return wasLocked === isLocked ? undefined : isLocked ? 'LOCKED' : 'UNLOCKED'
        },
        change,
      ),
    )
    if (tenant) this.tenants.changed(tenantId)
    return tenant
  }

  private async openKept(tenantId: string, store: string): Promise<void> {
    await this.closing.get(store)
    const key = await keptKeys.find(this.base, store)
    if (key === undefined) throw new StoreClosedError()
    await this.inRoom(store, () => this.places.own.openWith(store, key))
    this.storeOf.set(tenantId, store)
  }

  /** Opens a store once there is room for it: where too many are open, what was unused longest is closed. */
  private async inRoom(store: string, open: () => Promise<void>): Promise<void> {
    const { own } = this.places
    const deadline = Date.now() + WAIT_FOR_ROOM_MS
    const taken = () => own.open + [...this.promised].filter((name) => !own.isOpen(name)).length
    while (taken() >= this.options.storesMax && !own.isOpen(store) && !this.promised.has(store)) {
      const victim = this.leastUsed()
      const unlocked = victim === undefined ? undefined : this.unlocked.get(victim)
      if (victim !== undefined && unlocked) await this.leave(inStore(unlocked.tenantId, victim))
      else if (victim !== undefined) await own.close(victim)
      else if (Date.now() > deadline) throw new Error('No room for another open store')
      else await new Promise((resolve) => setTimeout(resolve, 20))
    }
    this.promised.add(store)
    try {
      await open()
    } finally {
      this.promised.delete(store)
    }
  }

  /** The store that can be closed best; managed ones first, as they open again by themselves. */
  private leastUsed(): string | undefined {
    const idle = this.places.own.idle()
    const before = Date.now() - JUST_USED_MS
    const isLeft = (name: string) => (this.unlocked.get(name)?.usedAt ?? before) < before
    return idle.find((name) => !this.unlocked.has(name)) ?? idle.find(isLeft)
  }

  private async sweep(): Promise<void> {
    for (const [store, unlocked] of [...this.unlocked]) {
      const tenant = await this.tenants.find(unlocked.tenantId)
      const before = Date.now() - (tenant ? this.options.idleMsOf(tenant) : 0)
      if (unlocked.usedAt < before) await this.leave(inStore(unlocked.tenantId, store))
    }
    for (const name of this.places.own.idle(Date.now() - this.options.storeIdleMs)) {
      if (!this.unlocked.has(name)) await this.places.own.close(name)
    }
  }
}

const inStore = (id: string, store: string): Pick<TenantProfile, 'id' | 'place'> => ({
  id,
  place: { kind: 'STORE', store },
})
