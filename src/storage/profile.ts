import type { Session } from '@openwallet-foundation/askar-shared'
import { Semaphore } from '../lib/semaphore.js'
import type { Entry, TagQuery, Tags } from './entry.js'
import { emptyHead, HEAD_CATEGORY, HEAD_NAME, type Head } from './head.js'
import { type Listed, type ListQuery, readList } from './list.js'
import { ProfileCache } from './profile-cache.js'
import type { WalletStore } from './store.js'
import { isText } from './tag-match.js'
import { type Change, categoryOf, type KeyChange, runInUnit, Unit, type UnitSource } from './unit.js'

/** Another instance changed the profile while a unit ran; the unit is run again. */
class ConflictError extends Error {}

/**
 * Changes that are in no hurry: they go with the next commit of their profile, which saves them a transaction of their
 * own. `prepare` may change the head; `committed` is called once they are written.
 */
export interface Rider {
  changes: Change[]
  prepare?(head: Head): void
  committed(): void
}

/** The store could not be read or written, or other instances were quicker again and again. Trying later can help. */
export class StoreError extends Error {
  constructor(cause: unknown) {
    super('The store could not be used', { cause })
  }
}

const ATTEMPTS = 8

/** Askar's error code. */
const NOT_FOUND = 6

/**
 * One profile of the store: a tenant's, or the base wallet's. Its units of work run one after the other here; between
 * instances the head's revision tells whether what a unit read still stood when it was written, and if not the unit
 * runs again. So every unit behaves as if it had been alone.
 */
export class Profile {
  private readonly turn = new Semaphore(1)
  private kept: ProfileCache | undefined
  private known: Head | undefined
  private riders: Rider[] = []

  constructor(
    private readonly store: WalletStore,
    readonly name: string,
  ) {}

  private get cache(): ProfileCache {
    this.kept ??= new ProfileCache()
    return this.kept
  }

