import type { Session } from '@openwallet-foundation/askar-shared'
import { type AuditAction, type AuditDetails, audit } from '../audit/audit.js'
import type { EventDraft } from '../events/event.js'
import { findLifecycle } from '../events/log.js'
import { conflict } from '../lib/errors.js'
import { Recent } from '../lib/recent.js'
import type { Entry } from '../storage/entry.js'
import { type Listed, type ListQuery, placeInList } from '../storage/list.js'
import { type Profile } from '../storage/profile.js'
import { fetchEntry } from '../storage/rows.js'
import { isText, matchesTags } from '../storage/tag-match.js'
import type { Collector, Unit } from '../storage/unit.js'
import {
  endpointKey,
  readProfile,
  readTenant,
  type StoredProfile,
  stateOf,
  type Tenant,
  type TenantAccess,
  type TenantChange,
  type TenantProfile,
  type TokenRecord,
} from './tenant.js'
import { type TenantConditions, tenantQuery, tenantTags } from './tenant-tags.js'

/** Tenants' profiles, by their ids, in the base wallet. */
export const PROFILES = 'tenant'
/**
 * What changes with each token, from its first change on: apart from the profile, and without tags, as each makes a write
 * dearer. Until then it is in the profile, as an entry of its own would make a new tenant dearer.
 */
const ACCESS = 'tenant-access'
const NAMES = 'tenant-name'
const ENDPOINTS = 'tenant-endpoint'

export type TenantsQuery = Pick<ListQuery, 'limit' | 'reverse' | 'after' | 'before'> & {
  filter: TenantConditions & { name?: string }
}

interface Known {
  tenant: Tenant
  /** When it was so (ms, of `performance.now()`). */
  at: number
}

/**
 * Tenants, in the base wallet. Each change is written with its event in the base log, in one transaction; from there it
 * is copied into the tenant's own log.
 */
export class TenantStore {
  private readonly known = new Recent<string, Known>(20_000)
  /** Until when other instances may have changed tenants that are known here (ms, of `performance.now()`). */
  private changedUntil = Number.NEGATIVE_INFINITY
  private changes = 0
  /** What a unit has made of tenants, which is known here as soon as it is committed; undefined where one is gone. */
  private readonly made: Collector<{ id: string; tenant: Tenant | undefined }> = {
    settle: (items) => ({
      changes: [],
      committed: () => {
        for (const { id, tenant } of items) this.know(id, tenant)
      },
      uncertain: () => {
        for (const { id } of items) this.forget(id)
      },
    }),
  }
  /** Called with each tenant that is found to be as it was not known to be; undefined where there is none. */
  onRead: (tenantId: string, tenant: Tenant | undefined) => void = () => {}
  /** Called in this process once a change is committed. */
  onChange: (tenantId: string) => void = () => {}

  constructor(
    private readonly base: Profile,
    private readonly journal: Collector<EventDraft>,
    /** How long a tenant that was read may be taken for current (ms); for ever where nobody else writes. */
    private readonly freshFor: number | undefined,
    /** Tells the other instances that a tenant has changed. */
    private readonly announce: (tenantId: string) => void,
  ) {
    base.onOthers = (changed) => {
      if (changed(PROFILES) || changed(ACCESS)) this.changedUntil = performance.now()
    }
  }

  async find(id: string): Promise<Tenant | undefined> {
    return this.recall(id) ?? (await this.findAll([id]))[0]
  }

  /** A tenant that is known, and known to be current: by itself, or as no tenant has changed since. */
  private recall(id: string): Tenant | undefined {
    const known = this.known.get(id)
    if (!known || this.freshFor === undefined) return known?.tenant
    const isFresh = performance.now() - known.at < this.freshFor
    return isFresh || (this.mayStand(known) && this.base.isCurrent(this.freshFor)) ? known.tenant : undefined
  }

  private mayStand({ at }: Known): boolean {
    return at > this.changedUntil
  }

  /** A tenant as it is now, also where another instance has just changed it. */
  findNow(id: string): Promise<Tenant | undefined> {
    if (this.freshFor !== undefined) this.known.delete(id)
    return this.find(id)
  }

