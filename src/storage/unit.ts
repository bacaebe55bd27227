import { AsyncLocalStorage } from 'node:async_hooks'
import type { Key } from '@openwallet-foundation/askar-shared'
import { type Change, categoryOf, type KeyChange } from './change.js'
import { type Entry, entryKey, OWN_CATEGORY, reservedTags, sizeOf, type TagQuery } from './entry.js'
import { cloneHead, type Head } from './head.js'
import { Overlay, type UnitSource } from './overlay.js'
import { BASE_PROFILE } from './store.js'

/**
 * What a unit gathers beside its changes, and what becomes of it: events for the log, messages for the outbox, routes.
 * `prepare` runs before the transaction, outside of it. `settle` turns what was gathered into changes, counting in the
 * head; the `committed` that it returns is called in commit order and must not wait. Where the connection broke during
 * the commit, `uncertain` is called instead: the changes may be written.
 */
export interface Collector<T> {
  prepare?(items: readonly T[], profile: string): Promise<void>
  settle?(items: readonly T[], head: Head, profile: string): Settled
}

export interface Settled {
  changes: Change[]
  committed?: () => void
  uncertain?: () => void
}

export interface Savepoint {
  head: Head
  changes: Map<string, Change>
  keys: Map<string, KeyChange>
  items: Map<Collector<unknown>, unknown[]>
  absent: { category: string; name: string }[]
}

/**
 * A unit of work on one profile: it reads what is there, gathers every change in memory, sees its own changes, and is
 * written at its end in one short transaction. Until then nothing is locked and nothing is told, so a unit can be
 * dropped, or run again when another instance was quicker, without a trace.
 */
export class Unit {
  private readonly view: Overlay
  private items = new Map<Collector<unknown>, unknown[]>()
  private open = true
  private touched = false
  /** The profile's head as this unit will leave it. */
  head: Head
  /** Set where the store failed a read: whatever came of the unit, it says nothing about its input. */
  broken: { cause: unknown } | undefined
  /** Whether something was taken to be absent without a look. */
  assumed = false
  /** What cannot be there, by what this unit inserts. */
  absent: { category: string; name: string }[] = []

  constructor(
    source: UnitSource,
    readonly profile: string,
    /** The head that the unit's reads go with. */
    readonly base: Head,
    /** Whether the store has refused what an earlier run took for granted. */
    private readonly careful = false,
  ) {
    this.head = cloneHead(base)
    this.view = new Overlay({
      fetch: async (category, name) =>
        this.isEmpty(category) ? undefined : this.reading(source.fetch(category, name)),
      query: async (category, query) => (this.isEmpty(category) ? [] : this.reading(source.query(category, query))),
      fetchKey: (name) => this.reading(source.fetchKey(name)),
      peek: (category, name) => source.peek(category, name),
    })
  }

  /** Whether there is anything to write. */
  get dirty(): boolean {
    return this.touched || this.view.changes.size + this.view.keys.size + this.items.size > 0
  }

  /** By how many bytes what this unit has changed so far makes the wallet larger; negative where it gets smaller. */
  get growth(): number {
    let growth = 0
    for (const change of this.view.changes.values()) {
      if (change.op === 'clear' || OWN_CATEGORY.test(categoryOf(change))) continue
      growth += ('entry' in change ? sizeOf(change.entry) : 0) - (change.was ?? 0)
    }
    return growth
  }

  /** How many entries of each category there are with what this unit has changed so far, where they were ever counted. */
  get counts(): Record<string, number> | undefined {
    if (!this.base.counts) return undefined
    const counts = { ...this.base.counts }
    for (const change of this.view.changes.values()) {
      const category = categoryOf(change)
      if (OWN_CATEGORY.test(category)) continue
      const more = change.op === 'insert' ? 1 : change.op === 'remove' ? -1 : 0
      counts[category] = (counts[category] ?? 0) + more
    }
    return counts
  }

  /** Whether a tenant's wallet had nothing of a category as the unit began. (The base wallet is repaired past its head.) */
  private isEmpty(category: string): boolean {
    const { counts } = this.base
    return counts !== undefined && !counts[category] && !OWN_CATEGORY.test(category) && this.profile !== BASE_PROFILE
  }

  /** How many entries of a category this unit sees. */
  async count(category: string): Promise<number> {
    return this.counts ? (this.counts[category] ?? 0) : (await this.query(category, {})).length
  }

  /** Has the head written even where nothing else is. */
  touch(): void {
    this.assertOpen()
    this.touched = true
  }

  fetch(category: string, name: string): Promise<Entry | undefined> {
    return this.view.fetch(category, name)
  }

  /**
   * The same for an entry that is hardly ever there, and that the unit inserts where it is not: nothing is read for it.
   * Where it is there after all, the store refuses it, and the unit runs again with a look.
   */
  fetchUnlikely(category: string, name: string): Promise<Entry | undefined> {
    const known = this.view.peek(category, name)
    if (known) return Promise.resolve(known.found)
    if (this.careful) return this.fetch(category, name)
    this.assumed = true
    return Promise.resolve(undefined)
  }

