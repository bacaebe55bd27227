import { currentUnit, type Unit } from '../storage/unit.js'

/**
 * What a unit of work needs from the network. No unit waits for it: what is not at hand is noted, the unit is dropped,
 * it is fetched with nothing held, and the unit runs again.
 */
const needs = new WeakMap<Unit, Map<string, Fetching>>()

/**
 * Fetches what is needed. Documents resolve in any case. What another agent has to do first is waited for unless the
 * unit is run for somebody who is not `patient`: then it is begun, and the call fails at once.
 */
export type Fetching = (patient?: boolean) => Promise<void>

/** Notes a need of the unit that the code belongs to; the same `name` is one need. */
export function noteNeed(name: string, fetching: Fetching): void {
  const unit = currentUnit()
  if (!unit) return
  const noted = needs.get(unit) ?? new Map<string, Fetching>()
  needs.set(unit, noted.set(name, fetching))
}

const begun = new WeakMap<Unit, number>()

/** Says when the work began that a unit is run for, the first time of several (ms since the epoch). */
export const beganAt = (unit: Unit, time: number): void => void begun.set(unit, time)

/** When the work began that the running unit is for: what was fetched since then was fetched for it. */
export function workBegan(): number | undefined {
  const unit = currentUnit()
  return unit && begun.get(unit)
}

/** What a unit could not do without. */
export const needsOf = (unit: Unit): Fetching[] => [...(needs.get(unit)?.values() ?? [])]
