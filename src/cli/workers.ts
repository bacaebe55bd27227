import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { deferred } from '../lib/deferred.js'
import type { Logger } from '../lib/logger.js'
import { answerWithMetricsOfAll } from '../server/metrics-of-all.js'
import { cutWhatIsLostWith } from '../workers/lost-connection.js'
import { Passage } from '../workers/passage.js'
import { WORKER_NUMBER, workerNumber } from '../workers/worker-number.js'

/** What a worker tells once it serves. */
export interface Served {
  url: string
  explorerUrl: string
}

export interface WorkersOptions {
  count: number
  /** The workers' instance ids are this with their numbers. */
  instanceId: string
  logger: Logger
  /** Called once, when all of them serve for the first time. */
  onReady: (served: Served) => void
}

/** How long a worker that ended is waited with before it is started again (ms): doubled each time, until one has stayed. */
const RESTART_MS = 500
const RESTART_MAX_MS = 30_000
const STAYED_MS = 60_000

/** What a worker is called among the instances. */
export const instanceIdOf = (instanceId: string): string => {
  const number = workerNumber()
  return number === undefined ? instanceId : `${instanceId}-${number}`
}

/** Says that this process serves: to whoever started it as a worker. @returns false where nobody did */
export function tellServed(served: Served): boolean {
  process.send?.(served)
  return cluster.isWorker
}

/**
 * Runs gateways as processes of their own behind one port, on one Postgres and Redis. One that ends is started again;
 * SIGHUP stops and starts them one by one, so that there is always one to serve; SIGTERM and SIGINT stop all of them.
 * @returns the exit code
 */
export async function superviseWorkers({ count, instanceId, logger, onReady }: WorkersOptions): Promise<number> {
  const workers = new Map<number, Worker>()
  /** Workers that are meant to end. */
  const leaving = new Set<Worker>()
  const stopped = deferred<void>()
  const passage = new Passage()
  let stopping = false
  let failures = 0

  const start = (number: number): Worker => {
    const worker = cluster.fork({ INSTANCE_ID: instanceId, [WORKER_NUMBER]: `${number}` })
    const startedAt = Date.now()
    workers.set(number, worker)
    passage.add(number, worker)
    cutWhatIsLostWith(worker)
    worker.once('exit', (code, signal) => {
      if (leaving.has(worker) || stopping) return
      if (Date.now() - startedAt > STAYED_MS) failures = 0
      logger.error('A worker has ended and is started again', { instanceId: `${instanceId}-${number}`, code, signal })
      void restartLater(number, worker)
    })
    return worker
  }
  const serve = async (number: number): Promise<Served | null> => {
    const worker = start(number)
    const served = await servedBy(worker)
    if (served) passage.beginServing(worker)
    return served
  }
  const restartLater = async (number: number, ended: Worker) => {
    await sleep(Math.min(RESTART_MS * 2 ** failures++, RESTART_MAX_MS))
    if (!stopping && workers.get(number) === ended) void serve(number)
  }
  const end = async (worker: Worker) => {
    leaving.add(worker)
    passage.endServing(worker)
    if (worker.isDead()) return
    const ended = once(worker, 'exit')
    worker.process.kill('SIGTERM')
    await ended
  }
  const renew = async () => {
    for (const [number, worker] of workers) {
      if (stopping) return
      await end(worker)
      if (!stopping) await serve(number)
    }
    logger.info('All workers are started anew', { count })
  }

  answerWithMetricsOfAll()
  let renewing = false
  process.on('SIGHUP', async () => {
    if (renewing) return
    renewing = true
    await renew()
    renewing = false
  })
  let asked = false
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, (signal) => {
      if (asked) process.exit(1)
      asked = true
      stopping = true
      logger.info('stopping', { signal })
      stopped.resolve()
    })
  }

  // The first alone: where it cannot start, for a wrong setting say, none can, and it has said why.
  const first = await Promise.race([serve(1), stopped.promise])
  if (first === null) return 1
  if (first) {
    const others = Array.from({ length: count - 1 }, (_, index) => serve(index + 2))
    await Promise.race([Promise.all(others), stopped.promise])
    if (!stopping) onReady(first)
  }
  await stopped.promise
  await Promise.all([...workers.values()].map(end))
  logger.info('stopped')
  return 0
}

/** @returns where a worker serves, once it does; null where it ends before */
function servedBy(worker: Worker): Promise<Served | null> {
  return new Promise((resolve) => {
    const heard = (message: Partial<Served>) => {
      // Workers answer other questions as well.
      if (!('url' in message)) return
      worker.off('message', heard)
      resolve(message as Served)
    }
    worker.on('message', heard)
    worker.once('exit', () => resolve(null))
  })
}
