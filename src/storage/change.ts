import type { Key } from '@openwallet-foundation/askar-shared'
import type { Entry, TagQuery } from './entry.js'

/** `was`: the size of what a unit replaces or removes. */
export type Change =
  | { op: 'insert' | 'replace'; entry: Entry; was?: number }
  /** Adds to a log that is read by pages, `_p`, and not by name; what goes to one page at once is one row. */
  | { op: 'append'; entry: Entry; was?: number }
  | { op: 'remove'; category: string; name: string; was?: number }
  /** Removes all of a category that match; only for categories that units do not read. */
  | { op: 'clear'; category: string; query: TagQuery }

/** What the head counts removed keys under: other instances give back those that they keep. Of new ones they know nothing. */
export const REMOVED_KEYS = '_key'

export type KeyChange = { op: 'insert'; name: string; key: Key } | { op: 'remove'; name: string }

export const categoryOf = (change: Change) => ('entry' in change ? change.entry.category : change.category)