  /** Runs `fn` as a unit of work; see {@link Unit}. It may run more than once and must not wait for the network. */
  transact<T>(fn: (unit: Unit) => Promise<T>): Promise<T> {
    return this.turn.use(async () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        this.known ??= await this.head()
        const unit = new Unit(this.source, this.name, this.known)
        try {
          return await this.attempt(unit, fn)
        } catch (error) {
          for (const change of unit.seal().keys) if (change.op === 'insert') change.key.handle.free()
          if (!(error instanceof ConflictError)) throw error
          await this.catchUp(unit.base)
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * attempt))
        }
      }
      throw new StoreError(new ConflictError())
    })
  }

  /** Has changes written with the next commit. */
  ride(rider: Rider): void {
    this.riders.push(rider)
  }

  /** Writes the changes that wait for a commit, if there are any left. */
  async land(): Promise<void> {
    if (this.riders.length === 0) return
    await this.transact(async (unit) => {
      if (this.riders.length > 0) unit.touch()
    })
  }

  private async attempt<T>(unit: Unit, fn: (unit: Unit) => Promise<T>): Promise<T> {
    let result: T
    try {
      result = await runInUnit(unit, () => fn(unit))
    } catch (error) {
      unit.seal()
      if (unit.broken) throw new StoreError(unit.broken.cause)
      await this.assertCurrent(unit.base)
      throw error
    }
    if (unit.broken) throw new StoreError(unit.broken.cause)
    const { changes, keys, items } = unit.seal()
    if (!unit.dirty) {
      await this.assertCurrent(unit.base)
      return result
    }
    for (const [collector, gathered] of items) await collector.prepare?.(gathered, this.name)
    const settled = [...items].map(([collector, gathered]) => collector.settle?.(gathered, unit.head, this.name))
    for (const part of settled) changes.push(...(part?.changes ?? []))
    const riders = this.riders.splice(0)
    for (const rider of riders) {
      changes.push(...rider.changes)
      rider.prepare?.(unit.head)
    }
    try {
      await this.write(unit, changes, keys)
    } catch (error) {
      this.riders.unshift(...riders)
      throw error
    }
    this.carryOver(unit.head, changes, keys)
    for (const part of settled) part?.committed?.()
    for (const rider of riders) rider.committed()
    return result
  }

  /** The write itself: one transaction, nothing in it but the changes. */
  private async write({ base, head }: Unit, changes: Change[], keys: KeyChange[]): Promise<void> {
    head.rev = base.rev + 1
    for (const category of new Set(changes.map(categoryOf))) head.cats[category] = (head.cats[category] ?? 0) + 1
    try {
      await this.store.transaction(this.name, async (session) => {
        if (this.store.shared && (await readHead(session, true)).rev !== base.rev) throw new ConflictError()
        for (const change of keys) await applyKey(session, change)
        for (const change of changes) await apply(session, change)
        const entry = { category: HEAD_CATEGORY, name: HEAD_NAME, value: JSON.stringify(head) }
        await (base.rev === 0 ? session.insert(entry) : session.replace(entry))
      })
    } catch (error) {
      // Whether a commit that failed took place is not known.
      if (error instanceof ConflictError) throw error
      this.forget()
      throw new StoreError(error)
    }
  }

  private carryOver(head: Head, changes: Change[], keys: KeyChange[]): void {
    this.known = head
    this.cache.apply(changes)
    for (const change of keys) {
      if (change.op === 'insert') this.cache.setKey(change.name, change.key)
      else this.cache.dropKey(change.name)
    }
  }

  /** What a unit read from the cache may be old where other instances write too. */
  private async assertCurrent(base: Head): Promise<void> {
    if (this.store.shared && (await this.head()).rev !== base.rev) throw new ConflictError()
  }

  /** The head as it is in the store now. */
  head(): Promise<Head> {
    return this.read((session) => readHead(session))
  }

  /** Reads outside of any unit, from the store itself. */
  read<T>(fn: (session: Session) => Promise<T>): Promise<T> {
    return this.store.session(this.name, fn)
  }

  async fetch(category: string, name: string): Promise<Entry | undefined> {
    return this.read((session) => fetchEntry(session, category, name))
  }

  query(category: string, query: TagQuery, limit?: number): Promise<Entry[]> {
    return this.read((session) => queryEntries(session, category, query, limit))
  }

  /** A stretch of a list, in its order. */
  list(query: ListQuery): Promise<Listed[]> {
    return this.read(async (session) => {
      const head = await readHead(session)
      return readList(session, query, head.lists[query.list]?.n ?? 0)
    })
  }

  /** Drops what other instances changed since `base`. */
  private async catchUp(base: Head): Promise<void> {
    this.known = await this.head()
    this.cache.invalidate(base, this.known)
  }

  /** Forgets everything that was read. */
  private forget(): void {
    this.known = undefined
    this.kept?.clear()
  }

  /** Gives back the memory and the keys that an open wallet holds; nothing may be in work any more. */
  close(): void {
    this.known = undefined
    this.kept?.dropKeys()
    this.kept = undefined
  }

  private readonly source: UnitSource = {
    fetch: (category, name) =>
      this.cache.entry(category, name, () => this.read((session) => fetchEntry(session, category, name))),
    query: (category, query) =>
      this.cache.query(category, query, () => this.read((session) => queryEntries(session, category, query))),
    fetchKey: (name) =>
      this.cache.key(name, () => this.read(async (session) => (await session.fetchKey({ name }))?.key ?? undefined)),
  }
}

async function readHead(session: Session, forUpdate = false): Promise<Head> {
  const row = await session.fetch({ category: HEAD_CATEGORY, name: HEAD_NAME, forUpdate })
  return row ? { ...emptyHead(), ...(JSON.parse(row.value as string) as Head) } : emptyHead()
}

/** One entry; undefined where there is none. */
export async function fetchEntry(session: Session, category: string, name: string): Promise<Entry | undefined> {
  // Names are C strings: none has a NUL, whatever a client asks for.
  if (name.includes('\0')) return undefined
  const row = await session.fetch({ category, name })
  return row ? { category, name, value: row.value as string, tags: (row.tags ?? {}) as Tags } : undefined
}

async function queryEntries(session: Session, category: string, tagFilter: TagQuery, limit?: number): Promise<Entry[]> {
  if (!isText(tagFilter)) return []
  const rows = await session.fetchAll({ category, tagFilter, limit })
  return rows.map((row) => ({ category, name: row.name, value: row.value as string, tags: (row.tags ?? {}) as Tags }))
}

async function apply(session: Session, change: Change): Promise<void> {
  if (change.op === 'clear') return session.removeAll({ category: change.category, tagFilter: change.query })
  if (change.op === 'remove') return remove(session, change)
  return change.op === 'insert' ? session.insert(change.entry) : session.replace(change.entry)
}

/** What is gone already is as it should be. */
async function remove(session: Session, { category, name }: { category: string; name: string }): Promise<void> {
  try {
    await session.remove({ category, name })
  } catch (error) {
    if ((error as { code?: number }).code !== NOT_FOUND) throw error
  }
}

async function applyKey(session: Session, change: KeyChange): Promise<void> {
  if (change.op === 'insert') await session.insertKey({ name: change.name, key: change.key })
  else await session.removeKey({ name: change.name })
}
