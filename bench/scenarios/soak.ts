import { round } from '../meter.js'
import { openMessaging } from './message.js'
import type { Scenario } from './scenario.js'
import { timed } from './timed.js'

const CONCURRENCY = 16
const SAMPLES = 200
/** From here on memory should have settled. */
const SETTLED_AFTER = 20_000
/** Memory swings between two collections: over as many messages its lowest value says what is kept. */
const WINDOW = 10_000

interface Sample {
  messages: number
  rss_mb: number
}

/** RSS over `count` messages from tenant to tenant. */
export function soak(count: number): Scenario {
  const name = 'soak'
  return {
    name,
    async *run(lab) {
      const { send, close } = await openMessaging(lab)
      const every = Math.max(1, Math.floor(count / SAMPLES))
      const samples: Sample[] = []
      let [done, settled]: [number, number | null] = [0, null]
      try {
        yield await lab.meter.measure({ scenario: name, n: count, conc: CONCURRENCY }, async () => {
          const { latencies } = await timed(CONCURRENCY, count, async (index) => {
            await send(index)
            done++
            if (done % every === 0 || done === count)
              samples.push({ messages: done, rss_mb: round(lab.meter.rssMb(), 1) })
            if (done === SETTLED_AFTER) settled = round(lab.meter.rssMb(), 1)
          })
          const floors = {
            rss_floor_mb_at_20000: floor(samples, SETTLED_AFTER),
            rss_floor_mb_at_end: floor(samples, count),
          }
          return { latencies, more: { rss_mb_at_20000: settled, ...floors, samples } }
        })
      } finally {
        await close()
      }
    },
  }
}

/** The lowest RSS of the window that ends at a message; null where the soak did not come that far. */
function floor(samples: Sample[], end: number): number | null {
  if (samples.every(({ messages }) => messages < end)) return null
  const window = samples.filter(({ messages }) => messages > end - WINDOW && messages <= end)
  return Math.min(...window.map(({ rss_mb }) => rss_mb))
}
