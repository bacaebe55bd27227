/**
 * The one record of a profile that every writing transaction locks and rewrites. What it counts is therefore counted
 * in commit order, on every instance.
 */
export interface Head {
  /** Grows by one with each writing transaction. */
  rev: number
  /** Revision of each category at its last change; a cached read is good while its category's revision stands. */
  cats: Record<string, number>
  /** The last event's sequence, and the first that is still kept. */
  seq: number
  first: number
  /** For each list, the last place given and the creation time (ms) that went with it. */
  lists: Record<string, { n: number; at: number }>
  /** How many of the tenant's lifecycle events, which are written with the base wallet, have been copied here. */
  lifecycle: number
  /** The last place given in the outbox. */
  out: number
  /** The last place given to a message for a peer without an endpoint. */
  held: number
  /** Which instance sends what waits in the outbox, and until when (ms since the epoch). */
  lease?: { owner: string; until: number }
  /** How large the wallet is: see `sizeOf`. Absent where it was never counted. */
  bytes?: number
  /** How many entries of each category the wallet has. Absent where they were never counted. */
  counts?: Record<string, number>
  /** The last message of the sealed queue that was handled, and the last whose event has joined the log. */
  queue: { handled: number; told: number }
  /** Set while the wallet moves to another place: nothing is written here any more. */
  fence?: string
  /** Digests of the newest inbound envelopes, newest last: a repeat is answered without being handled again. */
  seen: string[]
}

export const HEAD_CATEGORY = '_head'
export const HEAD_NAME = 'head'

/** How many digests of inbound envelopes a profile remembers. */
export const SEEN_MAX = 128

export function emptyHead(): Head {
  return {
    rev: 0,
    cats: {},
    seq: 0,
    first: 1,
    lists: {},
    lifecycle: 0,
    out: 0,
    held: 0,
    bytes: 0,
    counts: {},
    queue: { handled: 0, told: 0 },
    seen: [],
  }
}

/** A head from its text, with what versions that wrote it did not know yet; what they did not count stays uncounted. */
export function headFrom(text: string): Head {
  return { ...emptyHead(), bytes: undefined, counts: undefined, ...(JSON.parse(text) as Head) }
}

export function cloneHead(head: Head): Head {
  return {
    ...head,
    cats: { ...head.cats },
    lists: { ...head.lists },
    counts: head.counts && { ...head.counts },
    queue: { ...head.queue },
    seen: [...head.seen],
  }
}
