import type { Session } from '@openwallet-foundation/askar-shared'
import type { Change, KeyChange } from './change.js'
import type { Entry, TagQuery, Tags } from './entry.js'
import { ConflictError } from './errors.js'
import { emptyHead, HEAD_CATEGORY, HEAD_NAME, type Head, headFrom } from './head.js'
import { isText } from './tag-match.js'

/** Askar's error codes. */
const DUPLICATE = 3
const NOT_FOUND = 6

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
  return row ? { category, name, value: row.value as string, tags: (row.tags ?? {}) as Tags } : undefined
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
  return rows.map((row) => ({ category, name: row.name, value: row.value as string, tags: (row.tags ?? {}) as Tags }))
}

/** Writes one change. */
export async function applyChange(session: Session, change: Change): Promise<void> {
  if (change.op === 'clear') return session.removeAll({ category: change.category, tagFilter: change.query })
  if (change.op === 'remove') return remove(session, change)
  return change.op === 'insert' ? session.insert(change.entry) : session.replace(change.entry)
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
