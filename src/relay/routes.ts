import { conflict, notFound } from '../lib/errors.js'
import { Recent } from '../lib/recent.js'
import type { Profile } from '../storage/profile.js'
import type { Collector, Unit } from '../storage/unit.js'
import { livesInUnit } from '../tenants/tenant-store.js'

/** Recipient keys, by name, each with its tenant's id. */
export const ROUTES = 'route'

/** Routes kept where every instance finds them quickly. They are hints: wrong or missing ones cost time, nothing else. */
export interface RouteHints {
  get(key: string): Promise<string | undefined>
  set(key: string, tenantId: string): Promise<void>
  /** Removes hints everywhere, and from the memory of the other instances. */
  drop(keys: string[]): Promise<void>
}

/** How long a key that nobody has is taken for unknown without a look (ms). */
const UNKNOWN_MS = 2000

/**
 * Which tenant a recipient key (base58 of an Ed25519 public key) belongs to. The truth lies in the base wallet; before
 * it come the memory of this process and the hints.
 */
export class Routes {
  private readonly known = new Recent<string, string>(100_000)
  private readonly unknown = new Recent<string, true>(10_000, UNKNOWN_MS)
  private readonly notOf = new Recent<string, true>(10_000, UNKNOWN_MS)
  private readonly looking = new Map<string, Promise<string | undefined>>()
  private dropped = 0

  constructor(
    private readonly base: Profile,
    private readonly hints: RouteHints,
  ) {}

  /** Finds the tenant of a key. */
  find(key: string): Promise<string | undefined> {
    const known = this.known.get(key)
    if (known) return Promise.resolve(known)
    if (this.unknown.has(key)) return Promise.resolve(undefined)
    let looking = this.looking.get(key)
    if (!looking) {
      looking = this.look(key).finally(() => this.looking.delete(key))
      this.looking.set(key, looking)
    }
    return looking
  }

  /**
   * Finds the tenant of a key where one alone is reached, or nobody (null). Keys of others take the same way as keys that
   * nobody has, so that not even the time that it takes tells them apart.
   */
  async findOf(owner: string | null, key: string): Promise<string | undefined> {
    if (owner !== null && this.known.get(key) === owner) return owner
    const pair = `${owner} ${key}`
    if (this.notOf.has(pair)) return undefined
    const { dropped } = this
    const entry = await this.base.fetch(ROUTES, key)
    if (!entry || owner === null || JSON.parse(entry.value) !== owner) {
      this.notOf.set(pair, true)
      return undefined
    }
    if (dropped === this.dropped) this.known.set(key, owner)
    return owner
  }

  /** A route turned out to be wrong: looks at the truth, and mends what was remembered of it. */
  async findAgain(key: string): Promise<string | undefined> {
    this.forget([key])
    await this.hints.drop([key])
    return this.read(key)
  }

  /** Forgets keys in this process. */
  forget(keys: string[]): void {
    this.dropped += 1
    for (const key of keys) {
      this.known.delete(key)
      this.unknown.delete(key)
    }
  }

  /**
   * Registers the keys of a tenant's unit of work: they are in the base wallet before the unit commits, and so before
   * anyone can learn of them. What a crash leaves behind leads to a wallet without the key, and goes with the tenant.
   */
  readonly collector: Collector<string> = {
    prepare: async (keys, tenantId) => {
      const fresh = [...new Set(keys)].filter((key) => this.known.get(key) !== tenantId)
      if (fresh.length > 0) await this.register(fresh, tenantId)
    },
  }

  /** Registers keys in a unit of the base wallet. @throws CONFLICT for a key of another tenant */
  async claim(unit: Unit, keys: readonly string[], tenantId: string): Promise<void> {
    for (const key of new Set(keys)) {
      const stored = await unit.fetchUnlikely(ROUTES, key)
      if (stored && JSON.parse(stored.value) !== tenantId) throw conflict('This key is in use.')
      if (!stored)
        unit.insert({ category: ROUTES, name: key, value: JSON.stringify(tenantId), tags: { tenant: tenantId } })
      unit.add(this.claimed, { key, tenantId })
    }
  }

  private readonly claimed: Collector<{ key: string; tenantId: string }> = {
    settle: (claims) => ({ changes: [], committed: () => this.remember(claims) }),
  }

  private remember(claims: readonly { key: string; tenantId: string }[]): void {
    for (const { key, tenantId } of claims) {
      this.unknown.delete(key)
      this.notOf.delete(`${tenantId} ${key}`)
      this.known.set(key, tenantId)
      void this.hints.set(key, tenantId)
    }
  }

  /** All keys of a tenant. */
  async keysOf(tenantId: string): Promise<string[]> {
    return (await this.base.query(ROUTES, { tenant: tenantId })).map(({ name }) => name)
  }

  /** Withdraws all keys of a tenant. */
  async withdrawAll(tenantId: string): Promise<void> {
    const keys = await this.keysOf(tenantId)
    // Before as well: after a crash between the two nobody would know the keys.
    await this.hints.drop(keys)
    await this.base.transact(async (unit) => unit.clear(ROUTES, { tenant: tenantId }))
    this.forget(keys)
    await this.hints.drop(keys)
  }

  /**
   * Leaves a tenant that another instance deletes, once nothing of it is under way here: what was remembered while that
   * one withdrew the keys goes again.
   */
  async leave(tenantId: string): Promise<void> {
    const keys = [...this.known].filter(([, owner]) => owner === tenantId).map(([key]) => key)
    if (keys.length === 0) return
    this.forget(keys)
    await this.hints.drop(keys)
  }

  count(): Promise<number> {
    return this.base.read((session) => session.count({ category: ROUTES }))
  }

  private async register(keys: string[], tenantId: string): Promise<void> {
    await this.base.transact(async (unit) => {
      // Whatever is registered before a deletion begins is withdrawn by it; from then on nothing is.
      if (tenantId !== unit.profile && !(await livesInUnit(unit, tenantId))) throw notFound('tenant')
      await this.claim(unit, keys, tenantId)
    })
  }

  private async look(key: string): Promise<string | undefined> {
    const { dropped } = this
    const hint = await this.hints.get(key)
    if (!hint) return this.read(key)
    if (dropped === this.dropped) this.known.set(key, hint)
    return hint
  }

  private async read(key: string): Promise<string | undefined> {
    const { dropped } = this
    const entry = await this.base.fetch(ROUTES, key)
    if (!entry) {
      this.unknown.set(key, true)
      return undefined
    }
    const tenantId = JSON.parse(entry.value) as string
    // A route withdrawn while it was read must not come back.
    if (dropped === this.dropped) {
      this.known.set(key, tenantId)
      void this.hints.set(key, tenantId)
    }
    return tenantId
  }
}