  /** Tenants by their ids, in that order, in one session. */
  async findAll(ids: readonly string[]): Promise<(Tenant | undefined)[]> {
    const old = ids.flatMap((id) => (this.recall(id) ? [] : (this.known.get(id) ?? [])))
    // One look at the base wallet's head may do for all of them.
    if (this.freshFor !== undefined && old.some((known) => this.mayStand(known))) {
      await this.base.lookForOthers(this.freshFor)
    }
    const found = new Map(ids.map((id) => [id, this.recall(id)]))
    const unknown = ids.filter((id) => found.get(id) === undefined)
    if (unknown.length === 0) return ids.map((id) => found.get(id))
    const { changes } = this
    const at = performance.now()
    const read = new Map(await this.base.read((session) => readTenants(session, unknown)))
    // What was read while something changed may be the old state.
    if (changes === this.changes) {
      for (const id of unknown) {
        const tenant = read.get(id)
        if (tenant) this.known.set(id, { tenant, at })
        else this.known.delete(id)
        this.onRead(id, tenant)
      }
    }
    return ids.map((id) => found.get(id) ?? read.get(id))
  }

  async findByName(name: string): Promise<Tenant | undefined> {
    const entry = await this.base.fetch(NAMES, name)
    return entry ? this.find(JSON.parse(entry.value).id) : undefined
  }

  /** The tenant that has an endpoint of its own, by what {@link endpointKey} makes of it. */
  async idByEndpoint(key: string): Promise<string | undefined> {
    const entry = await this.base.fetch(ENDPOINTS, key)
    return entry && JSON.parse(entry.value).id
  }

  async list({ filter: { name, ...conditions }, ...stretch }: TenantsQuery): Promise<Listed[]> {
    const filter = tenantQuery(conditions)
    if (name === undefined) return this.base.list({ category: PROFILES, list: 'tenants', filter, ...stretch })
    const entry = await this.entryByName(name)
    if (!entry || !matchesTags(entry.tags, filter)) return []
    const n = Number(entry.tags['_n'])
    const { limit, after = 0, before = Number.POSITIVE_INFINITY } = stretch
    return n > after && n < before ? [{ n, entry }].slice(0, limit) : []
  }

  private async entryByName(name: string): Promise<Entry | undefined> {
    if (!isText(name)) return undefined
    const holder = await this.base.fetch(NAMES, name)
    return holder && this.base.fetch(PROFILES, JSON.parse(holder.value).id)
  }

  async count(): Promise<number> {
    return this.base.read((session) => session.count({ category: PROFILES }))
  }

  /** Tenants whose deletion was begun and not finished. */
  async deleting(): Promise<Tenant[]> {
    const entries = await this.base.query(PROFILES, { state: 'DELETING' })
    return (await this.findAll(entries.map(({ name }) => name))).filter((tenant) => tenant !== undefined)
  }

  /** Adds a tenant. @throws CONFLICT where its name or endpoint is taken */
  async insert(unit: Unit, draft: TenantProfile, access: TenantAccess): Promise<Tenant> {
    if (await unit.fetchUnlikely(NAMES, draft.name)) throw conflict('This name is taken. Choose another.', 'input.name')
    const place = placeInList(unit.head, 'tenants', Date.now())
    const createdAt = new Date(place.createdAt).toISOString()
    const profile = { ...draft, createdAt, updatedAt: createdAt }
    const tenant = { ...profile, ...this.tell(unit, profile, access, 'CREATED', tokenDetails([], access.tokens)) }
    const { tokens, lifecycle } = tenant
    const entry = profileEntry({ ...profile, access: { tokens, lifecycle } })
    unit.insert({ category: NAMES, name: profile.name, value: JSON.stringify({ id: profile.id }), tags: {} })
    await moveEndpoint(unit, profile.id, null, profile.endpoint)
    unit.insert({ ...entry, tags: { ...entry.tags, ...place.tags } })
    unit.knowAbsent(ACCESS, profile.id)
    return this.making(unit, tenant)
  }

