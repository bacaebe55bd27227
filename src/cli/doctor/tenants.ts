import type { EntryObject } from '@openwallet-foundation/askar-shared'
import { OUTBOX } from '../../relay/outbox.js'
import { INSTANCES, MARKS } from '../../relay/recovery.js'
import { ROUTES } from '../../relay/routes.js'
import { COUNTS, type Count } from '../../relay/sealed-queue.js'
import { HEAD_CATEGORY, HEAD_NAME, type Head } from '../../storage/head.js'
import { nameOf } from '../../storage/place.js'
import { BASE_PROFILE } from '../../storage/store.js'
import { SPARES, type Spare } from '../../tenants/spare-places.js'
import { readProfile, type TenantProfile } from '../../tenants/tenant.js'
import { PROFILES } from '../../tenants/tenant-store.js'
import { KEPT_KEYS } from '../../tenants/wallet-keys.js'
import { counted, type Findings, someOf, spanOf } from './finding.js'
import type { OpenedStore, OpenedWallet } from './store.js'

/** A spare place, or a mark, that is older (ms) should have been taken care of. */
const OVERDUE_MS = 15 * 60_000
const LONG_QUEUED_MS = 24 * 60 * 60_000

const GATEWAY_DOES = 'A gateway finishes it: start one, or look at the log of those that run.'

/** What the base wallet says, and whether it fits what lies there. */
export class Wallets {
  private constructor(
    readonly store: OpenedStore,
    readonly tenants: ReadonlyMap<string, TenantProfile>,
    /** Recipient keys, each with its tenant's id, or with the base wallet's name. */
    readonly routes: ReadonlyMap<string, string>,
    private readonly places: readonly string[],
    private readonly spares: readonly Spare[],
    /** The living instances, by name; undefined where it cannot be known. */
    readonly living: readonly EntryObject[] | undefined,
  ) {}

  /** @param shared whether instances say in the store that they live */
  static async read(store: OpenedStore, shared: boolean): Promise<Wallets> {
    // Gateways go on meanwhile. A place is a spare one until a tenant has it, and a route is there only with its tenant:
    // read in this order, what belongs to somebody is never taken for lost.
    const places = await placesIn(store)
    const spares = (await gather(store.entries(SPARES))).map(({ value }) => JSON.parse(value as string) as Spare)
    const routes = new Map<string, string>()
    for await (const { name, value } of store.entries(ROUTES)) routes.set(name, JSON.parse(value as string))
    const tenants = new Map<string, TenantProfile>()
    for await (const { name, value } of store.entries(PROFILES)) tenants.set(name, readProfile(value as string))
    const instances = shared ? await gather(store.entries(INSTANCES)) : undefined
    const living = instances?.filter(({ value }) => JSON.parse(value as string) > Date.now())
    return new Wallets(store, tenants, routes, places, spares, living)
  }

  get hasOwnStores(): boolean {
    return [...this.tenants.values()].some(({ place }) => place.kind === 'STORE')
  }

  examineInstances(found: Findings): void {
    if (!this.living) return
    const names = this.living.map(({ name }) => name.split('/')[0] ?? name)
    found.ok(
      'instances',
      names.length === 0
        ? 'No gateway runs on this store'
        : `${counted(names.length, 'gateway')} on this store: ${someOf(names)}`,
    )
    const kinds = (fact: string) => new Set(this.living?.map(({ tags }) => tags[fact] ?? ''))
    // An instance that takes no operator keys has none.
    const operators = [...kinds('operators')].filter((keys) => keys !== '')
    if (kinds('tokens').size > 1) {
      found.wrong(
        'instances',
        'Instances have different JWT_SECRET or JWT_SIGNING_KEYS',
        'Give all the same: a token of one does not hold at another.',
      )
    }
    if (operators.length > 1) {
      found.wrong(
        'instances',
        'Instances have different OPERATOR_API_KEYS',
        'Give all the same, in the same order: a key of one does not hold at another, or has another name there.',
      )
    }
    if (kinds('publicUrl').size > 1) {
      found.wrong(
        'instances',
        'Instances have different PUBLIC_URL',
        'Give all the same: peers send to the one that an invitation names.',
      )
    }
  }

  /** Each tenant has its place, and each place its tenant. */
  async examinePlaces(found: Findings): Promise<void> {
    const places = new Set(await placesIn(this.store))
    const keys = new Set((await gather(this.store.entries(KEPT_KEYS))).map(({ name }) => name))
    const known = new Set([BASE_PROFILE, ...this.spares.map(({ place }) => nameOf(place))])
    const missing: string[] = []
    const keyless: string[] = []
    for (const { id, place, keyMode } of this.tenants.values()) {
      known.add(nameOf(place))
      const isKeyless = place.kind === 'STORE' && keyMode === 'MANAGED' && !keys.has(place.store)
      if (places.has(nameOf(place)) && !isKeyless) continue
      // Unless it has moved, or gone, since it was read.
      const entry = await this.inBase(PROFILES, id)
      const now = entry && readProfile(entry.value as string)
      if (!now || now.deleting || nameOf(now.place) !== nameOf(place)) continue
      if (isKeyless) keyless.push(id)
      else missing.push(id)
    }
    if (missing.length > 0) {
      found.wrong(
        'tenants',
        `${counted(missing.length, 'tenant')} without a wallet: ${someOf(missing)}`,
        'Restore a backup to another place and look for it there; or delete the tenant.',
      )
    }
    if (keyless.length > 0) {
      found.wrong(
        'tenants',
        `${counted(keyless.length, 'managed wallet')} without a key: ${someOf(keyless)}`,
        'Restore a backup: the key lies in the base wallet.',
      )
    }
    const lost = this.places.filter((name) => !known.has(name))
    if (lost.length > 0) {
      found.warn(
        'tenants',
        `${counted(lost.length, 'wallet')} that no tenant has: ${someOf(lost)}`,
        'No gateway looks at them, and none removes them. Take a backup, then drop them by hand: a schema wallet_… or a file wallets/….db; a profile costs nothing but room.',
      )
    }
    const makers = new Set(this.living?.map(({ name }) => name))
    const overdue = this.spares.filter(
      ({ after, maker }) => after + OVERDUE_MS < Date.now() && !(maker !== undefined && makers.has(maker)),
    )
    if (overdue.length > 0) {
      found.warn(
        'tenants',
        `${counted(overdue.length, 'place')} that a tenant has left could not be removed: ${someOf(overdue.map(({ place }) => nameOf(place)))}`,
        GATEWAY_DOES,
      )
    }
    if (missing.length + keyless.length + lost.length === 0) {
      found.ok('tenants', `${counted(this.tenants.size, 'tenant')}, each with its wallet`)
    }
  }

