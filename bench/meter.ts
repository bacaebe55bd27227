import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Backing, cpuBetween } from './backing.js'
import { scriptCpuSeconds, secondsBetween, treeCpuSeconds, treeRssMb } from './processes.js'

/** One line of the output; `conc`: how many operations were under way at once. */
export interface Result {
  scenario: string
  n: number
  conc: number
  wall_s: number
  per_s: number
  /** User and system time of every gateway process, of the Postgres backends that serve it, and of Redis. */
  agent_cpu_ms_per_op: number
  /** What of the former was in the processes for AnonCreds calls; only where there are any. */
  anoncreds_cpu_ms_per_op?: number
  pg_cpu_ms_per_op: number
  redis_cpu_ms_per_op: number
  rss_mb: number
  p50_ms: number | null
  p99_ms: number | null
  /** The longest that a main thread was busy at a stretch, and of a hundred stretches the second: see `Stretches`. */
  block_max_ms?: number
  block_p99_ms?: number
  /** What else a scenario has to tell; the README says what. */
  [more: string]: unknown
}

/** A scenario that did not come to its end. */
export interface Failure {
  scenario: string
  error: string
}

export interface Block {
  scenario: string
  /** Operations in the block. */
  n: number
  conc: number
}

/** What a block hands back: milliseconds of each operation, and more to tell. */
export interface Measured {
  latencies: number[]
  more?: Record<string, unknown>
}

/** Work of an operation may go on after its answer; it belongs to the block that caused it. */
const TRAILING_MS = 300

/** What the gateway's processes for AnonCreds calls run. */
const ANONCREDS_SCRIPT = '/anoncreds/child/main.js'

/**
 * What the gateway's own timer on its main thread has seen since it was last asked, in seconds: from one of its ticks to
 * the next, of which the timer itself takes 10 ms. So a block is no longer than that, and at most 10 ms shorter.
 */
export interface Stretches {
  max: number
  p99: number
}

/** Takes the figures of blocks of operations against one gateway process. */
export class Meter {
  constructor(
    private readonly gatewayPid: () => number,
    private readonly backing: Backing,
    private readonly stretches: () => Promise<Stretches>,
  ) {}

  /** Runs a block and gives its figures: wall time until `run` resolves, CPU until shortly after. */
  async measure({ scenario, n, conc }: Block, run: () => Promise<Measured>): Promise<Result> {
    await this.stretches()
    const backingBefore = await this.backing.cpu()
    const [agentBefore, anoncredsBefore] = [this.agentCpu(), this.anoncredsCpu()]
    const [own, start] = [process.cpuUsage(), performance.now()]
    const { latencies, more } = await run()
    const wall = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(own)
    await sleep(TRAILING_MS)
    const agent = this.agentCpu() - agentBefore
    const anoncreds = this.anoncredsCpu()
    const { postgres, redis } = cpuBetween(backingBefore, await this.backing.cpu())
    const { max, p99 } = await this.stretches()
    const perOperation = (seconds: number) => round((1000 * seconds) / n, 3)
    return {
      scenario,
      n,
      conc,
      wall_s: round(wall, 3),
      per_s: round(n / wall, 1),
      agent_cpu_ms_per_op: perOperation(agent),
      ...(anoncreds.size > 0 && {
        anoncreds_cpu_ms_per_op: perOperation(secondsBetween(anoncredsBefore, anoncreds)),
      }),
      pg_cpu_ms_per_op: perOperation(postgres),
      redis_cpu_ms_per_op: perOperation(redis),
      rss_mb: round(this.rssMb(), 1),
      p50_ms: percentile(latencies, 0.5),
      p99_ms: percentile(latencies, 0.99),
      max_ms: percentile(latencies, 1),
      block_max_ms: round(max * 1000, 1),
      block_p99_ms: round(p99 * 1000, 1),
      agent_cpu_util: round(agent / wall, 2),
      driver_cpu_util: round((user + system) / 1e6 / wall, 2),
      load1: round(loadavg()[0] ?? 0, 2),
      ...more,
    }
  }

  /** Resident memory of every gateway process, in MiB. */
  rssMb(): number {
    return treeRssMb(this.gatewayPid())
  }

  private agentCpu(): number {
    return treeCpuSeconds(this.gatewayPid())
  }

  private anoncredsCpu(): Map<number, number> {
    return scriptCpuSeconds(this.gatewayPid(), ANONCREDS_SCRIPT)
  }
}

/** The value below which a share of all lie; null where there is none. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return value === undefined ? null : round(value, 2)
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
