import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { EventStreams } from '../event-streams.js'
import type { HotOrder, HotReport } from '../hot-tenant.js'
import type { Pair } from '../lab.js'
import { percentile, type Result, round } from '../meter.js'
import type { Scenario } from './scenario.js'
import { timed } from './timed.js'

const HOT = fileURLToPath(new URL('../hot-tenant.js', import.meta.url))
const HOT_AT_ONCE = 64
const WARM_UP = 50
/** Idle and busy in turn, so that what else the machine does falls on both. */
const ROUNDS = 3
const READS = 300
const MESSAGES = 100
const SETTLE_MS = 1500
const WITHIN_S = 120

type Kind = 'read' | 'message'
const COUNTS: Record<Kind, number> = { read: READS, message: MESSAGES }

/**
 * One tenant's reads and messages, one at a time: while nobody else does anything, and beside a tenant that has 64
 * operations under way at any moment, half of them messages and half reads. A message ends when its receiver has it.
 */
export const fairness: Scenario = {
  name: 'fairness',
  async *run(lab) {
    const [hot, quiet] = (await lab.somePairs(2)) as [Pair, Pair]
    const streams = await EventStreams.ofMessages(lab, [quiet.receiver])
    const work: Record<Kind, () => Promise<void>> = {
      read: () => lab.api.readConnections(quiet.sender),
      message: async () => {
        const content = `quiet ${randomUUID()}`
        await lab.api.sendBasicMessage(quiet.sender, quiet.connectionId, content)
        await streams.arrivals.until(content, WITHIN_S)
      },
    }
    const idle: Record<Kind, number[]> = { read: [], message: [] }
    const beside: Record<Kind, number[]> = { read: [], message: [] }
    const results: Result[] = []
    const take = async (kind: Kind, name: string, into: Record<Kind, number[]>) => {
      const [n, conc] = [COUNTS[kind], 1]
      const result = await lab.meter.measure({ scenario: `fairness: ${kind}, ${name}`, n, conc }, async () => {
        const measured = await timed(1, n, work[kind])
        into[kind].push(...measured.latencies)
        return measured
      })
      results.push(result)
    }
    try {
      await timed(1, WARM_UP, work.message)
      for (let turn = 0; turn < ROUNDS; turn++) {
        await sleep(SETTLE_MS)
        for (const kind of ['read', 'message'] as const) await take(kind, 'idle', idle)
        const hotTenant = await HotTenant.start({ ...hot, url: lab.gateway.url, concurrency: HOT_AT_ONCE })
        await sleep(SETTLE_MS)
        for (const kind of ['read', 'message'] as const) await take(kind, 'beside a hot tenant', beside)
        const hotPerSecond = await hotTenant.stop()
        for (const result of results.slice(-2)) result['hot_per_s'] = hotPerSecond
      }
    } finally {
      await streams.close()
    }
    for (const [kind, of] of [
      ['read', idle.read],
      ['message', idle.message],
    ] as const) {
      const alone = { p50_ms: percentile(of, 0.5), p99_ms: percentile(of, 0.99) }
      const busy = { p50_ms: percentile(beside[kind], 0.5), p99_ms: percentile(beside[kind], 0.99) }
      const last = (name: string) => results.findLast(({ scenario }) => scenario === `fairness: ${kind}, ${name}`)
      yield { ...(last('idle') as Result), n: of.length, ...alone }
      const ratio = round((busy.p99_ms ?? 0) / (alone.p99_ms ?? 1), 2)
      const p50Ratio = round((busy.p50_ms ?? 0) / (alone.p50_ms ?? 1), 2)
      yield {
        ...(last('beside a hot tenant') as Result),
        n: beside[kind].length,
        ...busy,
        p50_ratio: p50Ratio,
        p99_ratio: ratio,
      }
    }
  },
}

/** The process of the hot tenant. */
class HotTenant {
  private constructor(private readonly child: ChildProcess) {}

  static async start(order: HotOrder): Promise<HotTenant> {
    const child = fork(HOT)
    const begun = once(child, 'message')
    child.send(order)
    await Promise.race([begun, once(child, 'exit').then(() => Promise.reject(new Error('The hot tenant ended')))])
    return new HotTenant(child)
  }

  /** @returns how many operations it did in a second */
  async stop(): Promise<number> {
    const [ended, gone] = [once(this.child, 'message'), once(this.child, 'exit')]
    this.child.send('stop')
    const [{ done, seconds }] = (await ended) as [Exclude<HotReport, string>]
    await gone
    return round(done / seconds, 1)
  }
}
