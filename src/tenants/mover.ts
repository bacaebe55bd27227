import { setTimeout as sleep } from 'node:timers/promises'
import { audit } from '../audit/audit.js'
import { conflict, isGatewayError, notFound } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import { StoreError } from '../storage/errors.js'
import { nameOf, type Place } from '../storage/place.js'
import type { Profiles } from '../storage/profiles.js'
import type { Unit } from '../storage/unit.js'
import type { Sessions } from './sessions.js'
import type { Tenant, TokenRecord } from './tenant.js'
import { readInUnit, type TenantStore } from './tenant-store.js'
import type { NewWallet, TenantWallets } from './tenant-wallets.js'

const LEFT_MS = 2000
/** Other instances may take this long to hear of the new place. */
const LEFT_SHARED_MS = 15_000
/** What the store did not answer is asked again after (ms), and for how long while others wait (ms). */
const AGAIN_MS = 500
const AWAY_MS = 60_000

export interface MoverOptions {
  /** This process among the instances. */
  self: string
  /** Whether other instances may still look where a wallet was. */
  shared: boolean
  /** Notes that a crash would leave a wallet fenced. */
  mark: (tenantId: string) => Promise<void>
  isAlive: (instance: string) => Promise<boolean>
}

/**
 * Moves a tenant's wallet, whole, to a new place under a new key. While it is copied the old place is fenced: whoever
 * would write there, on any instance, waits and then looks again. The tenant's record is switched in one transaction;
 * before it nothing has changed, after it nothing is left to do but to remove the old place.
 */
export class Mover {
  /** Tenants whose wallets are being moved or copied here. */
  private readonly underWay = new Set<string>()

  constructor(
    private readonly profiles: Profiles,
    private readonly tenants: TenantStore,
    private readonly wallets: TenantWallets,
    private readonly sessions: Sessions,
    private readonly options: MoverOptions,
    private readonly logger: Logger,
  ) {}

  /** `token`, where there is one, becomes the tenant's only token. An unmanaged wallet must be open here. */
  async move({ id }: Tenant, wallet: NewWallet, token: TokenRecord | undefined): Promise<Tenant> {
    const { places, vault, spares } = this.wallets
    const { place } = wallet
    return spares.making(place, async () => {
      if (place.kind === 'PROFILE') await spares.reserve(place)
      await this.options.mark(id)
      const { before, moved } = await this.fenced(id, async (before) => {
        if (place.kind === 'STORE') await places.own.openWith(place.store, wallet.key as string)
        return places.use(place, async () => {
          await places.copy(before.place, place)
          await places.changeHead(place, (head) => delete head.fence)
          await this.assertFenced(before.place)
          const moved = await this.take(before, wallet, token)
          vault.moved(id, before.place, wallet)
          return { before, moved }
        })
      })
      this.tenants.changed(id)
      this.sweepLater()
      await this.close(before)
      return moved
    })
  }

  /** Does work on a wallet that nobody, on any instance, writes to meanwhile. @throws CONFLICT where somebody may have */
  async frozen<T>(tenantId: string, work: (place: Place) => Promise<T>): Promise<T> {
    await this.options.mark(tenantId)
    return this.fenced(tenantId, async ({ place }) => {
      const result = await work(place)
      await this.wallets.places.changeHead(place, (head) => {
        if (head.fence !== this.options.self) throw lost()
        delete head.fence
      })
      return result
    })
  }

  /** Whether a crash would leave this tenant's wallet fenced. */
  isBusy(tenantId: string): boolean {
    return this.underWay.has(tenantId)
  }

  /** Lets a wallet be written again whose move was cut, by a crash or by the store. */
  async mend(tenant: Tenant): Promise<void> {
    const { id } = tenant
    if (this.isBusy(id)) return
    const { fence } = await this.profiles.of(id).head()
    if (fence === undefined || !(await this.isLeft(fence))) return
    this.logger.info('A move that was cut is undone', { tenantId: id })
    await this.wallets.vault.lend(tenant, undefined, () => this.profiles.of(id).still(() => this.unfence(tenant)))
  }

  private mendLater(tenantId: string): void {
    const mend = async () => {
      this.tenants.forget(tenantId)
      const tenant = await this.tenants.find(tenantId)
      if (tenant) await this.mend(tenant)
    }
    const again = (error: unknown) => {
      // One that was locked meanwhile is looked at as it is unlocked.
      if (!isGatewayError(error)) this.mendLater(tenantId)
    }
    setTimeout(() => void mend().catch(again), AGAIN_MS).unref()
  }

  /** A function of its own: a timer holds all that is in reach where it is set, which is the wallet's key in a move. */
  private sweepLater(): void {
    const { spares } = this.wallets
    setTimeout(() => void spares.sweep(), this.leftMs + 500).unref()
  }

  /** How long the old place stays (ms): somebody may still be reading there. */
  private get leftMs(): number {
    return this.options.shared ? LEFT_SHARED_MS : LEFT_MS
  }

  private async current(id: string): Promise<Tenant> {
    this.tenants.forget(id)
    const tenant = await this.tenants.find(id)
    if (!tenant || tenant.deleting) throw notFound('tenant')
    return tenant
  }

