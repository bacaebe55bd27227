import type { RecordObserver } from '../agent/ports.js'
import { takeOver } from '../agent/take-over.js'
import { base58Decode } from '../lib/base58.js'
import { badInput, conflict, isGatewayError, notFound } from '../lib/errors.js'
import { checkOptional, checkText, isWebUrl } from '../lib/text.js'
import type { Entry } from '../storage/entry.js'
import { FORMAT } from '../storage/format.js'
import type { Head } from '../storage/head.js'
import { nameOf } from '../storage/place.js'
import type { Profile } from '../storage/profile.js'
import type { StoreSessions } from '../storage/store-sessions.js'
import { besideIn, NoStoreError, type TravelStore, type TravelStores } from '../storage/travel-stores.js'
import type { Unit } from '../storage/unit.js'
import { endpointKey, type Tenant } from './tenant.js'
import type { TenantService } from './tenant.service.js'
import {
  ArchiveError,
  LaterArchiveError,
  type QueuedMessage,
  type TenantManifest,
  unpackArchive,
} from './tenant-archive.js'
import type { TenantStore } from './tenant-store.js'
import { checkWallet, type NewWallet, type TenantWallets, type WalletInput } from './tenant-wallets.js'
import { type Ticket, Tickets } from './tickets.js'
import { isRawKey } from './wallet-keys.js'

export interface ImportTenant extends WalletInput {
  exportKey: string
  /** Absent: the name that it had. */
  name?: string | null
  /** Whether it is to wait until it is resumed. */
  suspended?: boolean | null
}

/** What the base wallet is to hold of a tenant that comes. */
export interface Arrival {
  recipientKeys: readonly string[]
  queue: readonly QueuedMessage[]
  /** The last event in its log. */
  lastEvent: number
  /** What was served to the public for it, and under which PUBLIC_URL. */
  served: readonly Entry[]
  publicUrl: string | null
}

export interface Imported {
  tenant: Tenant
  token: string
  queuedMessages: number
  /** DIDs and the endpoint that it had and that are not served here. */
  notServed: string[]
}

export interface ImporterOptions {
  /** Say what is to be made of the records of a wallet that comes from Credo itself. */
  observers: readonly RecordObserver[]
  /**
   * Unpacks in the unit that makes the tenant.
   * @returns the DIDs that are not served here
   * @throws CONFLICT for a key that another tenant has
   */
  arrive: (unit: Unit, tenantId: string, arrival: Arrival) => Promise<string[]>
  /** An endpoint as it is kept. @throws BAD_USER_INPUT for one that cannot lead here */
  parseEndpoint: (endpoint: string) => string
  /** Notes that a crash would leave work to do. */
  mark: (tenantId: string) => Promise<void>
  /** Takes up what waits for the tenant, or of it. */
  goOn: (tenantId: string) => void
}

/** Makes tenants of archives. */
export class Importer {
  private readonly tickets: Tickets<ImportTenant>

  constructor(
    base: Profile,
    private readonly tenants: TenantStore,
    private readonly lifecycle: TenantService,
    private readonly wallets: TenantWallets,
    private readonly travelling: TravelStores,
    private readonly options: ImporterOptions,
  ) {
    this.tickets = new Tickets(base, 'import')
  }

  /** Takes an order, and checks what can be checked before the archive comes. @throws BAD_USER_INPUT, CONFLICT */
  async order(input: ImportTenant): Promise<Ticket> {
    if (!isRawKey(input.exportKey)) throw badInput('Give the key that the export was made with.', 'input.exportKey')
    checkWallet(input, 'input.walletKey')
    if (input.name != null) await this.assertFree(input.name)
    return this.tickets.issue(input)
  }

  /**
   * Makes a tenant of an archive. Nothing is made before all of it has come and is found to be whole, and nothing is left
   * of what was made where it does not become a tenant.
   * @throws BAD_USER_INPUT for what is no archive of this key, CONFLICT where it, its name or one of its keys is here
   */
  async take(ticketId: string, archive: AsyncIterable<Uint8Array>): Promise<Imported> {
    const input = await this.tickets.redeem(ticketId)
    if (!input) throw notFound('import')
    const { manifest, queue, file } = await this.receive(base58Decode(input.exportKey), archive)
    try {
      return await this.settle(input, manifest, queue, file)
    } finally {
      await this.travelling.remove(file)
    }
  }

  private async receive(key: Uint8Array, archive: AsyncIterable<Uint8Array>) {
    try {
      const { manifest, queue, store } = await unpackArchive(key, archive)
      if (manifest.storeFormat > FORMAT) throw new LaterArchiveError()
      return { manifest, queue, file: await this.travelling.receive(store) }
    } catch (error) {
      if (error instanceof LaterArchiveError)
        throw badInput('A later version wrote this archive. Use that one.', 'archive')
      if (!(error instanceof ArchiveError || error instanceof NoStoreError)) throw error
      throw badInput('This is no archive of this key, or it is damaged or cut off. Nothing was made.', 'archive')
    }
  }

