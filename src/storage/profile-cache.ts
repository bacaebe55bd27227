import type { Key } from '@openwallet-foundation/askar-shared'
import { LRUCache } from 'lru-cache'
import { type Change, categoryOf, REMOVED_KEYS } from './change.js'
import { type Entry, entryKey, type TagQuery } from './entry.js'
import { freeKey } from './key-forms.js'
import type { Known } from './overlay.js'
import { matchesTags } from './tag-match.js'

/** How much of a wallet is kept in memory while it is open. */
export const WALLET_ENTRIES = 200
const QUERIES = 200
const KEYS = 200
/** Longer values (characters) are not kept. */
const VALUE_MAX = 64 * 1024

/**
 * What units of work have read from one profile. It is one consistent picture, that of the last known head: own
 * commits are carried over into it, and what other instances changed is dropped, category by category.
 */
export class ProfileCache {
  private readonly entries: LRUCache<string, Known>
  /** Keys of the entries that are there, by category. */
  private readonly present = new Map<string, Set<string>>()
  private readonly queries = new LRUCache<string, Entry[]>({ max: QUERIES })
  private readonly keys = new LRUCache<string, Key>({ max: KEYS, dispose: freeKey })
  /** Grows with each change of the picture: what was read before one does not belong to it. */
  private changes = 0

  /** `entries`: how many it keeps. */
  constructor(entries: number) {
    this.entries = new LRUCache({
      max: entries,
      dispose: (_known, key, reason) => {
        if (reason !== 'set') this.present.get(categoryOfKey(key))?.delete(key)
      },
    })
  }

  async entry(category: string, name: string, read: () => Promise<Entry | undefined>): Promise<Entry | undefined> {
    const key = entryKey(category, name)
    const cached = this.entries.get(key)
    if (cached) return cached.found
    const { changes } = this
    const found = await read()
    if (changes === this.changes) this.keep(key, category, found)
    return found
  }

  peek(category: string, name: string): Known | undefined {
    return this.entries.get(entryKey(category, name))
  }

  /** `count`: how many entries the category has, where that is known. */
  async query(
    category: string,
    query: TagQuery,
    count: number | undefined,
    read: () => Promise<Entry[]>,
  ): Promise<Entry[]> {
    const key = entryKey(category, JSON.stringify(query))
    const cached = this.queries.get(key)
    if (cached) return cached
    const answer = this.answer(category, query, count)
    const { changes } = this
    const found = answer ?? (await read())
    if (changes !== this.changes) return found
    this.queries.set(key, found)
    if (!answer) for (const entry of found) this.keep(entryKey(category, entry.name), category, entry)
    return found
  }

  /** Answers a query of a category that is here as a whole. */
  private answer(category: string, query: TagQuery, count: number | undefined): Entry[] | undefined {
    const keys = this.present.get(category)
    if (count === undefined || count !== (keys?.size ?? 0)) return undefined
    return [...(keys ?? [])]
      .flatMap((key) => this.entries.peek(key)?.found ?? [])
      .filter(({ tags }) => matchesTags(tags, query))
  }

  private keep(key: string, category: string, found: Entry | undefined): void {
    this.entries.set(key, { found })
    if (!found) return void this.present.get(category)?.delete(key)
    const keys = this.present.get(category)
    if (keys) keys.add(key)
    else this.present.set(category, new Set([key]))
  }

  /** A key's handle stays the cache's: whoever gets it must not free it. */
  async key(name: string, read: () => Promise<Key | undefined>): Promise<Key | undefined> {
    const cached = this.keys.get(name)
    if (cached) return cached
    const { changes } = this
    const key = await read()
    if (key && changes === this.changes) this.keys.set(name, key)
    return key
  }

  setKey(name: string, key: Key): void {
    this.keys.set(name, key)
  }

  dropKey(name: string): void {
    this.keys.delete(name)
  }

  dropKeys(): void {
    this.keys.clear()
  }

  knowAbsent(category: string, name: string): void {
    this.keep(entryKey(category, name), category, undefined)
  }

  /** Carries a commit over. */
  apply(changes: readonly Change[]): void {
    this.changes += 1
    for (const change of changes) {
      if (change.op === 'remove') this.keep(entryKey(change.category, change.name), change.category, undefined)
      else if (change.op === 'append') continue
      else if (change.op === 'clear') this.dropEntries((category) => category === change.category)
      else this.carry(change.entry)
    }
    const changed = new Set(changes.map(categoryOf))
    this.dropQueries((category) => changed.has(category))
  }

  private carry(entry: Entry): void {
    const key = entryKey(entry.category, entry.name)
    if (entry.value.length > VALUE_MAX) this.entries.delete(key)
    else this.keep(key, entry.category, entry)
  }

  /** Drops what others have changed. */
  invalidate(changed: (category: string) => boolean): void {
    this.changes += 1
    this.dropEntries(changed)
    this.dropQueries(changed)
    if (changed(REMOVED_KEYS)) this.dropKeys()
  }

  clear(): void {
    this.changes += 1
    this.entries.clear()
    this.queries.clear()
  }

  private dropEntries(isGone: (category: string) => boolean): void {
    for (const key of this.entries.keys()) if (isGone(categoryOfKey(key))) this.entries.delete(key)
  }

  private dropQueries(isGone: (category: string) => boolean): void {
    for (const key of this.queries.keys()) if (isGone(categoryOfKey(key))) this.queries.delete(key)
  }
}

const categoryOfKey = (key: string) => key.slice(0, key.indexOf('\0'))
