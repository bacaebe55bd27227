import type { Session } from '@openwallet-foundation/askar-shared'
import type { Entry, TagQuery, Tags } from './entry.js'
import type { Head } from './head.js'
import { listedIn } from './joined.js'
import { fetchRows } from './rows.js'
import { isText, matchesTags } from './tag-match.js'

/**
 * Askar can neither order by a tag nor compare encrypted ones, so a list keeps its own order: each entry gets the next
 * number of its list when it is first written, and carries it, as `_n`, with a tag `_p` for its page of a hundred. A page
 * of the list is then one equality query, and a block of ten thousand one query for its hundred pages, whatever the list's
 * length.
 */
const PAGE = 100
const BLOCK = 10_000

/**
 * How many pages are looked at one by one before blocks are asked for as a whole. A page is read
 * without the filter, which is applied here: the store would first find all that fits, in the whole list, and a filter
 * that fits many would cost more than the page. What fits few is found by the block.
 */
const TRIED_PAGES = 2

/**
 * Gives an entry its place at the end of a list. @returns the tags that hold it, and its creation time (ms): made later
 * where needed, so that the order of the list is the order of creation times, without ties
 */
export function placeInList(head: Head, list: string, createdAt: number): { tags: Tags; createdAt: number } {
  const last = head.lists[list] ?? { n: 0, at: 0 }
  const next = { n: last.n + 1, at: Math.max(createdAt, last.at + 1) }
  head.lists[list] = next
  const tags = {
    _n: `${next.n}`,
    _p: `${list}/${Math.floor(next.n / PAGE)}`,
  }
  return { tags, createdAt: next.at }
}

/** An entry with its place. */
export interface Listed {
  n: number
  entry: Entry
}

export interface ListQuery {
  category: string
  list: string
  /** Only entries with these tags. */
  filter: TagQuery
  /** At most so many, in order: from the lowest number up, or with `reverse` from the highest down. */
  limit: number
  reverse?: boolean
  /** Only numbers above `after` and below `before`. */
  after?: number
  before?: number
}

/** Reads a stretch of a list. `last` is the list's highest number, from the head. */
export async function readList(session: Session, query: ListQuery, last: number): Promise<Listed[]> {
  const low = (query.after ?? 0) + 1
  const high = Math.min(query.before ?? last + 1, last + 1) - 1
  const found: Listed[] = []
  const unfiltered = Object.keys(query.filter).length === 0
  let tried = 0
  for (const block of steps(low, high, BLOCK, query.reverse)) {
    let [from, to] = [Math.max(low, block * BLOCK), Math.min(high, block * BLOCK + BLOCK - 1)]
    let asked = unfiltered
    for (const page of steps(from, to, PAGE, query.reverse)) {
      if (tried >= TRIED_PAGES && !asked) {
        asked = true
        // What is left of the block, all at once, unless it is too much.
        const pages = [...steps(from, to, PAGE)].map((number) => `${query.list}/${number}`)
        const inBlock = await readStretch(session, query, query.filter, { _p: { $in: pages } }, 2 * PAGE)
        if (inBlock) {
          take(found, inBlock, query, from, to)
          break
        }
      }
      tried += 1
      const inPage = (await readStretch(session, query, {}, { _p: `${query.list}/${page}` }, PAGE)) ?? []
      take(
        found,
        inPage.filter(({ entry }) => matchesTags(entry.tags, query.filter)),
        query,
        from,
        to,
      )
      if (found.length >= query.limit) break
      if (query.reverse) to = Math.min(to, page * PAGE - 1)
      else from = Math.max(from, page * PAGE + PAGE)
    }
    if (found.length >= query.limit) break
  }
  return found.slice(0, query.limit)
}

/** The entries of one stretch that match; nothing where they are more than `most`. */
async function readStretch(
  session: Session,
  { category }: ListQuery,
  filter: TagQuery,
  stretch: TagQuery,
  most: number,
): Promise<Listed[] | undefined> {
  if (!isText(filter)) return []
  const rows = await fetchRows(session, { category, tagFilter: { $and: [filter, stretch] }, limit: most + 1 })
  if (rows.length > most) return undefined
  return rows
    .flatMap(listedIn)
    .filter(({ tags }) => matchesTags(tags, filter))
    .map((entry) => ({ n: Number(entry.tags['_n']), entry }))
}

function take(found: Listed[], rows: Listed[], query: ListQuery, low: number, high: number): void {
  const direction = query.reverse ? -1 : 1
  found.push(...rows.filter(({ n }) => n >= low && n <= high).sort((a, b) => direction * (a.n - b.n)))
}

function* steps(low: number, high: number, size: number, reverse = false): Generator<number> {
  if (low > high) return
  const first = Math.floor(low / size)
  const last = Math.floor(high / size)
  if (reverse) for (let step = last; step >= first; step--) yield step
  else for (let step = first; step <= last; step++) yield step
}
