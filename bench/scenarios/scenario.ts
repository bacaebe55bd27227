import type { Lab } from '../lab.js'
import type { Result } from '../meter.js'

/** A kind of operation to measure; gives one result for each concurrency it is run at. */
export interface Scenario {
  /** As in the output and behind `--only`. */
  name: string
  run(lab: Lab): AsyncIterable<Result>
}