  /** Changes what a tenant is. @returns undefined where there is none @throws CONFLICT where its endpoint is taken */
  async update(
    unit: Unit,
    id: string,
    event: TenantChange | undefined | ((before: TenantProfile, after: TenantProfile) => TenantChange | undefined),
    change: (tenant: Tenant) => Partial<TenantProfile>,
  ): Promise<Tenant | undefined> {
    const before = await readInUnit(unit, id)
    if (!before) return undefined
    const { tokens, lifecycle, ...old } = before
    const changed = { ...old, ...change(before), updatedAt: new Date().toISOString() }
    const profile = { ...changed, state: stateOf(changed) }
    await unit.replace(profileEntry(profile))
    await moveEndpoint(unit, id, old.endpoint, profile.endpoint)
    const access = { tokens, lifecycle }
    // From here on there is no way back, whoever finishes it.
    if (profile.deleting && !old.deleting) audit(unit, { action: 'TENANT_DELETED', tenantId: id })
    const told = typeof event === 'function' ? event(old, profile) : event
    const details = { changed: changedFields(old, profile) }
    const next = told ? this.tell(unit, profile, access, told, details) : access
    if (told || !(await unit.fetch(ACCESS, id))) await putAccess(unit, id, next)
    return this.making(unit, { ...profile, ...next })
  }

  /** Changes a tenant's tokens. @returns undefined where there is none */
  async updateTokens(
    unit: Unit,
    id: string,
    event: TenantChange,
    change: (tenant: Tenant) => TenantAccess['tokens'],
  ): Promise<Tenant | undefined> {
    const before = await readInUnit(unit, id)
    if (!before) return undefined
    const access = { tokens: change(before), lifecycle: before.lifecycle }
    const next = this.tell(unit, before, access, event, tokenDetails(before.tokens, access.tokens))
    await putAccess(unit, id, next)
    return this.making(unit, { ...before, ...next })
  }

  /** Notes when a tenant's tokens were used (seconds, by token). */
  async noteTokenUse(unit: Unit, id: string, uses: ReadonlyMap<string, number>): Promise<void> {
    const tenant = await readInUnit(unit, id)
    if (!tenant) return
    const tokens = tenant.tokens.map((token) => ({ ...token, lastUsedAt: uses.get(token.id) ?? token.lastUsedAt }))
    await putAccess(unit, id, { ...tenant, tokens })
    this.making(unit, { ...tenant, tokens })
  }

  /** Removes a tenant, and what the base wallet holds of it; the last event goes to the base stream. */
  async remove(unit: Unit, tenant: Tenant): Promise<void> {
    // Another instance may have finished the same deletion.
    if (await unit.remove(PROFILES, tenant.id)) unit.add(this.journal, draftOf(tenant, 'DELETED'))
    await unit.remove(ACCESS, tenant.id)
    await unit.remove(NAMES, tenant.name)
    await moveEndpoint(unit, tenant.id, tenant.endpoint, null)
    unit.add(this.made, { id: tenant.id, tenant: undefined })
  }

  /** The lifecycle events of a tenant after the first `from`, as far as they are kept. */
  async lifecycleSince(tenant: Tenant, from: number): Promise<EventDraft[]> {
    const drafts: EventDraft[] = []
    for (let number = from + 1; number <= tenant.lifecycle; number++) {
      const event = await findLifecycle(this.base, tenant.id, number)
      if (!event) continue
      const { seq: _, lifecycle: __, ...draft } = event
      drafts.push(draft)
    }
    return drafts
  }

  /** A tenant may have changed: on another instance, or in a commit of which nothing is known. */
  forget(id: string): void {
    this.changes += 1
    this.known.delete(id)
  }

  private making(unit: Unit, tenant: Tenant): Tenant {
    unit.add(this.made, { id: tenant.id, tenant })
    return tenant
  }

  private know(id: string, tenant: Tenant | undefined): void {
    this.forget(id)
    if (tenant) this.known.set(id, { tenant, at: performance.now() })
    this.onRead(id, tenant)
  }

  /** To be called once a change is committed. */
  changed(id: string): void {
    this.announce(id)
    this.onChange(id)
  }

  /** Adds an event, and an entry of the audit log. @returns what it counts in */
  private tell(
    unit: Unit,
    profile: TenantProfile,
    { tokens, lifecycle }: TenantAccess,
    change: TenantChange,
    details: AuditDetails,
  ): TenantAccess {
    if (change !== 'DELETED') audit(unit, { action: AUDITED[change], tenantId: profile.id, details })
    unit.add(this.journal, { ...draftOf(profile, change), lifecycle: lifecycle + 1 })
    return { tokens, lifecycle: lifecycle + 1 }
  }
}

