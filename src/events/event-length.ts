import type { LoggedEvent } from './event.js'

const known = new WeakMap<LoggedEvent, number>()

/** About how many characters an event has, as JSON. */
export function lengthOf(event: LoggedEvent): number {
  const length = known.get(event) ?? JSON.stringify(event.payload).length
  known.set(event, length)
  return length
}
