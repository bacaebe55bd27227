import { randomUUID } from 'node:crypto'
import type { Session } from '@openwallet-foundation/askar-shared'
import { cursorExpired } from '../lib/errors.js'
import type { Change } from '../storage/change.js'
import type { Head } from '../storage/head.js'
import type { Profile } from '../storage/profile.js'
import { fetchRows } from '../storage/rows.js'
import type { Collector } from '../storage/unit.js'
import type { EventDraft, LoggedEvent } from './event.js'

/**
 * The log of a profile: one row a commit, holding the events of that commit, named by the first one's sequence and
 * tagged by page. Sequences have no gaps and follow the order of commits; a page is read, and later dropped, as a whole.
 */
const CATEGORY = '_event'
const PAGE = 100

const pageOf = (seq: number) => Math.floor(seq / PAGE)
const pageTag = (page: number) => `${page}`

export interface JournalOptions {
  /** Called with what is committed, in commit order. */
  publish: (log: string, events: LoggedEvent[]) => void
  /** Called where it is not known whether events were committed. */
  uncertain: (log: string) => void
  prepare?: Collector<EventDraft>['prepare']
}

/** Writes a unit's events in its transaction. */
export function journal({ publish, uncertain, prepare }: JournalOptions): Collector<EventDraft> {
  return {
    prepare,
    settle(drafts, head, profile) {
      const now = new Date().toISOString()
      const events = drafts.map((draft) => ({ id: randomUUID(), occurredAt: now, ...draft, seq: ++head.seq }))
      return {
        changes: events.map(append),
        committed: () => publish(profile, events),
        uncertain: () => uncertain(profile),
      }
    },
  }
}

const append = (event: LoggedEvent): Change => ({
  op: 'append',
  entry: {
    category: CATEGORY,
    name: `${event.seq}`,
    value: JSON.stringify(event),
    tags: { _p: pageTag(pageOf(event.seq)), ...lifecycleTags(event) },
  },
})

const lifecycleTag = (tenantId: string, lifecycle: number) => `${tenantId}/${lifecycle}`

const lifecycleTags = ({ tenantId, lifecycle }: LoggedEvent): { _l?: string } =>
  lifecycle ? { _l: lifecycleTag(tenantId, lifecycle) } : {}

/** Finds a tenant's own event in the base log, while it is kept. */
export async function findLifecycle(
  base: Profile,
  tenantId: string,
  lifecycle: number,
): Promise<LoggedEvent | undefined> {
  const [entry] = await base.query(CATEGORY, { _l: lifecycleTag(tenantId, lifecycle) })
  const events = entry ? (JSON.parse(entry.value) as LoggedEvent[]) : []
  return events.find((event) => event.tenantId === tenantId && event.lifecycle === lifecycle)
}

export interface LogQuery {
  /** Only events after this sequence, and before that. */
  after: number
  before?: number
  limit: number
  /** The newest first. */
  reverse?: boolean
  /** Refuses where a part of what is read was trimmed meanwhile: whoever asks has a place that it goes on after. */
  whole?: boolean
  matches?: (event: LoggedEvent) => boolean
}

/**
 * Reads a stretch of a log, in its order or the reverse.
 * @throws CURSOR_EXPIRED where it has to be whole and is not
 */
export function readLog(
  profile: Profile,
  { after, before, limit, reverse, whole, matches }: LogQuery,
  head: Head,
): Promise<LoggedEvent[]> {
  const low = Math.max(after + 1, head.first)
  const high = Math.min((before ?? head.seq + 1) - 1, head.seq)
  return profile.read(async (session) => {
    const found: LoggedEvent[] = []
    for (const page of pagesBetween(low, high, reverse)) {
      const [from, to] = [Math.max(low, page * PAGE), Math.min(high, (page + 1) * PAGE - 1)]
      const events = (await readPage(session, page)).filter(({ seq }) => seq >= from && seq <= to)
      // The head was read before: what it says is kept may be gone by now. Sequences have no gaps of themselves.
      if (whole && events.length <= to - from) throw cursorExpired()
      const wanted = matches ? events.filter(matches) : events
      found.push(...(reverse ? wanted.reverse() : wanted))
      if (found.length >= limit) break
    }
    return found.slice(0, limit)
  })
}

function pagesBetween(low: number, high: number, reverse = false): number[] {
  if (low > high) return []
  const pages = Array.from({ length: pageOf(high) - pageOf(low) + 1 }, (_, index) => pageOf(low) + index)
  return reverse ? pages.reverse() : pages
}

async function readPage(session: Session, page: number): Promise<LoggedEvent[]> {
  const rows = await fetchRows(session, { category: CATEGORY, tagFilter: { _p: pageTag(page) } })
  return rows.flatMap((row) => JSON.parse(row.value) as LoggedEvent[]).sort((a, b) => a.seq - b.seq)
}

/**
 * Whether a reader can go on after `seq`.
 * @throws CURSOR_EXPIRED where the events after it are no longer all there, or it was never reached
 */
export function assertReadable(head: Head, seq: number): void {
  if (seq < head.first - 1 || seq > head.seq) throw cursorExpired()
}

/** Drops whole pages whose events are all older than `retentionMs`. */
export async function trimLog(profile: Profile, retentionMs: number): Promise<void> {
  const cutoff = new Date(Date.now() - retentionMs).toISOString()
  const head = await profile.head()
  const old: number[] = []
  for (let page = pageOf(head.first); page < pageOf(head.seq); page++) {
    const events = await profile.read((session) => readPage(session, page))
    // Any of them, not the last: one that is copied from elsewhere is older than those before it.
    if (events.some(({ occurredAt }) => occurredAt >= cutoff)) break
    old.push(page)
  }
  if (old.length === 0) return
  await profile.transact(async (unit) => {
    for (const page of old) unit.clear(CATEGORY, { _p: pageTag(page) })
    unit.head.first = Math.max(unit.head.first, ((old.at(-1) ?? 0) + 1) * PAGE)
  })
}
