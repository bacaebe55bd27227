import type { Session } from '@openwallet-foundation/askar-shared'
import { handleOf, readEntry, readEntryList, readValue, type StoredEntry, shared } from '../askar/index.js'
import { askable, setAside } from './aside.js'
import type { Change, KeyChange } from './change.js'
import type { Entry, TagQuery, Tags } from './entry.js'
import { ConflictError } from './errors.js'
import { emptyHead, HEAD_CATEGORY, HEAD_NAME, type Head, headFrom } from './head.js'
import { isText, matchesTags } from './tag-match.js'

/** Askar's error codes. */
const DUPLICATE = 3
const NOT_FOUND = 6

/** Whether Askar has refused to insert what is there already. */
export const isDuplicate = (error: unknown) => (error as { code?: number } | undefined)?.code === DUPLICATE

/** Askar's `EntryOperation`. */
const OPERATIONS = { insert: 0, replace: 1 } as const

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

/** An entry as it lies in the store. */
export type Row = StoredEntry

/** An entry as it was written; before format 3 all of its place was in tags, and before format 4 all of its tags. */
export function entryFrom(row: Row): Entry {
  const { category, name, value } = row
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
  const text = await readHeadText(session, forUpdate)
  return text === null ? emptyHead() : headFrom(text)
}

const readHeadText = async (session: Session, forUpdate: boolean) =>
  readValue(
    await shared.askar.sessionFetch({
      sessionHandle: handleOf(session),
      category: HEAD_CATEGORY,
      name: HEAD_NAME,
      forUpdate,
    }),
  )

const REVISION = /^\{"rev":(\d+),/

/** The revision of a profile's head alone: the rest of its text, thousands of characters, is not parsed for it. */
export async function readRevision(session: Session, forUpdate = false): Promise<number> {
  const text = await readHeadText(session, forUpdate)
  if (text === null) return emptyHead().rev
  const found = REVISION.exec(text)?.[1]
  return found === undefined ? headFrom(text).rev : Number(found)
}

/** One entry; undefined where there is none. */
export async function fetchEntry(session: Session, category: string, name: string): Promise<Entry | undefined> {
  // Names are C strings: none has a NUL, whatever a client asks for.
  if (name.includes('\0')) return undefined
  const row = readEntry(
    await shared.askar.sessionFetch({ sessionHandle: handleOf(session), category, name, forUpdate: false }),
  )
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
  if (asked === tagFilter) return (await fetchRows(session, { category, tagFilter, limit })).map(entryFrom)
  const rows = await fetchRows(session, { category, tagFilter: asked })
  return rows
    .map(entryFrom)
    .filter(({ tags }) => matchesTags(tags, tagFilter))
    .slice(0, limit)
}

/** Rows as they lie in the store. */
export async function fetchRows(
  session: Session,
  query: { category?: string; tagFilter?: TagQuery; limit?: number },
): Promise<Row[]> {
  return readEntryList(
    await shared.askar.sessionFetchAll({
      ...query,
      sessionHandle: handleOf(session),
      forUpdate: false,
    } as Parameters<typeof shared.askar.sessionFetchAll>[0]),
  )
}

/** Writes one change. */
export async function applyChange(session: Session, change: Exclude<Change, { op: 'append' }>): Promise<void> {
  if (change.op === 'clear') return session.removeAll({ category: change.category, tagFilter: change.query })
  if (change.op === 'remove') return remove(session, change)
  return writeRow(session, change.op, rowOf(change.entry))
}

function writeRow(session: Session, op: 'insert' | 'replace', { category, name, value, tags }: Entry): Promise<void> {
  return shared.askar.sessionUpdate({
    sessionHandle: handleOf(session),
    operation: OPERATIONS[op],
    category,
    name,
    value: Buffer.from(value),
    tags,
  })
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
  const entry = { category: HEAD_CATEGORY, name: HEAD_NAME, value: JSON.stringify(head), tags: {} }
  if (rev > 0) return writeRow(session, 'replace', entry)
  try {
    await writeRow(session, 'insert', entry)
  } catch (error) {
    throw isDuplicate(error) ? new ConflictError() : error
  }
}
