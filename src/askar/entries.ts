import type { Askar, EntryListHandle } from '@openwallet-foundation/askar-shared'
import { shared } from './shared.js'

/** A record as it lies in the store, its value read as UTF-8. */
export interface StoredEntry {
  category: string
  name: string
  value: string
  /** A tag that is set more than once has a list. */
  tags: Record<string, string | string[]>
}

/** What a binding has that can read an entry, or a whole list, without going through a handle's accessors. */
export interface EntryReader {
  readEntry(handle: EntryListHandle): StoredEntry
  /** The value of one entry alone. */
  readValue(handle: EntryListHandle): string
  readEntries(handle: EntryListHandle): StoredEntry[]
}

/**
 * Reads the record that `sessionFetch` found, and frees the handle.
 *
 * @returns null for the null that `sessionFetch` gives when there is no such record
 */
export function readEntry(handle: EntryListHandle | null): StoredEntry | null {
  return handle && reading(handle, (reader) => reader.readEntry(handle))
}

/** The same of its value alone. */
export function readValue(handle: EntryListHandle | null): string | null {
  return handle && reading(handle, (reader) => reader.readValue(handle))
}

/** Reads all records of a `sessionFetchAll` or of one `scanNext`, and frees the handle. */
export function readEntryList(handle: EntryListHandle | null): StoredEntry[] {
  return handle ? reading(handle, (reader) => reader.readEntries(handle)) : []
}

function reading<Result>(handle: EntryListHandle, read: (reader: EntryReader) => Result): Result {
  try {
    return read(isEntryReader(shared.askar) ? shared.askar : byAccessors)
  } finally {
    handle.free()
  }
}

function isEntryReader(askar: Askar | EntryReader): askar is EntryReader {
  return 'readEntries' in askar
}

const byAccessors: EntryReader = {
  readEntry: (handle) => entryAt(handle, 0),
  readValue: (handle) => textOf(handle.getValue(0)),
  readEntries: (handle) =>
    Array.from({ length: shared.askar.entryListCount({ entryListHandle: handle }) }, (_, index) =>
      entryAt(handle, index),
    ),
}

const textOf = (value: Uint8Array) => Buffer.from(value).toString()

function entryAt(handle: EntryListHandle, index: number): StoredEntry {
  const tags = handle.getTags(index)
  return {
    category: handle.getCategory(index),
    name: handle.getName(index),
    value: textOf(handle.getValue(index)),
    tags: tags ? (JSON.parse(tags) as StoredEntry['tags']) : {},
  }
}