  /** What is begun and not finished. `inUse`: whether a gateway runs on a store whose instances say nothing. */
  async examineUnfinished(found: Findings, inUse: boolean): Promise<void> {
    const before = found.list.length
    const deleting = [...this.tenants.values()].filter((tenant) => tenant.deleting)
    if (deleting.length > 0) {
      found.warn(
        'unfinished',
        `${counted(deleting.length, 'deletion')} not finished: ${someOf(deleting.map(({ id }) => id))}`,
        GATEWAY_DOES,
      )
    }
    const marks = await gather(this.store.entries(MARKS))
    const alive = new Set(this.living?.map(({ name }) => name))
    const left = marks.filter(({ tags }) => !inUse && !alive.has(String(tags['instance'])))
    const tenantsOf = (entries: EntryObject[]) => [
      ...new Set(entries.map(({ value }) => JSON.parse(value as string) as string)),
    ]
    if (left.length > 0) {
      const ids = tenantsOf(left)
      found.warn(
        'unfinished',
        `A gateway ended without finishing work of ${counted(ids.length, 'tenant')}: ${someOf(ids)}`,
        GATEWAY_DOES,
      )
    }
    await this.examineWallets(tenantsOf(marks), found)
    await this.examineQueues(found)
    if (found.list.length === before) found.ok('unfinished', 'Nothing is left unfinished')
  }

  /** Wallets with work under way are noted before it begins, so no other needs to be opened. */
  private async examineWallets(tenantIds: string[], found: Findings): Promise<void> {
    let waiting = 0
    const senders: string[] = []
    const fenced: string[] = []
    for (const id of tenantIds) {
      const tenant = this.tenants.get(id)
      const state = tenant && (await this.open(tenant, lookInto).catch(() => undefined))
      if (!state) continue
      waiting += state.outbox
      if (state.outbox > 0) senders.push(id)
      if (state.fenced) fenced.push(id)
    }
    if (waiting > 0) {
      found.warn(
        'unfinished',
        `${counted(waiting, 'message')} of ${counted(senders.length, 'tenant')} to be sent: ${someOf(senders)}`,
        'A gateway goes on with them until OUTBOX_GIVE_UP. Where they stay, its log says which peer takes none.',
      )
    }
    if (fenced.length > 0) {
      found.warn(
        'unfinished',
        `${counted(fenced.length, 'wallet')} in the middle of a move: ${someOf(fenced)}`,
        `${GATEWAY_DOES} Requests to it wait meanwhile.`,
      )
    }
  }

  private async examineQueues(found: Findings): Promise<void> {
    for await (const { name, value } of this.store.entries(COUNTS)) {
      const { messages, since } = JSON.parse(value as string) as Count
      if (messages === 0) continue
      const age = Date.now() - since
      const says = `${counted(messages, 'message')} wait sealed for tenant ${name}, the oldest for ${spanOf(age)}`
      const state = this.tenants.get(name)?.state
      if (state === 'ACTIVE') found.warn('unfinished', says, GATEWAY_DOES)
      else if (age > LONG_QUEUED_MS)
        found.warn(
          'unfinished',
          says,
          'Have its wallet unlocked, or resume it: beyond its policy queueMaxAge more is refused.',
        )
      else found.ok('unfinished', `${says} (${state ?? 'gone'})`)
    }
  }

  /** One entry of the base wallet, as it is now. */
  inBase(category: string, name: string): Promise<EntryObject | null> {
    return this.store.inBase((session) => session.fetch({ category, name }))
  }

  /** @returns undefined where only the tenant has the key */
  async open<T>({ place }: TenantProfile, work: (wallet: OpenedWallet) => Promise<T>): Promise<T | undefined> {
    if (place.kind === 'PROFILE') return work(this.store.wallet(place.profile))
    const kept = await this.inBase(KEPT_KEYS, place.store)
    return kept ? this.store.inOwn(place.store, JSON.parse(kept.value as string) as string, work) : undefined
  }
}

const placesIn = async (store: OpenedStore) => [...(await store.profiles()), ...(await store.ownStores())]

function lookInto(wallet: OpenedWallet): Promise<{ outbox: number; fenced: boolean }> {
  return wallet.session(async (session) => {
    const head = await session.fetch({ category: HEAD_CATEGORY, name: HEAD_NAME })
    const { fence } = (head ? JSON.parse(head.value as string) : {}) as Partial<Head>
    return { outbox: await session.count({ category: OUTBOX }), fenced: fence !== undefined }
  })
}

async function gather<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const entry of entries) all.push(entry)
  return all
}