  /** Has it known, once this unit is written, that an entry is not there: whoever looks next is spared a read. */
  knowAbsent(category: string, name: string): void {
    this.assertOpen()
    this.absent.push({ category, name })
  }

  /** An entry that this unit itself has put there. */
  fetchOwn(category: string, name: string): Entry | undefined {
    const change = this.view.changes.get(entryKey(category, name))
    return change && 'entry' in change ? change.entry : undefined
  }

  query(category: string, query: TagQuery): Promise<Entry[]> {
    return this.view.query(category, query)
  }

  /** Adds an entry that is not there yet. */
  insert(entry: Entry): void {
    const before = this.view.changes.get(entryKey(entry.category, entry.name))
    this.change(before?.op === 'remove' ? { op: 'replace', entry, was: before.was } : { op: 'insert', entry })
  }

  /** Adds an entry to a log: see {@link Change}. */
  append(entry: Entry): void {
    this.change({ op: 'append', entry })
  }

  /** Replaces an entry that is there; its place in a list stays. @returns false where there is none */
  async replace(entry: Entry): Promise<boolean> {
    const key = entryKey(entry.category, entry.name)
    const before = await this.fetch(entry.category, entry.name)
    if (!before) return false
    const pending = this.view.changes.get(key)
    const tags = { ...reservedTags(before.tags), ...entry.tags }
    const op = pending?.op === 'insert' ? 'insert' : 'replace'
    this.change({ op, entry: { ...entry, tags }, was: storedSize(pending, before) })
    return true
  }

  /** @returns false where there is nothing to remove */
  async remove(category: string, name: string): Promise<boolean> {
    const key = entryKey(category, name)
    const before = await this.fetch(category, name)
    if (!before) return false
    this.assertOpen()
    const pending = this.view.changes.get(key)
    if (pending?.op === 'insert') this.view.changes.delete(key)
    else this.view.changes.set(key, { op: 'remove', category, name, was: storedSize(pending, before) })
    return true
  }

  /** Removes all entries of a category that match; only for categories that units do not read. */
  clear(category: string, query: TagQuery): void {
    this.assertOpen()
    this.view.changes.set(entryKey(category, JSON.stringify(query)), { op: 'clear', category, query })
  }

  fetchKey(name: string): Promise<Key | undefined> {
    return this.view.fetchKey(name)
  }

  changeKey(change: KeyChange): void {
    this.assertOpen()
    this.view.keys.set(change.name, change)
  }

  /** Hands an item to a collector; it counts when the unit commits. */
  add<T>(collector: Collector<T>, item: T): void {
    this.assertOpen()
    const items = this.items.get(collector as Collector<unknown>)
    if (items) items.push(item)
    else this.items.set(collector as Collector<unknown>, [item])
  }

  /** What a collector was handed so far. */
  gathered<T>(collector: Collector<T>): readonly T[] {
    return (this.items.get(collector as Collector<unknown>) ?? []) as T[]
  }

  savepoint(): Savepoint {
    return {
      head: cloneHead(this.head),
      changes: new Map(this.view.changes),
      keys: new Map(this.view.keys),
      items: new Map([...this.items].map(([collector, items]) => [collector, [...items]])),
      absent: [...this.absent],
    }
  }

  /** Forgets all that was gathered since. */
  restore(savepoint: Savepoint): void {
    this.head = savepoint.head
    this.view.changes = savepoint.changes
    this.view.keys = savepoint.keys
    this.items = savepoint.items
    this.absent = savepoint.absent
  }

  /** Ends the gathering: work that was left running can no longer slip something in. */
  seal(): { changes: Change[]; keys: KeyChange[]; items: Map<Collector<unknown>, unknown[]> } {
    this.open = false
    return { changes: [...this.view.changes.values()], keys: [...this.view.keys.values()], items: this.items }
  }

  private async reading<T>(read: Promise<T>): Promise<T> {
    try {
      return await read
    } catch (cause) {
      this.broken ??= { cause }
      throw cause
    }
  }

  private change(change: Extract<Change, { entry: Entry }>): void {
    this.assertOpen()
    this.view.changes.set(entryKey(change.entry.category, change.entry.name), change)
  }

  private assertOpen(): void {
    if (!this.open) throw new Error('This unit of work has ended')
  }
}

/** The size of what the store has under a name, where a unit sees `before` there, by its own `pending` change or none. */
const storedSize = (pending: Change | undefined, before: Entry) =>
  pending && pending.op !== 'clear' ? pending.was : sizeOf(before)

const current = new AsyncLocalStorage<Unit>()

/** The unit of work that the running code belongs to. */
export const currentUnit = (): Unit | undefined => current.getStore()

export const runInUnit = <T>(unit: Unit, fn: () => Promise<T>): Promise<T> => current.run(unit, fn)
