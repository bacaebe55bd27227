import { fileURLToPath } from 'node:url'
import type { AcapyResult } from './acapy.js'
import type { StoreKind } from './backing.js'
import type { Result } from './meter.js'

/** Where the figures of the last comparison lie, for tables and plots. */
export const RESULTS_FILE = fileURLToPath(new URL('../../bench/results.json', import.meta.url))

/** Medians of each scenario on one store; `workers`: ours with two processes. */
export interface StoreResults {
  ours: Result[]
  workers: Result[]
  acapy: AcapyResult[]
}

export interface Measurements {
  /** The day, ISO 8601. */
  date: string
  machine: string
  runs: number
  /** The machine's load after each run of ours. */
  loads: number[]
  stores: Partial<Record<StoreKind, StoreResults>>
}
