import { setTimeout as sleep } from 'node:timers/promises'
import { cpuBetween } from '../backing.js'
import { round } from '../meter.js'
import { treeCpuSeconds } from '../processes.js'
import type { Scenario } from './scenario.js'

const WARM_STARTS = 2
/** What a start puts off until after it is ready counts for it too. */
const SETTLE_MS = 1000

/** From the spawn until ready: the first time, on nothing, and again on what is there. CPU and RSS one second later. */
export const start: Scenario = {
  name: 'start',
  async *run(lab) {
    const warm: number[] = []
    let figures = { cpu: 0, rss: 0, postgres: 0, redis: 0 }
    for (let count = 0; count < WARM_STARTS; count++) {
      const before = await lab.backing.cpu()
      warm.push(await lab.restart())
      await sleep(SETTLE_MS)
      const behind = cpuBetween(before, await lab.backing.cpu())
      figures = { cpu: treeCpuSeconds(lab.gateway.pid), rss: lab.meter.rssMb(), ...behind }
    }
    const best = Math.min(...warm)
    yield {
      scenario: 'start',
      n: 1,
      conc: 1,
      wall_s: round(best, 3),
      per_s: round(1 / best, 3),
      agent_cpu_ms_per_op: round(figures.cpu * 1000, 3),
      pg_cpu_ms_per_op: round(figures.postgres * 1000, 3),
      redis_cpu_ms_per_op: round(figures.redis * 1000, 3),
      rss_mb: round(figures.rss, 1),
      p50_ms: round(best * 1000, 2),
      p99_ms: round(Math.max(...warm) * 1000, 2),
      first_s: round(lab.firstStart, 2),
      warm_s: round(best, 2),
    }
  },
}
