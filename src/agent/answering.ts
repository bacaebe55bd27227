import type { Unit } from '../storage/unit.js'

const answering = new WeakSet<Unit>()

/** Says that a unit handles a peer's message: what it sends, the peer has asked for. */
export const noteAnswering = (unit: Unit): void => void answering.add(unit)

export const isAnswering = (unit: Unit): boolean => answering.has(unit)
