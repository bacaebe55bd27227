import { round } from '../meter.js'
import { openMessaging } from './message.js'
import type { Scenario } from './scenario.js'
import { timed } from './timed.js'

const CONCURRENCY = 16
const SAMPLES = 50
/** From here on memory should have settled: growth is the end's RSS against that of this message. */
const SETTLED_AFTER = 20_000

/** RSS over `count` messages from tenant to tenant. */
export function soak(count: number): Scenario {
  const name = 'soak'
  return {
    name,
    async *run(lab) {
      const { send, close } = await openMessaging(lab)
      const every = Math.max(1, Math.floor(count / SAMPLES))
      const samples: { messages: number; rss_mb: number }[] = []
      let [done, settled]: [number, number | null] = [0, null]
      try {
        yield await lab.meter.measure({ scenario: name, n: count, conc: CONCURRENCY }, async () => {
          const { latencies } = await timed(CONCURRENCY, count, async (index) => {
            await send(index)
            done++
            if (done % every === 0) samples.push({ messages: done, rss_mb: round(lab.meter.rssMb(), 1) })
            if (done === SETTLED_AFTER) settled = round(lab.meter.rssMb(), 1)
          })
          return { latencies, more: { rss_mb_at_20000: settled, samples } }
        })
      } finally {
        await close()
      }
    },
  }
}
