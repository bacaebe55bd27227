import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { constants, type NodeGCPerformanceDetail, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { after, describe, test } from 'node:test'
import { AnonCredsWorkers } from '../../src/anoncreds/index.js'
import { createDefinition, createIssuer, issue, presenting, verifying } from './parties.js'

type GarbageEntry = PerformanceEntry & { detail: NodeGCPerformanceDetail }

const TICK_MS = 2
const MOST_MS = 50

describe('AnonCreds work', () => {
  const workers = new AnonCredsWorkers()
  after(() => workers.stop())

  test(`never holds the main thread for ${MOST_MS} ms`, async () => {
    const blocks = watchBlocks()
    const issuer = await createIssuer(workers, 'issuer', 200)
    const { statusList } = issuer
    const holders = Array.from({ length: 6 }, async (_, index) => {
      const holderId = `holder ${index}`
      const held = await issue(workers, ['issuer', holderId], issuer, index + 1)
      const proof = await workers.call(holderId, 'createPresentation', {
        ...presenting(issuer, held, statusList),
        selfAttested: {},
      })
      return workers.call('verifier', 'verifyPresentation', { ...verifying(issuer, statusList), proof })
    })
    const more = createDefinition(workers, 'other issuer', issuer.schema)
    assert.deepEqual(await Promise.all(holders), Array(6).fill(true))
    await more
    const { longest, ticks } = blocks.end()
    assert.ok(ticks > 200, `${ticks} ticks`)
    assert.ok(longest < MOST_MS, `the longest block took ${longest.toFixed(1)} ms`)
  })
})

/**
 * Watches a timer of two milliseconds. A block is what the main thread itself computes between two ticks, but for a whole
 * collection of garbage: so a machine that is busy with other things makes it no longer.
 */
function watchBlocks() {
  const collections: { start: number; end: number }[] = []
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as GarbageEntry[]) {
      if (entry.detail.kind !== constants.NODE_PERFORMANCE_GC_MAJOR) continue
      collections.push({ start: entry.startTime, end: entry.startTime + entry.duration })
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  const ticks = [tick()]
  const timer = setInterval(() => ticks.push(tick()), TICK_MS)
  return {
    end() {
      clearInterval(timer)
      observer.disconnect()
      const blocks = ticks.slice(1).flatMap((now, index) => {
        const before = ticks[index]!
        const collected = collections.some(({ start, end }) => end > before.at && start < now.at)
        return collected ? [] : [now.computed - before.computed]
      })
      return { longest: Math.max(...blocks), ticks: blocks.length }
    },
  }
}

const tick = () => ({ at: performance.now(), computed: computedMs() })

/** What the main thread has computed so far; where the system does not tell, the time that has gone by. */
function computedMs(): number {
  if (process.platform !== 'linux') return performance.now()
  const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')
  return Number(nanoseconds) / 1e6
}
