import { audit } from '../audit/audit.js'
import { conflict, notFound } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import type { Place } from '../storage/place.js'
import type { Profiles } from '../storage/profiles.js'
import type { Sessions } from './sessions.js'
import type { Tenant, TokenRecord } from './tenant.js'
import type { TenantStore } from './tenant-store.js'
import type { NewWallet, TenantWallets } from './tenant-wallets.js'

const LEFT_MS = 2000
/** Other instances may take this long to hear of the new place. */
const LEFT_SHARED_MS = 15_000

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
  constructor(
    private readonly profiles: Profiles,
    private readonly tenants: TenantStore,
    private readonly wallets: TenantWallets,
    private readonly sessions: Sessions,
    private readonly options: MoverOptions,
    private readonly logger: Logger,
  ) {}

  /** `token`, where there is one, becomes the tenant's only token. The wallet must be open here. */
  async move(tenant: Tenant, wallet: NewWallet, token: TokenRecord | undefined): Promise<Tenant> {
    const { id } = tenant
    const { places, vault, spares } = this.wallets
    if (wallet.place.kind === 'PROFILE') await spares.reserve(wallet.place)
    try {
      if (wallet.place.kind === 'STORE') await places.own.openWith(wallet.place.store, wallet.key as string)
      await this.options.mark(id)
      const moved = await this.fenced(id, async (from) => {
        await places.copy(from, wallet.place)
        await places.changeHead(wallet.place, (head) => delete head.fence)
        return this.take(tenant, from, wallet, token)
      })
      await vault.moved(id, tenant.place, wallet)
      this.tenants.changed(id)
      this.sweepLater()
      return moved
    } catch (error) {
      await spares
        .drop(wallet.place)
        .catch((failure) =>
          this.logger.warn('What a failed move left is removed later', { tenantId: id, error: failure }),
        )
      throw error
    }
  }

  /** Does work on a wallet that nobody, on any instance, writes to meanwhile. */
  async frozen<T>(tenantId: string, work: (place: Place) => Promise<T>): Promise<T> {
    await this.options.mark(tenantId)
    return this.fenced(tenantId, async (place) => {
      const result = await work(place)
      await this.unfence(place)
      return result
    })
  }

  /** Lets a wallet be written again whose move was cut by a crash. */
  async mend(tenant: Tenant): Promise<void> {
    const { fence } = await this.profiles.of(tenant.id).head()
    if (fence === undefined || (await this.options.isAlive(fence))) return
    this.logger.info('A move that was cut is undone', { tenantId: tenant.id })
    await this.profiles.of(tenant.id).still(() => this.unfence(tenant.place))
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
  private fenced<T>(id: string, work: (place: Place) => Promise<T>): Promise<T> {
    return this.sessions.drain(id, () =>
      this.profiles.of(id).still(async () => {
        const { place } = await this.current(id)
        await this.fence(place)
        try {
          return await work(place)
        } catch (error) {
          await this.unfence(place)
          throw error
        }
      }),
    )
  }

  private async fence(place: Place): Promise<void> {
    const { fence } = await this.wallets.places.readHead(place)
    // What an instance that died has left says nothing any more.
    const left = fence !== undefined && !(await this.options.isAlive(fence)) ? fence : undefined
    await this.wallets.places.changeHead(place, (head) => {
      if (head.fence !== left) throw conflict('The wallet is moving already.')
      head.fence = this.options.self
    })
  }

  private async unfence(place: Place): Promise<void> {
    await this.wallets.places.changeHead(place, (head) => {
      if (head.fence !== undefined) delete head.fence
    })
  }

  /** Switches the tenant to its new place. */
  private async take(tenant: Tenant, from: Place, wallet: NewWallet, token: TokenRecord | undefined): Promise<Tenant> {
    const { place, keyMode, derivation } = wallet
    const { spares } = this.wallets
    const openers = keyMode === 'UNMANAGED' ? [this.options.self] : []
    return this.profiles.base.transact(async (unit) => {
      const change = { place, keyMode, walletStorage: place.kind, derivation, openers, held: false }
      const moved = await this.tenants.update(unit, tenant.id, 'UPDATED', () => change)
      if (!moved || moved.deleting) throw notFound('tenant')
      const isSame = tenant.keyMode === keyMode && from.kind === place.kind
      const action = isSame ? 'WALLET_KEY_ROTATED' : 'WALLET_MOVED'
      audit(unit, { action, tenantId: tenant.id, details: isSame ? {} : { from: from.kind, to: place.kind } })
      await this.wallets.give(unit, { ...wallet, noted: true })
      await this.wallets.forget(unit, { ...tenant, place: from })
      spares.leave(unit, from, this.leftMs)
      if (!token) return moved
      return (await this.tenants.updateTokens(unit, tenant.id, 'TOKEN_CREATED', () => [token])) as Tenant
    })
  }
}
