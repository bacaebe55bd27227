import { notFound } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import type { Profiles } from '../storage/profiles.js'
import type { Unit } from '../storage/unit.js'
import type { Farewell } from './farewell.js'
import { forgetOnce } from './idempotency.js'
import type { Sessions } from './sessions.js'
import type { Tenant } from './tenant.js'
import { livesInUnit, type TenantStore } from './tenant-store.js'
import type { TenantWallets } from './tenant-wallets.js'

export interface TenantDeletionOptions {
  store: TenantStore
  sessions: Sessions
  profiles: Profiles
  wallets: TenantWallets
  /** Notes, before it is begun, that a crash would leave something of a tenant undone. */
  mark: (tenantId: string) => Promise<void>
  /** Tells others of it: what they are told is sealed while the wallet can still be used. */
  farewell: Farewell
  /** What is to be taken away before the wallet and the record, in this order. */
  withdrawals: readonly ((tenantId: string) => Promise<void>)[]
  /** Called in the unit that removes the tenant's record. */
  removing: (unit: Unit, tenantId: string) => Promise<void>
  /** Called once the tenant is gone. */
  deleted: (tenantId: string) => Promise<void>
  logger: Logger
}

/** After this time (ms) a deletion that failed is gone on with. */
const RETRY_MS = 1000

/** Deletes tenants, with all that is known of them. What a crash cuts is gone on with, and what fails tried again. */
export class TenantDeletion {
  private readonly running = new Map<string, Promise<void>>()

  constructor(private readonly options: TenantDeletionOptions) {}

  /** From the first step on the tenant's tokens no longer hold. @throws NOT_FOUND */
  async delete(tenantId: string): Promise<void> {
    const { store, profiles, mark, farewell, logger } = this.options
    await mark(tenantId)
    const sealed = await farewell.prepare(tenantId).catch((error) => {
      logger.info('A tenant goes without a word to its peers', { tenantId, error })
      return []
    })
    const begin = profiles.base.transact(async (unit) => {
      // Once begun, it may have been said already.
      if (await livesInUnit(unit, tenantId)) await farewell.layDown(unit, tenantId, sealed)
      return store.update(unit, tenantId, undefined, () => ({ deleting: true }))
    })
    const tenant = await begin.catch((error) => {
      // Whether it has begun is not known.
      this.finishLater(tenantId)
      throw error
    })
    if (!tenant) throw notFound('tenant')
    store.changed(tenantId)
    await this.run(tenant)
  }

  /** Whether a tenant is being deleted here. */
  isRunning(tenantId: string): boolean {
    return this.running.has(tenantId)
  }

  /** Goes on with all deletions that a crash has cut. */
  async finishAll(): Promise<void> {
    for (const { id } of await this.options.store.deleting()) await this.finish(id)
  }

  /** Goes on with the deletion of a tenant, if it has begun; what fails is tried again. */
  async finish(tenantId: string): Promise<void> {
    const { store, mark, logger } = this.options
    if (this.isRunning(tenantId)) return
    store.changed(tenantId)
    try {
      const tenant = await store.find(tenantId)
      if (!tenant?.deleting) return
      logger.info('Finishing the deletion of a tenant', { tenantId })
      await mark(tenantId)
      await this.run(tenant)
    } catch (error) {
      logger.warn('The deletion of a tenant is finished later', { tenantId, error })
      this.finishLater(tenantId)
    }
  }

  private finishLater(tenantId: string): void {
    setTimeout(() => void this.finish(tenantId), RETRY_MS).unref()
  }

  private run(tenant: Tenant): Promise<void> {
    const running = this.running.get(tenant.id)
    if (running) return running
    const deletion = this.removeAll(tenant)
      .catch((error) => {
        this.finishLater(tenant.id)
        throw error
      })
      .finally(() => this.running.delete(tenant.id))
    this.running.set(tenant.id, deletion)
    return deletion
  }

  private async removeAll(tenant: Tenant): Promise<void> {
    const { store, sessions, profiles, wallets, farewell, withdrawals, removing, deleted } = this.options
    await sessions.drain(tenant.id, async () => {
      await farewell.say(tenant.id)
      for (const withdraw of withdrawals) await withdraw(tenant.id)
      await wallets.remove(tenant)
      profiles.drop(tenant.id)
      await profiles.base.transact(async (unit) => {
        await removing(unit, tenant.id)
        await store.remove(unit, tenant)
        await wallets.forget(unit, tenant)
        if (tenant.madeBy !== undefined) await forgetOnce(unit, 'createTenant', tenant.madeBy)
      })
    })
    store.changed(tenant.id)
    await deleted(tenant.id)
  }
}
