import type { Session } from '@openwallet-foundation/askar-shared'
import { isGatewayError } from '../lib/errors.js'
import { Semaphore } from '../lib/semaphore.js'
import type { Entry, TagQuery, Tags } from './entry.js'
import { emptyHead, HEAD_CATEGORY, HEAD_NAME, type Head } from './head.js'
import { type Listed, type ListQuery, readList } from './list.js'
import { ProfileCache } from './profile-cache.js'
import type { StoreSessions } from './store-sessions.js'
import { isText } from './tag-match.js'
import { type Change, type Collector, categoryOf, type KeyChange, runInUnit, Unit, type UnitSource } from './unit.js'

/** Another instance changed what a unit has read while it ran; the unit is run again. */
export class ConflictError extends Error {}

/**
 * Changes that are in no hurry: they go with the next commit of their profile, which saves them a transaction of their
 * own. `prepare` may change the head; `committed` is called once they are written.
 */
export interface Rider {
  changes: Change[]
  prepare?(head: Head): void
  committed(): void
}

/** The wallet has moved, or is moving, to another place. Looking it up again helps, a little later. */
export class FencedError extends Error {
  constructor() {
    super('The wallet is moving')
  }
}

/** What a profile needs of the store that it lies in. */
export type ProfileStore = Pick<StoreSessions, 'shared' | 'session' | 'transaction' | 'heldTransaction'>

/** The store could not be read or written. Trying later can help. */
export class StoreError extends Error {
  constructor(cause: unknown) {
    super('The store could not be used', { cause })
  }
}

/** A wallet that is locked is not the store's failure. */
const storeError = (cause: unknown) => (isGatewayError(cause) ? cause : new StoreError(cause))

/** How often a unit may come too late before it locks others out. */
const ATTEMPTS = 3

/** Askar's error codes. */
const DUPLICATE = 3
const NOT_FOUND = 6

/** What a unit wants to do. */
interface Gathered<T> {
  result: T
  changes: Change[]
  keys: KeyChange[]
  items: Map<Collector<unknown>, unknown[]>
}

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
    private readonly store: ProfileStore,
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
        this.assertHere(this.known)
        const unit = new Unit(this.source, this.name, this.known)
        try {
          return await this.attempt(unit, fn)
        } catch (error) {
          discardKeys(unit)
          if (!(error instanceof ConflictError)) throw error
          await this.catchUp(unit.base)
        }
      }
      return this.transactHeld(fn)
    })
  }

  /** Runs `fn` while no unit of this process is at work here, and forgets what was read before. */
  still<T>(fn: () => Promise<T>): Promise<T> {
    return this.turn.use(async () => {
      try {
        return await fn()
      } finally {
        this.close()
      }
    })
  }

  private assertHere(head: Head): void {
    if (head.fence === undefined) return
    this.forget()
    throw new FencedError()
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

  /** Runs a unit, and writes it if nobody else has written meanwhile. */
  private async attempt<T>(unit: Unit, fn: (unit: Unit) => Promise<T>): Promise<T> {
    let gathered: Gathered<T>
    try {
      gathered = await this.gather(unit, fn)
    } catch (error) {
      if (!(error instanceof StoreError)) await this.assertCurrent(unit.base)
      throw error
    }
    if (!unit.dirty) {
      await this.assertCurrent(unit.base)
      return gathered.result
    }
    await this.commit(unit, gathered, (write) =>
      this.store.transaction(this.name, async (session) => {
        if (this.store.shared && (await readHead(session, true)).rev !== unit.base.rev) throw new ConflictError()
        await write(session)
      }),
    )
    return gathered.result
  }

  /**
   * Runs a unit with the head locked from its beginning to its commit. Dearer, and in turn with all other instances:
   * where they write to one profile at once, whoever is slower would else be too late again and again.
   */
  private async transactHeld<T>(fn: (unit: Unit) => Promise<T>): Promise<T> {
    let unit: Unit | undefined
    try {
      return await this.store.heldTransaction(this.name, async (session) => {
        const head = await readHead(session, true)
        this.cache.invalidate(this.known ?? emptyHead(), head)
        this.known = head
        this.assertHere(head)
        unit = new Unit(this.source, this.name, head)
        const gathered = await this.gather(unit, fn)
        if (!unit.dirty) return gathered.result
        await this.commit(unit, gathered, async (write) => {
          await write(session)
          await session.commit()
        })
        return gathered.result
      })
    } catch (error) {
      if (unit) discardKeys(unit)
      throw error
    }
  }

  /** Lets a unit gather what it wants to do. */
  private async gather<T>(unit: Unit, fn: (unit: Unit) => Promise<T>): Promise<Gathered<T>> {
    let result: T
    try {
      result = await runInUnit(unit, () => fn(unit))
    } catch (error) {
      unit.seal()
      throw unit.broken ? storeError(unit.broken.cause) : error
    }
    if (unit.broken) throw storeError(unit.broken.cause)
    const { changes, keys, items } = unit.seal()
    for (const [collector, gathered] of items) await collector.prepare?.(gathered, this.name)
    return { result, changes, keys, items }
  }
  /** Writes what a unit has gathered, by `transaction`, and tells of it. */
  private async commit<T>(
    unit: Unit,
    { changes, keys, items }: Gathered<T>,
    transaction: (write: (session: Session) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const { base, head } = unit
    const settled = [...items].map(([collector, gathered]) => collector.settle?.(gathered, head, this.name))
    const riders = this.riders.splice(0)
    for (const rider of riders) rider.prepare?.(head)
    const all = [...changes, ...[...settled, ...riders].flatMap((part) => part?.changes ?? [])]
    head.rev = base.rev + 1
    if (base.bytes !== undefined) head.bytes = base.bytes + unit.growth
    head.counts = unit.counts
    for (const category of new Set(all.map(categoryOf))) head.cats[category] = (head.cats[category] ?? 0) + 1
    try {
      await transaction((session) => write(session, unit, all, keys))
    } catch (error) {
      this.riders.unshift(...riders)
      // It did not begin: somebody was quicker, or the wallet was locked meanwhile.
      if (error instanceof ConflictError || isGatewayError(error)) throw error
      // Whether a commit that failed took place is not known.
      this.forget()
      for (const part of settled) part?.uncertain?.()
      throw new StoreError(error)
    }
    this.carryOver(head, all, keys)
    for (const part of [...settled, ...riders]) part?.committed?.()
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

/** All of a unit in one transaction, nothing else in it. */
async function write(session: Session, { base, head }: Unit, changes: Change[], keys: KeyChange[]): Promise<void> {
  for (const change of keys) await applyKey(session, change)
  for (const change of changes) await apply(session, change)
  const entry = { category: HEAD_CATEGORY, name: HEAD_NAME, value: JSON.stringify(head) }
  if (base.rev > 0) return session.replace(entry)
  try {
    await session.insert(entry)
  } catch (error) {
    // Two instances have written to a new profile at once.
    throw (error as { code?: number }).code === DUPLICATE ? new ConflictError() : error
  }
}

/** What a unit that was not written would have kept. */
function discardKeys(unit: Unit): void {
  for (const change of unit.seal().keys) if (change.op === 'insert') change.key.handle.free()
}

async function readHead(session: Session, forUpdate = false): Promise<Head> {
  const row = await session.fetch({ category: HEAD_CATEGORY, name: HEAD_NAME, forUpdate })
  return row
    ? { ...emptyHead(), bytes: undefined, counts: undefined, ...(JSON.parse(row.value as string) as Head) }
    : emptyHead()
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
