import { LRUCache } from 'lru-cache'
import type { EventDraft } from '../events/event.js'
import { conflict } from '../lib/errors.js'
import type { Entry, TagQuery, Tags } from '../storage/entry.js'
import { type Listed, placeInList } from '../storage/list.js'
import type { Profile } from '../storage/profile.js'
import type { Collector, Unit } from '../storage/unit.js'
import type { Tenant, TenantChange } from './tenant.js'

const CATEGORY = 'tenant'
const NAMES = 'tenant-name'
const LIFECYCLE = 'tenant-event'

/**
 * Tenants, in the base wallet. Each change is written with its event in one transaction: once in the base stream, and
 * once for the tenant's own log, into which it is copied from here.
 */
export class TenantStore {
  private readonly known = new LRUCache<string, Tenant>({ max: 20_000 })
  private changes = 0
  /** Called in this process once a change is committed. */
  onChange: (tenantId: string) => void = () => {}

  constructor(
    private readonly base: Profile,
    private readonly journal: Collector<EventDraft>,
    /** How long a tenant that was read may be taken for current (ms); for ever where nobody else writes. */
    private readonly freshFor: number | undefined,
    /** Tells the other instances that a tenant has changed. */
    private readonly announce: (tenantId: string) => void,
  ) {}

  async find(id: string): Promise<Tenant | undefined> {
    const known = this.known.get(id)
    if (known) return known
    const changes = this.changes
    const entry = await this.base.fetch(CATEGORY, id)
    if (!entry) return undefined
    const tenant = JSON.parse(entry.value) as Tenant
    // What was read while something changed may be the old state.
    if (changes === this.changes) this.known.set(id, tenant, { ttl: this.freshFor })
    return tenant
  }

  async findByName(name: string): Promise<Tenant | undefined> {
    const entry = await this.base.fetch(NAMES, name)
    return entry ? this.find(JSON.parse(entry.value).id) : undefined
  }

  list(query: {
    filter: TagQuery
    limit: number
    reverse?: boolean
    after?: number
    before?: number
  }): Promise<Listed[]> {
    return this.base.list({ category: CATEGORY, list: 'tenants', ...query })
  }

  async count(): Promise<number> {
    return this.base.read((session) => session.count({ category: CATEGORY }))
  }

  /** Tenants whose deletion was begun and not finished. */
  async deleting(): Promise<Tenant[]> {
    const entries = await this.base.query(CATEGORY, { state: 'DELETING' })
    return entries.map((entry) => JSON.parse(entry.value) as Tenant)
  }

  /** Adds a tenant. @throws CONFLICT where its name is taken */
  async insert(unit: Unit, draft: Tenant): Promise<Tenant> {
    if (await unit.fetch(NAMES, draft.name)) throw conflict('This name is taken. Choose another.', 'input.name')
    const place = placeInList(unit.head, 'tenants', Date.now())
    const createdAt = new Date(place.createdAt).toISOString()
    const tenant = { ...draft, createdAt, updatedAt: createdAt }
    unit.insert({
      category: NAMES,
      name: tenant.name,
      value: JSON.stringify({ id: tenant.id }),
      tags: { tenant: tenant.id },
    })
    this.tell(unit, tenant, 'CREATED')
    const entry = entryOf(tenant)
    unit.insert({ ...entry, tags: { ...entry.tags, ...place.tags } })
    return tenant
  }

  /** Changes a tenant; `change` gets it as it is in the unit. @returns undefined where there is none */
  async update(
    unit: Unit,
    id: string,
    event: TenantChange | undefined,
    change: (tenant: Tenant) => Partial<Tenant>,
  ): Promise<Tenant | undefined> {
    const entry = await unit.fetch(CATEGORY, id)
    if (!entry) return undefined
    const before = JSON.parse(entry.value) as Tenant
    const tenant = { ...before, ...change(before), updatedAt: new Date().toISOString() }
    if (event) this.tell(unit, tenant, event)
    await unit.replace(entryOf(tenant))
    return tenant
  }

  /** Removes a tenant, and what the base wallet holds of it; the last event goes to the base stream. */
  async remove(unit: Unit, tenant: Tenant): Promise<void> {
    unit.add(this.journal, draftOf(tenant, 'DELETED'))
    await unit.remove(CATEGORY, tenant.id)
    await unit.remove(NAMES, tenant.name)
    unit.clear(LIFECYCLE, { tenant: tenant.id })
  }

  /** The lifecycle events of a tenant after the first `from`. */
  async lifecycleSince(tenant: Tenant, from: number): Promise<EventDraft[]> {
    const numbers = Array.from({ length: tenant.lifecycle - from }, (_, index) => from + index + 1)
    return this.base.read(async (session) => {
      const drafts: EventDraft[] = []
      for (const number of numbers) {
        const row = await session.fetch({ category: LIFECYCLE, name: `${tenant.id}/${number}` })
        if (row) drafts.push(JSON.parse(row.value as string) as EventDraft)
      }
      return drafts
    })
  }

  /** A tenant has changed: here, or on another instance. */
  forget(id: string): void {
    this.changes += 1
    this.known.delete(id)
  }

  /** To be called once a change is committed. */
  changed(id: string): void {
    this.forget(id)
    this.announce(id)
    this.onChange(id)
  }

  private tell(unit: Unit, tenant: Tenant, change: TenantChange): void {
    const draft = draftOf(tenant, change)
    tenant.lifecycle += 1
    unit.add(this.journal, draft)
    unit.insert({
      category: LIFECYCLE,
      name: `${tenant.id}/${tenant.lifecycle}`,
      value: JSON.stringify(draft),
      tags: { tenant: tenant.id },
    })
  }
}

function draftOf(tenant: Tenant, change: TenantChange): EventDraft & { id: string } {
  return {
    id: crypto.randomUUID(),
    occurredAt: new Date().toISOString(),
    tenantId: tenant.id,
    topic: 'TENANT',
    dispatch: tenant.eventDispatch,
    payload: { change },
  }
}

function entryOf(tenant: Tenant): Entry {
  const tags: Tags = { name: tenant.name, label: tenant.label, state: tenant.state, keyMode: tenant.keyMode }
  if (tenant.groupId !== null) tags['groupId'] = tenant.groupId
  return { category: CATEGORY, name: tenant.id, value: JSON.stringify(tenant), tags }
}
