import type { Outgoing } from './outbox.js'

/** Messages of one connection (or, without one, to one endpoint) wait for each other; others do not. */
export interface Lane {
  waiting: Outgoing[]
  /** How often the first of them was tried, and how often it was refused. */
  attempts: number
  refusals: number
  /** Ends a pause before the next try. */
  wake?: () => void
}

/** How much of what a peer has asked for may wait in its lane: one more is let in as long as there is less. */
const ASKED = { count: 5000, bytes: 32 * 1024 * 1024 }
/** The same of what it asks for anew in any case. */
const PASSING = { count: 8, bytes: 1024 * 1024 }

/** Whether a message may wait behind what waits in its lane. What a peer has not asked for always may. */
export function mayWait(waiting: readonly Outgoing[], { passing, asked }: Outgoing): boolean {
  if (!passing && !asked) return true
  const room = passing ? PASSING : ASKED
  let [count, bytes] = [0, 0]
  for (const message of waiting) {
    if (!(passing ? message.passing : message.asked)) continue
    count += 1
    bytes += sizeOf(message)
  }
  return count < room.count && bytes < room.bytes
}

/** About how long a sealed message is, without what forwards add: nearly all of it is its ciphertext. */
export function sizeOf({ payload, inner }: Outgoing): number {
  const { ciphertext } = (inner ?? payload ?? {}) as { ciphertext?: unknown }
  return typeof ciphertext === 'string' ? ciphertext.length : 0
}

/** A tenant whose messages this instance sends. */
export interface Sending {
  lanes: Map<string, Lane>
  known: Set<number>
  /** Those of them that are done with, and wait to be removed with a commit. */
  done: Set<number>
  /** Places from here on are not known here: other instances may have laid messages there. */
  next: number
  leaseUntil: number
  /** Set while what is done with waits to be removed from the outbox. */
  landing: boolean
  /** Requests under way. */
  posting: number
}

export const newSending = (next: number): Sending => ({
  lanes: new Map(),
  known: new Set(),
  done: new Set(),
  next,
  leaseUntil: 0,
  landing: false,
  posting: 0,
})
