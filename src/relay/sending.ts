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
