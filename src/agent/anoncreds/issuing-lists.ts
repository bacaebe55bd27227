import type { AnonCredsRevocationStatusList } from '@credo-ts/anoncreds'
import { currentUnit, type Unit } from '../../storage/unit.js'

const lists = new WeakMap<Unit, Map<string, AnonCredsRevocationStatusList>>()

/**
 * Has a unit that issues from a registry do so by the list that the wallet has. Credo asks for the list of this very
 * second: with a ledger that is another one each time the unit runs again to have it.
 */
export function issueBy(unit: Unit, list: AnonCredsRevocationStatusList): void {
  lists.set(unit, (lists.get(unit) ?? new Map()).set(list.revRegDefId, list))
}

/** The list by which the running unit issues from a registry. */
export function listIssuedBy(registryId: string): AnonCredsRevocationStatusList | undefined {
  const unit = currentUnit()
  return unit && lists.get(unit)?.get(registryId)
}
