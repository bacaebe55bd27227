import type { Session } from '@openwallet-foundation/askar-shared'
import { askable, setAside } from './aside.js'
import type { Change, KeyChange } from './change.js'
import type { Entry, TagQuery, Tags } from './entry.js'
import { ConflictError } from './errors.js'
import { emptyHead, HEAD_CATEGORY, HEAD_NAME, type Head, headFrom } from './head.js'
import { isText, matchesTags } from './tag-match.js'

/** Askar's error codes. */
const DUPLICATE = 3
const NOT_FOUND = 6

/** Texts of objects, and what stands in front of those: the place in a list, and tags that lie aside. */
const OBJECT = '{"'
const BESIDE = /^\{(?:"_n":(\d+),)?(?:"_t":(\[(?:"(?:[^"\\]|\\.)*",?)*\]),)?/

/**
 * An entry as it is written. Each tag costs a statement of its own, in either database, so what nobody looks for by
 * itself, the number in a list, goes with the value where that is the text of an object.
 */
export function rowOf(entry: Entry): Entry {
  if (!entry.value.startsWith(OBJECT)) return entry
  const { asked, aside } = setAside(entry) ?? { asked: entry.tags, aside: [] }
  const { _n: number, ...tags } = asked
  const place = number === undefined ? '' : `"_n":${number},`
  const beside = aside.length === 0 ? '' : `"_t":${JSON.stringify(aside.flat())},`
  return { ...entry, value: `{${place}${beside}${entry.value.slice(1)}`, tags }
}

/** An entry as Askar gives it. */
export interface Row {
  category: string
  name: string
  value: unknown
  tags?: object
}

/** An entry as it was written; before format 3 all of its place was in tags, and before format 4 all of its tags. */
export function entryFrom(row: Row): Entry {
  const { category, name } = row
  const value = row.value as string
  const tags: Tags = { ...row.tags }
  const [beside = '', number, aside] = BESIDE.exec(value) ?? []
  if (beside.length <= 1) return { category, name, value, tags }
  if (number !== undefined) tags['_n'] = number
  const found: string[] = aside === undefined ? [] : JSON.parse(aside)
  for (let index = 0; index < found.length; index += 2) tags[found[index] as string] = found[index + 1] as string
  return { category, name, value: `{${value.slice(beside.length)}`, tags }
}

/** The head of a profile, an empty one where nothing was written yet. */
export async function readHead(session: Session, forUpdate = false): Promise<Head> {
  const row = await session.fetch({ category: HEAD_CATEGORY, name: HEAD_NAME, forUpdate })
  return row ? headFrom(row.value as string) : emptyHead()
}

const REVISION = /^\{"rev":(\d+),/

/** The revision of a profile's head alone: the rest of its text, thousands of characters, is not parsed for it. */
export async function readRevision(session: Session, forUpdate = false): Promise<number> {
  const row = await session.fetch({ category: HEAD_CATEGORY, name: HEAD_NAME, forUpdate })
  if (!row) return emptyHead().rev
  const found = REVISION.exec(row.value as string)?.[1]
  return found === undefined ? headFrom(row.value as string).rev : Number(found)
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
  const asked = askable(category, tagFilter)
  if (asked === tagFilter) return (await session.fetchAll({ category, tagFilter, limit })).map(entryFrom)
  const rows = await session.fetchAll({ category, tagFilter: asked })
  return rows
    .map(entryFrom)
    .filter(({ tags }) => matchesTags(tags, tagFilter))
    .slice(0, limit)
}

/** Writes one change. */
export async function applyChange(session: Session, change: Exclude<Change, { op: 'append' }>): Promise<void> {
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
