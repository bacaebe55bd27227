import type { Outgoing } from './outbox.js'
import type { Failure } from './post.js'

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 60_000
/** The longest that a peer may ask for by Retry-After. */
const RETRY_AFTER_MAX_MS = 60 * 60_000
/** How often a peer may refuse a message (4xx) before it is given up. */
const REFUSALS_MAX = 5

/** How long until the next try: as the peer asks, but never past the time when the message is given up. */
export function pauseMs({ at }: Outgoing, attempts: number, { retryAfterMs = 0 }: Failure, giveUpMs: number): number {
  const left = at + giveUpMs - Date.now()
  return Math.min(Math.max(retryAfterMs, backoff(attempts)), Math.max(left, FIRST_WAIT_MS), RETRY_AFTER_MAX_MS)
}

/** Whether a message that failed, and was refused so often, is to be given up. */
export function isHopeless({ at, passing }: Outgoing, refusals: number, giveUpMs: number): boolean {
  return passing === true || Date.now() - at > giveUpMs || refusals >= REFUSALS_MAX
}

/** Doubles with each attempt, and is spread so that peers are not hit in step. */
function backoff(attempts: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS) * (0.75 + Math.random() / 2)
}
