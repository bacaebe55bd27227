import type { Measured } from '../meter.js'
import { runWorkers } from '../workers.js'

/** Runs `work` for 0 … `count` - 1, `concurrency` at once, and takes the time of each. */
export async function timed(
  concurrency: number,
  count: number,
  work: (index: number) => Promise<void>,
): Promise<Measured> {
  const latencies: number[] = []
  await runWorkers(concurrency, count, async (index) => {
    const start = performance.now()
    await work(index)
    latencies.push(performance.now() - start)
  })
  return { latencies }
}