  /** Has everybody wait and look again while `work` runs; where it fails, the wallet goes on in its place. */
  private async fenced<T>(id: string, work: (tenant: Tenant) => Promise<T>): Promise<T> {
    for (;;) {
      const tenant = await this.current(id)
      const inTurn = async () => {
        const { place } = await this.current(id)
        return isSame(place, tenant.place) && { result: await this.behindFence(tenant, work) }
      }
      // The loan comes first: what is being closed waits for the turn of its wallet.
      const done = await this.wallets.vault.lend(tenant, undefined, () =>
        this.sessions.drain(id, () => this.profiles.of(id).still(inTurn)),
      )
      if (done) return done.result
    }
  }

  private async behindFence<T>(tenant: Tenant, work: (tenant: Tenant) => Promise<T>): Promise<T> {
    const { id, place } = tenant
    this.underWay.add(id)
    try {
      await this.unfence(tenant)
      await this.wallets.places.changeHead(place, (head) => {
        if (head.fence !== undefined) throw conflict('The wallet is moving already.')
        head.fence = this.options.self
      })
      return await work(tenant)
    } catch (error) {
      await this.unfence(tenant).catch(() => this.mendLater(id))
      throw error
    } finally {
      this.underWay.delete(id)
    }
  }

  /** Whether a fence says nothing any more: nobody of this process is at work in the turn of a wallet but who asks. */
  private async isLeft(fence: string): Promise<boolean> {
    return fence === this.options.self || !(await this.options.isAlive(fence))
  }

  /** Takes away a fence that was left, in the turn of its wallet, unless the wallet has left that place. */
  private async unfence({ id, place }: Tenant): Promise<void> {
    const { places, spares } = this.wallets
    const { fence } = await places.readHead(place)
    if (fence === undefined || !(await this.isLeft(fence))) return
    // An instance that was taken for dead and goes on can no longer switch the tenant to what it copied.
    const now = await this.settled(id, async (unit) => {
      if (fence !== this.options.self) await spares.giveUp(unit, fence)
    })
    if (!now || !isSame(now.place, place)) return
    await places.changeHead(place, (head) => {
      if (head.fence === fence) delete head.fence
    })
  }

  private async assertFenced(place: Place): Promise<void> {
    const { fence } = await this.wallets.places.readHead(place)
    if (fence !== this.options.self) throw lost()
  }

  /** A tenant as it is after every commit that has begun, also those of which nothing was heard again. */
  private settled(id: string, first: (unit: Unit) => Promise<void> = async () => {}): Promise<Tenant | undefined> {
    return this.profiles.base.transact(async (unit) => {
      // Only what is written waits for the others.
      unit.touch()
      await first(unit)
      return readInUnit(unit, id)
    })
  }

  /** Switches the tenant to its new place. */
  private async take(before: Tenant, wallet: NewWallet, token: TokenRecord | undefined): Promise<Tenant> {
    try {
      return await this.profiles.base.transact((unit) => this.switch(unit, before, wallet, token))
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      // It may be written nevertheless.
      const tenant = await persist(() => this.settled(before.id))
      if (!tenant || !isSame(tenant.place, wallet.place)) throw error
      return tenant
    }
  }

  private async switch(unit: Unit, before: Tenant, wallet: NewWallet, token: TokenRecord | undefined): Promise<Tenant> {
    const { id, place: from } = before
    const { place, keyMode, derivation } = wallet
    const openers = keyMode === 'UNMANAGED' ? [this.options.self] : []
    const change = { place, keyMode, walletStorage: place.kind, derivation, openers, held: false }
    const moved = await this.tenants.update(unit, id, 'UPDATED', () => change)
    if (!moved || moved.deleting) throw notFound('tenant')
    const isSameKind = before.keyMode === keyMode && from.kind === place.kind
    const action = isSameKind ? 'WALLET_KEY_ROTATED' : 'WALLET_MOVED'
    audit(unit, { action, tenantId: id, details: isSameKind ? {} : { from: from.kind, to: place.kind } })
    await this.wallets.give(unit, { ...wallet, noted: true })
    await this.wallets.forget(unit, before)
    this.wallets.spares.leave(unit, from, this.leftMs)
    if (!token) return moved
    return (await this.tenants.updateTokens(unit, id, 'TOKEN_CREATED', () => [token])) as Tenant
  }

  /** Closes the store that a wallet has left. */
  private async close({ id, place }: Tenant): Promise<void> {
    if (place.kind !== 'STORE') return
    await this.wallets.places.own
      .close(place.store)
      .catch((error) => this.logger.warn('A store that was left is not closed', { tenantId: id, error }))
  }
}

const isSame = (one: Place, other: Place) => nameOf(one) === nameOf(other)

/** This instance was taken for dead, and another has let the wallet be written. */
const lost = () => conflict('The wallet was written meanwhile, as this took too long. Try again.')

/** Tries again while the store is away. */
async function persist<T>(ask: () => Promise<T>): Promise<T> {
  const until = Date.now() + AWAY_MS
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (Date.now() > until) throw error
      await sleep(AGAIN_MS)
    }
  }
}