/** Gives up a tenant's endpoint, and takes another. @throws CONFLICT where it is taken */
async function moveEndpoint(unit: Unit, id: string, from: string | null, to: string | null): Promise<void> {
  if (from === to) return
  if (from !== null) await unit.remove(ENDPOINTS, endpointKey(from))
  if (to === null) return
  const name = endpointKey(to)
  if (await unit.fetchUnlikely(ENDPOINTS, name))
    throw conflict('This endpoint is taken. Choose another.', 'input.endpoint')
  unit.insert({ category: ENDPOINTS, name, value: JSON.stringify({ id }), tags: {} })
}

/** The deletion is written down when it begins. */
const AUDITED: Record<Exclude<TenantChange, 'DELETED'>, AuditAction> = {
  CREATED: 'TENANT_CREATED',
  UPDATED: 'TENANT_UPDATED',
  SUSPENDED: 'TENANT_SUSPENDED',
  RESUMED: 'TENANT_RESUMED',
  LOCKED: 'WALLET_LOCKED',
  UNLOCKED: 'WALLET_UNLOCKED',
  TOKEN_CREATED: 'TOKEN_CREATED',
  TOKEN_REVOKED: 'TOKEN_REVOKED',
}

/** The names of what differs, as the schema has them; of settings and policy the keys. */
function changedFields(before: TenantProfile, after: TenantProfile): string[] {
  const flat = ({
    settings,
    policy,
    updatedAt: _,
    openers: __,
    queueing: ___,
    ...fields
  }: TenantProfile): Record<string, unknown> => ({
    ...fields,
    ...prefixed('settings', settings),
    ...prefixed('policy', policy),
  })
  const [old, current] = [flat(before), flat(after)]
  const names = new Set([...Object.keys(old), ...Object.keys(current)])
  return [...names].filter((name) => JSON.stringify(old[name]) !== JSON.stringify(current[name]))
}

const prefixed = (prefix: string, fields: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [`${prefix}.${key}`, value]))

function tokenDetails(before: readonly TokenRecord[], after: readonly TokenRecord[]): AuditDetails {
  const made = after.find(({ id }) => !before.some((token) => token.id === id))
  const ended = before.filter(({ id }) => !after.some((token) => token.id === id)).map(({ id }) => id)
  if (made === undefined) return { tokenId: ended[0] }
  return { tokenId: made.id, scopes: made.scopes, ...(ended.length > 0 ? { endedTokenIds: ended } : {}) }
}

function draftOf({ id, eventDispatch }: TenantProfile, change: TenantChange): EventDraft {
  return { tenantId: id, topic: 'TENANT', dispatch: eventDispatch, payload: { change } }
}

function profileEntry(profile: StoredProfile): Entry {
  return { category: PROFILES, name: profile.id, value: JSON.stringify(profile), tags: tenantTags(profile) }
}

/** Writes the entry that a tenant's access has once it has changed. */
async function putAccess(unit: Unit, id: string, { tokens, lifecycle }: TenantAccess): Promise<void> {
  const entry = { category: ACCESS, name: id, value: JSON.stringify({ tokens, lifecycle }), tags: {} }
  if (!(await unit.replace(entry))) unit.insert(entry)
}

/** Whether there is a tenant of this id that is not being deleted, as a unit of the base wallet sees it. */
export async function livesInUnit(unit: Unit, id: string): Promise<boolean> {
  const profile = await unit.fetch(PROFILES, id)
  return profile !== undefined && !readProfile(profile.value).deleting
}

/** Whether there is a tenant of this id still, be it one that is being deleted. */
export async function existsInUnit(unit: Unit, id: string): Promise<boolean> {
  return (await unit.fetch(PROFILES, id)) !== undefined
}

/** A tenant as a unit of the base wallet sees it. */
export async function readInUnit(unit: Unit, id: string): Promise<Tenant | undefined> {
  const profile = await unit.fetch(PROFILES, id)
  const access = await unit.fetch(ACCESS, id)
  return profile && readTenant(profile.value, access?.value)
}

async function readTenants(session: Session, ids: readonly string[]): Promise<[string, Tenant][]> {
  const found: [string, Tenant][] = []
  for (const id of ids) {
    const profile = await fetchEntry(session, PROFILES, id)
    const access = profile && (await fetchEntry(session, ACCESS, id))
    const tenant = profile && readTenant(profile.value, access?.value)
    if (tenant) found.push([id, tenant])
  }
  return found
}
