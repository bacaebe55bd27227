import type { AnonCredsRevocationStatusList } from '@credo-ts/anoncreds'
import { currentUnit, type Unit } from '../../storage/unit.js'

/** The place that a unit gives what it issues, and the list of its registry that the wallet has. */
export interface IssuingPlace {
  list: AnonCredsRevocationStatusList
  index: number
}

/** By definition. */
const places = new WeakMap<Unit, Map<string, IssuingPlace>>()

/**
 * Has a unit that issues by a ledger do so by the list that the wallet has. Credo asks for the list of this very second:
 * with a ledger that is another one each time the unit runs again to have it.
 */
export function issueAt(unit: Unit, definitionId: string, place: IssuingPlace): void {
  places.set(unit, (places.get(unit) ?? new Map()).set(definitionId, place))
}

/** The place that the running unit gives to what it issues by a definition. */
export function placeIssuedAt(definitionId: string): IssuingPlace | undefined {
  const unit = currentUnit()
  return unit && places.get(unit)?.get(definitionId)
}

/** The list by which the running unit issues from a registry. */
export function listIssuedBy(registryId: string): AnonCredsRevocationStatusList | undefined {
  const unit = currentUnit()
  const all = [...((unit && places.get(unit)?.values()) ?? [])]
  return all.find(({ list }) => list.revRegDefId === registryId)?.list
}
