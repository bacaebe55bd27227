import type { Session } from '@openwallet-foundation/askar-shared'
import type { Change, KeyChange } from './change.js'
import type { Entry, TagQuery, Tags } from './entry.js'
import { ConflictError } from './errors.js'
import { emptyHead, HEAD_CATEGORY, HEAD_NAME, type Head, headFrom } from './head.js'
import { isText } from './tag-match.js'

/** Askar's error codes. */
const DUPLICATE = 3
const NOT_FOUND = 6

/** Texts of objects, and what stands in front of those of entries that have a place in a list. */
const OBJECT = '{"'
const NUMBER = /^\{"_n":(\d+),/

/**
 * An entry as it is written. Each tag costs a statement of its own, in either database, so what nobody looks for by
 * itself, the number in a list, goes with the value where that is the text of an object.
 */
export function rowOf(entry: Entry): Entry {
  const { _n: number, ...tags } = entry.tags
  if (number === undefined || !entry.value.startsWith(OBJECT)) return entry
  return { ...entry, value: `{"_n":${number},${entry.value.slice(1)}`, tags }
}

/** An entry as it was written; before format 3 all of its place was in tags. */
export function entryFrom(row: { category: string; name: string; value: unknown; tags?: object }): Entry {
  const { category, name } = row
  const value = row.value as string
  const tags = (row.tags ?? {}) as Tags
  const found = NUMBER.exec(value)
  if (!found) return { category, name, value, tags }
  return { category, name, value: `{${value.slice(found[0].length)}`, tags: { ...tags, _n: found[1] as string } }
}

/** The head of a profile, an empty one where nothing was written yet. */
export async function readHead(session: Session, forUpdate = false): Promise<Head> {
  const row = await session.fetch({ category: HEAD_CATEGORY, name: HEAD_NAME, forUpdate })
  return row ? headFrom(row.value as string) : emptyHead()
}

/** One entry; undefined where there is none. */
export async function fetchEntry(session: Session, category: string, name: string): Promise<Entry | undefined> {
  // Names are C strings: none has a NUL, whatever a client asks for.
  if (name.includes('\0')) return undefined
  const row = await session.fetch({ category, name })
  return row ? entryFrom(row) : undefined
}

/** All entries that match. */
export async function queryEntries(
  session: Session,
  category: string,
  tagFilter: TagQuery,
  limit?: number,
): Promise<Entry[]> {
  if (!isText(tagFilter)) return []
  const rows = await session.fetchAll({ category, tagFilter, limit })
  return rows.map(entryFrom)
}

/** Writes one change. */
export async function applyChange(session: Session, change: Change): Promise<void> {
  if (change.op === 'clear') return session.removeAll({ category: change.category, tagFilter: change.query })
  if (change.op === 'remove') return remove(session, change)
  const row = rowOf(change.entry)
  return change.op === 'insert' ? session.insert(row) : session.replace(row)
}

/** What is gone already is as it should be. */
async function remove(session: Session, { category, name }: { category: string; name: string }): Promise<void> {
  try {
    await session.remove({ category, name })
  } catch (error) {
    if ((error as { code?: number }).code !== NOT_FOUND) throw error
  }
}

/** Writes one change of a key. */
export async function applyKey(session: Session, change: KeyChange): Promise<void> {
  if (change.op === 'insert') await session.insertKey({ name: change.name, key: change.key })
  else await session.removeKey({ name: change.name })
}

/** Writes the head over the one of `rev`. @throws ConflictError where two instances write to a new profile at once */
export async function writeHead(session: Session, rev: number, head: Head): Promise<void> {
  const entry = { category: HEAD_CATEGORY, name: HEAD_NAME, value: JSON.stringify(head) }
  if (rev > 0) return session.replace(entry)
  try {
    await session.insert(entry)
  } catch (error) {
    throw (error as { code?: number }).code === DUPLICATE ? new ConflictError() : error
  }
}
