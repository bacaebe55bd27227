import type { Unit } from '../storage/unit.js'
import { needsOf } from './outside-needs.js'
import type { WalletAgent } from './wallet-agent.js'

/** Work that a change in a unit brings along. */
export type UnitTask = (agent: WalletAgent) => Promise<void>

const tasksOfUnit = new WeakMap<Unit, UnitTask[]>()

/**
 * Has work done at the end of a unit, in it: what it writes is committed with what it follows from, so that no crash
 * comes in between.
 */
export function doInUnit(unit: Unit, task: UnitTask): void {
  tasksOfUnit.set(unit, [...(tasksOfUnit.get(unit) ?? []), task])
}

/** Does what the unit has brought along. A task that fails leaves nothing, and what it follows from stands. */
export async function finishUnit(agent: WalletAgent, unit: Unit): Promise<void> {
  for (let task = tasksOfUnit.get(unit)?.shift(); task; task = tasksOfUnit.get(unit)?.shift()) {
    const before = unit.savepoint()
    try {
      await task(agent)
    } catch (error) {
      if (unit.broken || needsOf(unit).length > 0) throw error
      unit.restore(before)
      agent.context.config.logger.warn('What belongs to a change of the wallet could not be done', { error })
    }
  }
}
