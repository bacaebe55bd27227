import type { ReadStream } from 'node:fs'
import { audit } from '../audit/audit.js'
import { base58Decode } from '../lib/base58.js'
import { badInput, conflict, notFound } from '../lib/errors.js'
import { newId } from '../lib/ids.js'
import { version } from '../lib/version.js'
import type { Entry } from '../storage/entry.js'
import { FORMAT } from '../storage/format.js'
import { WrongKeyError } from '../storage/own-stores.js'
import type { Places } from '../storage/places.js'
import type { Profile } from '../storage/profile.js'
import { putBeside, type TravelStore, type TravelStores } from '../storage/travel-stores.js'
import type { Mover } from './mover.js'
import type { Tenant } from './tenant.js'
import type { TenantService } from './tenant.service.js'
import { ARCHIVE_FORMAT, packArchive, type QueuedMessage, type TenantManifest } from './tenant-archive.js'
import type { TenantStore } from './tenant-store.js'
import { type Ticket, Tickets } from './tickets.js'
import type { Vault } from './vault.js'
import { isRawKey, newWalletKey } from './wallet-keys.js'

interface ExportOrder {
  tenantId: string
  exportKey: string
  /** The raw key of an unmanaged wallet. */
  walletKey?: string
}

/** What the base wallet holds of a tenant and goes along. */
export interface Belongings {
  recipientKeys: (tenantId: string) => Promise<string[]>
  /** Messages that wait, after a place in their queue. @throws CONFLICT where they are too many */
  queued: (tenantId: string, after: number) => Promise<QueuedMessage[]>
  /** What the gateway serves to the public for it. */
  served: (tenantId: string) => AsyncIterable<Entry>
  /** Its endpoint, as peers know it; null where it has none of its own. */
  endpointOf: (tenant: Tenant) => string | null
  publicUrl: () => string
}

/** An archive that is ready to be sent; what it is made of lies on disk until it is discarded. */
export interface MadeArchive {
  name: string
  length: number
  bytes: AsyncIterable<Buffer>
  discard(): Promise<void>
}

/** Makes archives of tenants. */
export class Exporter {
  private readonly tickets: Tickets<ExportOrder>

  constructor(
    private readonly base: Profile,
    private readonly tenants: TenantStore,
    private readonly lifecycle: TenantService,
    private readonly places: Places,
    private readonly vault: Vault,
    private readonly mover: Mover,
    private readonly travelling: TravelStores,
    private readonly belongings: Belongings,
  ) {
    this.tickets = new Tickets(base, 'export')
  }

  /** Takes an order; the archive is made when it is called for. */
  async order(input: {
    tenantId: string
    exportKey?: string | null
    walletKey?: string | null
  }): Promise<Ticket & { exportKey: string }> {
    const exportKey = input.exportKey ?? newWalletKey()
    if (!isRawKey(exportKey)) throw badInput('Give a raw key, base58 of 32 bytes, or leave it out.', 'input.exportKey')
    const walletKey = await this.lifecycle.keyFor(input.tenantId, input.walletKey)
    return { ...(await this.tickets.issue({ tenantId: input.tenantId, exportKey, walletKey })), exportKey }
  }

  /** Makes the archive of an order. While the wallet is copied it stands still. @throws NOT_FOUND, CONFLICT */
  async make(ticketId: string): Promise<MadeArchive> {
    const order = await this.tickets.redeem(ticketId)
    if (!order) throw notFound('export')
    const tenant = await this.tenants.find(order.tenantId)
    if (!tenant || tenant.deleting) throw notFound('tenant')
    const store = await this.travelling.make()
    let bytes: ReadStream | undefined
    const discard = () => {
      bytes?.destroy()
      return this.travelling.remove(store.name)
    }
    try {
      const { manifest, queue } = await this.lent(tenant, order.walletKey, () => this.copy(tenant, store))
      const details = { archiveId: manifest.id, queuedMessages: queue.length }
      await this.base.transact(async (unit) => audit(unit, { action: 'TENANT_EXPORTED', tenantId: tenant.id, details }))
      bytes = this.travelling.read(store.name)
      return {
        name: tenant.id,
        discard,
        ...packArchive(base58Decode(order.exportKey), { manifest, queue, store: bytes }),
      }
    } catch (error) {
      await discard()
      throw error
    }
  }

  private async lent<T>(tenant: Tenant, key: string | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await this.vault.lend(tenant, key, work)
    } catch (error) {
      throw error instanceof WrongKeyError ? conflict('The wallet has another key by now. Ask for it again.') : error
    }
  }

  /** Copies all that is the tenant's, as it is in one moment. */
  private async copy(tenant: Tenant, store: TravelStore) {
    await this.lifecycle.copyLifecycle(tenant).catch(() => {})
    const { entries, ...found } = await this.mover.frozen(tenant.id, async (place) => {
      const head = await this.places.readHead(place)
      const entries = await this.travelling.use(store, (target, profile) =>
        this.places.use(place, async (source, sourceProfile) => {
          await source.copyProfile(sourceProfile, target, profile)
          await putBeside(target, this.belongings.served(tenant.id))
          return target.session(profile, (session) => session.count({}))
        }),
      )
      const current = (await this.tenants.find(tenant.id)) ?? tenant
      return {
        entries,
        current,
        left: Math.max(current.lifecycle - head.lifecycle, 0),
        queue: await this.belongings.queued(tenant.id, head.queue.handled),
        recipientKeys: await this.belongings.recipientKeys(tenant.id),
      }
    })
    const { id, name, label, imageUrl, groupId, keyMode, walletStorage, eventDispatch, settings, policy, createdAt } =
      found.current
    const manifest: TenantManifest = {
      format: ARCHIVE_FORMAT,
      storeFormat: FORMAT,
      version,
      createdAt: new Date().toISOString(),
      id: newId(),
      publicUrl: this.belongings.publicUrl(),
      tenant: {
        id,
        name,
        label,
        imageUrl,
        groupId,
        keyMode,
        walletStorage,
        eventDispatch,
        endpoint: this.belongings.endpointOf(found.current),
        settings,
        policy,
        createdAt,
      },
      recipientKeys: found.recipientKeys,
      entries,
      queued: found.queue.length,
      lifecycleEventsLeft: found.left,
      store: { key: store.key, ...(await this.travelling.measure(store.name)) },
    }
    return { manifest, queue: found.queue }
  }
}
