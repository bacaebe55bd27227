import { BoundedBuffer } from '../lib/bounded-buffer.js'
import { consumerTooSlow } from '../lib/errors.js'
import type { Profile } from '../storage/profile.js'
import { decodeCursor } from './cursor.js'
import type { LoggedEvent } from './event.js'
import { lengthOf } from './event-length.js'
import type { EventHub } from './hub.js'
import { assertReadable, readLog } from './log.js'

/** How many events of the past are read at once. */
const BACKFILL = 200
/** How long all events may be together that wait for a slow reader. */
const WAITING_CHARS = 16 * 2 ** 20

export interface StreamOptions {
  profile: Profile
  /** A cursor of this log: the stream begins with what came after it. Without one it begins now. */
  after?: string
  matches: (event: LoggedEvent) => boolean
  /** How many events may wait for a slow reader. */
  capacity: number
}

/** A stream that is open, and can be ended from outside with an error for its reader. */
export interface EventStream {
  events: AsyncGenerator<LoggedEvent, void, undefined>
  end(error?: Error): void
}

/**
 * Streams a log without gap or repeat. Resolves once the stream has its place, so that whatever is committed from then
 * on will be in it.
 * @throws CURSOR_EXPIRED, BAD_USER_INPUT for a cursor that is none
 */
export async function openStream(
  hub: EventHub,
  { profile, after, matches, capacity }: StreamOptions,
): Promise<EventStream> {
  const start = after === undefined ? undefined : decodeCursor(after, profile.name, 'after')
  let leave: (() => void) | undefined
  const live = new BoundedBuffer<LoggedEvent>({
    capacity,
    weight: { most: WAITING_CHARS, of: lengthOf },
    overflow: consumerTooSlow,
    onClose: () => leave?.(),
  })

  // 1. Join the live end first: from here on everything new waits in the buffer.
  const joined = await hub.join(
    profile,
    (event) => {
      if (matches(event)) live.push(event)
    },
    (error) => live.end(error),
  )
  leave = joined.leave
  if (live.closed) joined.leave()

  async function* events(): AsyncGenerator<LoggedEvent, void, undefined> {
    try {
      // 2. Backfill: what lies between the cursor and the place where the live end was joined.
      for (let seq = start ?? joined.head.seq; seq < joined.head.seq; ) {
        const until = Math.min(seq + BACKFILL, joined.head.seq)
        const stretch = { after: seq, before: until + 1, limit: BACKFILL, whole: true, matches }
        const past = await readLog(profile, stretch, joined.head)
        for (const event of past) {
          if (live.closed) break
          yield event
        }
        if (live.closed) {
          // What waits comes after events that were not read: a reader that saw it would go on behind them.
          live.clear()
          break
        }
        seq = until
      }
      // 3. Live. The buffer begins with the very next event, and throws where the reader fell behind.
      for await (const event of live) yield event
    } finally {
      live.end()
      joined.leave()
    }
  }

  try {
    if (start !== undefined) assertReadable(joined.head, start)
  } catch (error) {
    joined.leave()
    throw error
  }
  return { events: events(), end: (error) => live.end(error) }
}
