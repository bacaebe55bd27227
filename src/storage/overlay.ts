import type { Key } from '@openwallet-foundation/askar-shared'
import { type Change, categoryOf, type KeyChange } from './change.js'
import { type Entry, entryKey, type TagQuery } from './entry.js'
import { matchesTags } from './tag-match.js'

/** Reads from the profile that a unit works on, as it was when the unit began. */
export interface UnitSource {
  fetch(category: string, name: string): Promise<Entry | undefined>
  query(category: string, query: TagQuery): Promise<Entry[]>
  fetchKey(name: string): Promise<Key | undefined>
  /** What is known of an entry without a look into the store; undefined where nothing is. */
  peek(category: string, name: string): Known | undefined
}

export interface Known {
  found: Entry | undefined
}

/** What is there with changes that are not written yet. */
export class Overlay implements UnitSource {
  changes = new Map<string, Change>()
  keys = new Map<string, KeyChange>()

  constructor(private readonly source: UnitSource) {}

  async fetch(category: string, name: string): Promise<Entry | undefined> {
    const change = this.changes.get(entryKey(category, name))
    if (change) return 'entry' in change ? change.entry : undefined
    return this.source.fetch(category, name)
  }

  peek(category: string, name: string): Known | undefined {
    const change = this.changes.get(entryKey(category, name))
    if (change) return { found: 'entry' in change ? change.entry : undefined }
    return this.source.peek(category, name)
  }

  async query(category: string, query: TagQuery): Promise<Entry[]> {
    const stored = await this.source.query(category, query)
    const changed = [...this.changes.values()].filter((change) => categoryOf(change) === category)
    if (changed.length === 0) return stored
    const kept = stored.filter(({ name }) => !this.changes.has(entryKey(category, name)))
    const own = changed.flatMap((change) => ('entry' in change ? [change.entry] : []))
    return [...kept, ...own.filter(({ tags }) => matchesTags(tags, query))]
  }

  async fetchKey(name: string): Promise<Key | undefined> {
    const change = this.keys.get(name)
    if (change) return change.op === 'insert' ? change.key : undefined
    return this.source.fetchKey(name)
  }
}
