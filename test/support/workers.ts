import { readFileSync } from 'node:fs'
import { homeOf } from '../../src/workers/neighbours.js'
import { WORKER_NUMBER } from '../../src/workers/worker-number.js'
import { startGateway, type TestGateway, type TestStore } from './gateway.js'

/** Starts two workers. One that is stopped in the midst of a transaction has its lock until Postgres ends that, after 3 s. */
export function startWorkers(store: TestStore, env: Record<string, string> = {}): Promise<TestGateway> {
  const database = new URL(store.env['DATABASE_URL'] as string)
  database.searchParams.set('options', '-c idle_in_transaction_session_timeout=3000')
  return startGateway(store, { WORKERS: '2', DATABASE_URL: database.href, ...env })
}

/** Process ids of the workers, which are the children of the process that was started. */
export function workersOf({ process: { pid } }: TestGateway): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return children === '' ? [] : children.split(' ').map(Number)
}

/** The process id of the worker that a wallet is at home with. */
export function homeIn(gateway: TestGateway, wallet: string): number {
  const workers = workersOf(gateway)
  return workers.find((pid) => numberOf(pid) === homeOf(wallet, workers.length)) as number
}

/** A metric without labels, of all workers together. */
export async function metricOf({ url }: TestGateway, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

function numberOf(pid: number): number {
  const found = new RegExp(`(?:^|\\0)${WORKER_NUMBER}=(\\d+)`).exec(readFileSync(`/proc/${pid}/environ`, 'utf8'))
  return Number(found?.[1])
}
