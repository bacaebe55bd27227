import { loadAskar } from '../../src/askar/index.js'
import type { EventDraft } from '../../src/events/event.js'
import type { Logger } from '../../src/lib/logger.js'
import type { Collector } from '../../src/storage/unit.js'
import type { Sessions } from '../../src/tenants/sessions.js'
import type { Tenant } from '../../src/tenants/tenant.js'

const KEY = '7vbGG3kM5vRLvrkHtRsAAZrG3CYUNuuTGJQgRSkMCkyN'

export type WalletParts = Awaited<ReturnType<typeof openWalletParts>>

/** What an instance has to make, open, move and remove wallets, without the rest of it. */
export async function openWalletParts(
  databaseUrl: string,
  self: string,
  isAlive: (instance: string) => Promise<boolean> = async () => true,
) {
  // Before anything imports what uses it.
  await loadAskar({ binding: 'koffi' })
  const { WalletStore } = await import('../../src/storage/store.js')
  const { postgresSchemas } = await import('../../src/storage/own-databases.js')
  const { OwnStores } = await import('../../src/storage/own-stores.js')
  const { Places } = await import('../../src/storage/places.js')
  const { Profiles } = await import('../../src/storage/profiles.js')
  const { Mover } = await import('../../src/tenants/mover.js')
  const { SparePlaces } = await import('../../src/tenants/spare-places.js')
  const { TenantStore } = await import('../../src/tenants/tenant-store.js')
  const { TenantWallets } = await import('../../src/tenants/tenant-wallets.js')
  const { Vault } = await import('../../src/tenants/vault.js')
  const store = await WalletStore.open({ location: { databaseUrl }, key: KEY, poolSize: 6 })
  const profiles = new Profiles(store)
  const own = new OwnStores(postgresSchemas(store.database))
  const places = new Places(store, own)
  const journal: Collector<EventDraft> = {}
  const tenants = new TenantStore(profiles.base, journal, 0, () => {})
  const mark = async () => {}
  const limits = { storesMax: 10, storeIdleMs: 60_000, idleMsOf: () => 60_000 }
  const vault = new Vault(places, tenants, profiles.base, { self, mark, ...limits })
  profiles.locate = vault.locate
  const logger = { info() {}, warn() {} } as unknown as Logger
  const spares = new SparePlaces(profiles.base, places, { self, isAlive }, logger)
  const wallets = new TenantWallets(places, vault, spares)
  const sessions = { drain: <T>(_: string, work: () => Promise<T>) => work() } as Sessions
  const mover = new Mover(profiles, tenants, wallets, sessions, { self, shared: true, mark, isAlive }, logger)
  return {
    store,
    profiles,
    own,
    places,
    tenants,
    vault,
    spares,
    wallets,
    mover,
    /** Makes a tenant with its wallet. */
    async makeTenant(input: Parameters<typeof wallets.prepare>[0] = {}): Promise<{ tenant: Tenant; key?: string }> {
      const wallet = await wallets.prepare(input)
      await wallets.make(wallet)
      const { id, keyMode, place, derivation, key } = wallet
      const draft = { id, name: id, label: id, keyMode, place, derivation, walletStorage: place.kind, openers: [] }
      const tenant = await profiles.base.transact(async (unit) => {
        await wallets.give(unit, wallet)
        return tenants.insert(unit, { ...DRAFT, ...STATE, ...TIMES, ...draft }, { tokens: [], lifecycle: 0 })
      })
      return { tenant, ...(key === undefined ? {} : { key }) }
    },
    async close() {
      await vault.close()
      await store.close()
    },
  }
}

const DRAFT = {
  imageUrl: null,
  groupId: null,
  eventDispatch: 'DEFAULT',
  endpoint: null,
  settings: {},
  policy: {},
} as const
const STATE = { state: 'ACTIVE', deleting: false, suspended: false, held: false, queueing: false } as const
const TIMES = { createdAt: '', updatedAt: '' }
