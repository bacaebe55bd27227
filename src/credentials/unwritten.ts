import type { Unit } from '../storage/unit.js'

/**
 * What is made, with its keys, and not known to be on the ledger yet. It is kept before it is written: nothing can come
 * to be there whose keys a crash has taken, and whoever tries again writes the same.
 */
const UNWRITTEN = '_unwritten'

export const unwritten = {
  async find<T>(unit: Unit, name: string): Promise<T | undefined> {
    const entry = await unit.fetch(UNWRITTEN, name)
    return entry && (JSON.parse(entry.value) as T)
  },

  /** @returns what is kept: the first that came */
  async keep<T>(unit: Unit, name: string, made: T): Promise<T> {
    const known = await unwritten.find<T>(unit, name)
    if (known === undefined) unit.insert({ category: UNWRITTEN, name, value: JSON.stringify(made), tags: {} })
    return known ?? made
  },

  /** @returns false where there is none: somebody was quicker */
  forget: (unit: Unit, name: string): Promise<boolean> => unit.remove(UNWRITTEN, name),
}