  private async settle(
    input: ImportTenant,
    { id: archiveId, publicUrl, tenant, store, entries, recipientKeys }: TenantManifest,
    queue: QueuedMessage[],
    file: string,
  ): Promise<Imported> {
    const { id } = tenant
    const name = input.name ?? tenant.name
    checkDescription({ ...tenant, name })
    if (await this.tenants.find(id)) throw conflict('This tenant is here already.')
    await this.assertFree(name)
    const wallet = await this.wallets.prepare(input)
    const settling = this.wallets.spares.making(wallet.place, async () => {
      const { head, found, served } = await this.moveIn({ name: file, key: store.key }, entries, wallet)
      await this.options.mark(id)
      const { label, imageUrl, groupId, eventDispatch, settings, policy } = tenant
      const endpoint = await this.endpointFor(tenant.endpoint)
      const described = { name, label, imageUrl, groupId, eventDispatch, endpoint, settings, policy }
      const notServed = new Set<string>()
      const made = await this.lifecycle.adopt(
        { id, ...described, suspended: input.suspended ?? false },
        wallet,
        async (unit) => {
          const keys = [...new Set([...recipientKeys, ...found])]
          const arrival = { recipientKeys: keys, queue, lastEvent: head.seq, served, publicUrl }
          for (const did of await this.options.arrive(unit, id, arrival)) notServed.add(did)
          return { queueing: queue.length > 0, details: { archiveId, queuedMessages: queue.length } }
        },
      )
      this.options.goOn(id)
      if (tenant.endpoint !== null && endpoint === null) notServed.add(tenant.endpoint)
      return { ...made, queuedMessages: queue.length, notServed: [...notServed] }
    })
    return settling.catch(async (error) => {
      // What failed may have been no more than the answer of the store, or what comes after it.
      const made = await this.tenants.findNow(id).catch(() => undefined)
      if (!made || nameOf(made.place) !== nameOf(wallet.place)) throw error
      this.tenants.changed(id)
      this.options.goOn(id)
      throw conflict('The tenant has come in, but its token was lost on the way. Make one with createTenantToken.')
    })
  }

  /**
   * Copies a wallet that has come into the place that was made for it.
   * @returns its head, the recipient keys that were found in one that comes from Credo itself, and what comes beside it
   */
  private async moveIn(
    from: TravelStore,
    entries: number,
    { place, key }: NewWallet,
  ): Promise<{ head: Head; found: string[]; served: Entry[] }> {
    const { places, spares } = this.wallets
    if (place.kind === 'PROFILE') await spares.reserve(place)
    else await places.own.openWith(place.store, key as string)
    const came = await this.travelling.use(from, async (source, profile) => {
      if ((await countOf(source, profile)) !== entries) throw new Error('Other entries have come than were sent')
      const keys = await source.transaction(profile, (session) => takeOver(session, this.options.observers))
      await places.use(place, async (target, targetProfile) => {
        await source.copyProfile(profile, target, targetProfile)
        const [copied, whole] = [await countOf(target, targetProfile), await countOf(source, profile)]
        if (copied !== whole) throw new Error('Other entries have moved in than have come')
      })
      return { found: keys, served: await besideIn(source) }
    })
    await places.changeHead(place, (head) => {
      delete head.fence
      // Counted here, as quotas go by it.
      delete head.bytes
      delete head.counts
      // What waits in the outbox is anybody's to send, and the queue and the tenant's life begin anew.
      if (head.lease) head.lease.until = 0
      head.queue = { handled: 0, told: 0 }
      head.lifecycle = 0
    })
    return { head: await places.readHead(place), ...came }
  }

  /** The endpoint that a tenant had, where it can lead here and nobody has it. */
  private async endpointFor(had: string | null): Promise<string | null> {
    if (had === null) return null
    try {
      const endpoint = this.options.parseEndpoint(had)
      return (await this.tenants.idByEndpoint(endpointKey(endpoint))) === undefined ? endpoint : null
    } catch (error) {
      if (isGatewayError(error, 'BAD_USER_INPUT')) return null
      throw error
    }
  }

  /** @throws CONFLICT */
  private async assertFree(name: string): Promise<void> {
    if (await this.tenants.findByName(name)) throw conflict('This name is taken. Choose another.', 'input.name')
  }
}

/** Holds what the manifest says of a tenant to what is asked of one that is made. @throws BAD_USER_INPUT */
function checkDescription({ name, label, imageUrl, groupId }: TenantManifest['tenant']): void {
  checkText(name, 'archive.name')
  checkText(label, 'archive.label')
  checkOptional(groupId, 'archive.groupId')
  if (imageUrl !== null && !isWebUrl(imageUrl)) throw badInput('archive.imageUrl must be a web address.', 'archive')
}

const countOf = (sessions: StoreSessions, profile: string) => sessions.session(profile, (session) => session.count({}))
