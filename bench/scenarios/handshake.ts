import { EventStreams } from '../event-streams.js'
import { runWorkers } from '../workers.js'
import type { Scenario } from './scenario.js'

const BLOCKS = [
  { conc: 1, n: 32 },
  { conc: 8, n: 64 },
]
const TENANTS = 200

/** Two tenants of this gateway, until the event streams of both said COMPLETED; each handshake has another two. */
export const handshake: Scenario = {
  name: 'handshake two tenants didexchange/1.0',
  async *run(lab) {
    const streams = await EventStreams.ofConnections(lab, await lab.someTenants(TENANTS))
    let next = lab.pairs.length
    try {
      for (const { conc, n } of BLOCKS) {
        yield await lab.meter.measure({ scenario: handshake.name, n, conc }, async () => {
          const [latencies, failures]: [number[], string[]] = [[], []]
          await runWorkers(conc, n, async () => {
            const pair = next++
            const start = performance.now()
            try {
              await lab.addPair(lab.tenant(2 * pair), lab.tenant(2 * pair + 1), streams.arrivals)
              latencies.push(performance.now() - start)
            } catch (error) {
              failures.push(String(error))
            }
          })
          if (latencies.length === 0) throw new Error(`None of ${n} handshakes completed: ${failures[0]}`)
          return { latencies, more: { failed: failures.length, failures: [...new Set(failures)].slice(0, 5) } }
        })
      }
    } finally {
      await streams.close()
    }
  },
}
