import type { Key } from '@openwallet-foundation/askar-shared'
import type { Batch } from './batch.js'
import { type Entry, OWN_CATEGORY, type TagQuery } from './entry.js'
import { emptyHead, type Head } from './head.js'
import type { Known, UnitSource } from './overlay.js'
import { ProfileCache } from './profile-cache.js'
import { Reading } from './reading.js'
import { fetchEntry, queryEntries, readHead, readRevision } from './rows.js'
import { BASE_PROFILE } from './store.js'
import type { StoreSessions } from './store-sessions.js'

/**
 * What this process knows of one profile: the head as it last saw it, and what units of work have read under that. Its own
 * commits are carried over; what others have changed is dropped as soon as a newer head is seen.
 */
export class Picture implements UnitSource {
  private readonly reading: Reading
  private kept: ProfileCache | undefined
  private known: Head | undefined
  /** When this was last seen to be the head still (ms, of `performance.now()`). */
  private currentAt = Number.NEGATIVE_INFINITY
  /** Called where others may have changed entries since they were read here: tells of a category whether. */
  onOthers: (changed: (category: string) => boolean) => void = () => {}

  constructor(
    store: Pick<StoreSessions, 'session'>,
    private readonly name: string,
    private readonly keptEntries: number,
  ) {
    this.reading = new Reading((read) => store.session(name, read))
  }

  private get cache(): ProfileCache {
    this.kept ??= new ProfileCache(this.keptEntries)
    return this.kept
  }

  /** The head that this is the picture of; undefined where none is known. */
  get head(): Head | undefined {
    return this.known
  }

  /** Nothing was written there yet. */
  beginEmpty(): void {
    this.known = emptyHead()
  }

  isCurrent(ms: number): boolean {
    return performance.now() - this.currentAt < ms
  }

  /** It was the head still at that time (ms, of `performance.now()`). */
  seenAt(time: number): void {
    this.currentAt = time
  }

  /** The head as it is in the store now. */
  readHead(): Promise<Head> {
    return this.reading.read((session) => readHead(session))
  }

  readRevision(): Promise<number> {
    return this.reading.read((session) => readRevision(session))
  }

  /** Drops what others have changed until now. */
  async catchUp(): Promise<Head> {
    const began = performance.now()
    const head = await this.readHead()
    this.learn(head, began)
    return head
  }

  /** Takes over a head that was read at a time, and drops what others have changed until then. */
  learn(head: Head, readAt: number): void {
    const { known = emptyHead() } = this
    this.known = head
    this.currentAt = readAt
    if (head.rev === known.rev) return
    const changed = (category: string) => known.cats[category] !== head.cats[category]
    this.kept?.invalidate(changed)
    this.onOthers(changed)
  }

  /** Takes over what was written. */
  carryOver({ head, changes, keys, absent }: Pick<Batch, 'head' | 'changes' | 'keys' | 'absent'>): void {
    this.known = head
    for (const { category, name } of absent) this.cache.knowAbsent(category, name)
    this.cache.apply(changes)
    for (const change of keys) {
      if (change.op === 'insert') this.cache.setKey(change.name, change.key)
      else this.cache.dropKey(change.name)
    }
  }

  /** Forgets everything that was read. */
  forget(): void {
    this.known = undefined
    this.kept?.clear()
    this.onOthers(() => true)
  }

  /** Gives back the memory and the keys that an open wallet holds. */
  close(): void {
    this.known = undefined
    this.kept?.dropKeys()
    this.kept = undefined
  }

  fetch(category: string, name: string): Promise<Entry | undefined> {
    return this.cache.entry(category, name, () => this.reading.read((session) => fetchEntry(session, category, name)))
  }

  query(category: string, query: TagQuery): Promise<Entry[]> {
    return this.cache.query(category, query, this.countOf(category), () =>
      this.reading.read((session) => queryEntries(session, category, query)),
    )
  }

  peek(category: string, name: string): Known | undefined {
    return this.kept?.peek(category, name)
  }

  fetchKey(name: string): Promise<Key | undefined> {
    return this.cache.key(name, () =>
      this.reading.read(async (session) => (await session.fetchKey({ name }))?.key ?? undefined),
    )
  }

  /** How many entries of a category there are, where that is counted: see `Unit`. */
  private countOf(category: string): number | undefined {
    if (this.name === BASE_PROFILE || OWN_CATEGORY.test(category) || !this.known?.counts) return undefined
    return this.known.counts[category] ?? 0
  }
}
