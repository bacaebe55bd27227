import type { Key } from '@openwallet-foundation/askar-shared'
import { LRUCache } from 'lru-cache'
import { type Change, categoryOf } from './change.js'
import { type Entry, entryKey, type TagQuery } from './entry.js'
import type { Head } from './head.js'
import { freeKey } from './key-forms.js'

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
  private readonly entries: LRUCache<string, { found: Entry | undefined }>
  private readonly queries = new LRUCache<string, Entry[]>({ max: QUERIES })
  private readonly keys = new LRUCache<string, Key>({ max: KEYS, dispose: freeKey })

  /** `entries`: how many it keeps. */
  constructor(entries: number) {
    this.entries = new LRUCache({ max: entries })
  }

  async entry(category: string, name: string, read: () => Promise<Entry | undefined>): Promise<Entry | undefined> {
    const key = entryKey(category, name)
    const cached = this.entries.get(key)
    if (cached) return cached.found
    const found = await read()
    this.entries.set(key, { found })
    return found
  }

  async query(category: string, query: TagQuery, read: () => Promise<Entry[]>): Promise<Entry[]> {
    const key = entryKey(category, JSON.stringify(query))
    const cached = this.queries.get(key)
    if (cached) return cached
    const found = await read()
    this.queries.set(key, found)
    for (const entry of found) this.entries.set(entryKey(category, entry.name), { found: entry })
    return found
  }

  /** A key's handle stays the cache's: whoever gets it must not free it. */
  async key(name: string, read: () => Promise<Key | undefined>): Promise<Key | undefined> {
    const cached = this.keys.get(name)
    if (cached) return cached
    const key = await read()
    if (key) this.keys.set(name, key)
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

  /** Carries a commit over. */
  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.op === 'remove') this.entries.set(entryKey(change.category, change.name), { found: undefined })
      else if (change.op === 'append') continue
      else if (change.op === 'clear') this.dropEntries(new Set([change.category]))
      else this.carry(change.entry)
    }
    this.dropQueries(new Set(changes.map(categoryOf)))
  }

  private carry(entry: Entry): void {
    const key = entryKey(entry.category, entry.name)
    if (entry.value.length > VALUE_MAX) this.entries.delete(key)
    else this.entries.set(key, { found: entry })
  }

  /** Drops what changed between two heads. */
  invalidate(from: Head, to: Head): void {
    const names = new Set([...Object.keys(from.cats), ...Object.keys(to.cats)])
    const changed = new Set([...names].filter((category) => from.cats[category] !== to.cats[category]))
    this.dropEntries(changed)
    this.dropQueries(changed)
  }

  clear(): void {
    this.entries.clear()
    this.queries.clear()
  }

  private dropEntries(categories: Set<string>): void {
    for (const key of this.entries.keys()) if (categories.has(categoryOfKey(key))) this.entries.delete(key)
  }

  private dropQueries(categories: Set<string>): void {
    for (const key of this.queries.keys()) if (categories.has(categoryOfKey(key))) this.queries.delete(key)
  }
}

const categoryOfKey = (key: string) => key.slice(0, key.indexOf('\0'))
