import cluster from 'node:cluster'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { type Deferred, deferred } from '../lib/deferred.js'

/** What a worker asks the process that has started it, and what it answers; `text` is null where a worker is silent. */
type Ask = { kind: typeof ASK; id: number }
type Answer = { kind: typeof ANSWER; id: number; text: string | null }
const ASK = 'metrics asked'
const ANSWER = 'metrics of all'

/** In the process that starts workers: has each of them know the metrics of all. */
export function answerWithMetricsOfAll(): void {
  const all = new AggregatorRegistry()
  cluster.on('message', async (worker, { kind, id }: Partial<Ask>) => {
    if (kind !== ASK) return
    const text = await all.clusterMetrics().catch(() => null)
    if (worker.isConnected()) worker.send({ kind: ANSWER, id, text })
  })
}

/**
 * Metrics in Prometheus' text format: of this process, and in a worker those of all workers together.
 * @returns undefined where a worker does not answer (within 5 s)
 */
export function metricsOfAll(registry: Registry): () => Promise<string | undefined> {
  if (!cluster.isWorker) return () => registry.metrics()
  AggregatorRegistry.setRegistries(registry)
  // Answers for this worker from now on.
  new AggregatorRegistry()
  const asked = new Map<number, Deferred<string | undefined>>()
  let asking = 0
  process.on('message', ({ kind, id, text }: Answer) => {
    if (kind !== ANSWER) return
    asked.get(id)?.resolve(text ?? undefined)
    asked.delete(id)
  })
  return () => {
    const answer = deferred<string | undefined>()
    asked.set(++asking, answer)
    process.send?.({ kind: ASK, id: asking } satisfies Ask)
    return answer.promise
  }
}
