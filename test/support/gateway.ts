import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freshDatabase, freshRedis, tempDir } from './services.js'

const main = fileURLToPath(new URL('../../src/bin.js', import.meta.url))

export const OPERATOR_KEY = 'test-operator-key-0123456789'
export const JWT_SECRET = 'test-jwt-secret-of-at-least-32-bytes-0123'
/** Far more than either takes on a loaded machine (ms). Requests in hand have 20 s at the end. */
const READY_MS = 90_000
const END_MS = 60_000
const STORE_KEY = '7vbGG3kM5vRLvrkHtRsAAZrG3CYUNuuTGJQgRSkMCkyN'

/** What gateways of a test keep their wallets in; a test runs on each. */
export type StoreKind = 'sqlite' | 'postgres'

/** The store kinds of a suite: SQLite without Redis, and Postgres with Redis. */
export const STORES: readonly StoreKind[] = ['sqlite', 'postgres']

export interface TestStore {
  kind: StoreKind
  /** What a gateway on this store is started with. */
  env: Record<string, string>
  remove(): Promise<void>
}

/** A store of its own, empty, that goes with the test. */
export async function freshStore(kind: StoreKind): Promise<TestStore> {
  const folder = tempDir()
  const common = { DATA_DIR: folder.path, STORE_KEY, JWT_SECRET, OPERATOR_API_KEYS: OPERATOR_KEY }
  if (kind === 'sqlite') return { kind, env: common, remove: async () => folder.remove() }
  const database = await freshDatabase()
  const redis = freshRedis()
  return {
    kind,
    env: { ...common, DATABASE_URL: database.url, REDIS_URL: redis.url },
    async remove() {
      await database.drop()
      folder.remove()
    },
  }
}

/** The process of a gateway, be it ready or not. */
export interface GatewayProcess {
  process: ChildProcess
  /** All that it has logged so far. */
  log(): string
  /** SIGTERM, and waits for the end. @returns the exit code */
  stop(): Promise<number | null>
  /** SIGKILL: what a crash leaves is left. */
  kill(): Promise<void>
}

export interface TestGateway extends GatewayProcess {
  /** `http://127.0.0.1:<port>`. */
  url: string
  wsUrl: string
}

/** Starts a gateway as a user would, on a free port, and waits until it is ready. */
export async function startGateway(store: TestStore, env: Record<string, string> = {}): Promise<TestGateway> {
  return beginGateway(store, env).ready
}

/** The same without waiting; `ready` rejects where it ends before it is. */
export function beginGateway(
  store: TestStore,
  env: Record<string, string> = {},
): GatewayProcess & { ready: Promise<TestGateway> } {
  const inherited = Object.fromEntries(
    ['PATH', 'HOME', 'LIB_ASKAR_PATH', 'LIB_ANONCREDS_PATH', 'LIB_INDY_VDR_PATH', 'NODE_V8_COVERAGE', 'TMPDIR'].flatMap(
      (name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]),
    ),
  )
  const child = spawn(process.execPath, [main, 'serve'], {
    env: { ...inherited, HOST: '127.0.0.1', PORT: '0', LOG_FORMAT: 'json', ...store.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (chunk) => {
    log += chunk
  })
  const exited = once(child, 'exit')
  const gateway: GatewayProcess = {
    process: child,
    log: () => log,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await within(END_MS, exited, 'end after SIGTERM')
      return child.exitCode
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
  /** One that hangs is killed, and the test fails with what it has logged. */
  async function within<T>(ms: number, awaited: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const hung = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`The gateway did not ${what} within ${ms} ms:\n${log}`))
        child.kill('SIGKILL')
      }, ms)
    })
    try {
      return await Promise.race([awaited, hung])
    } finally {
      clearTimeout(timer)
    }
  }
  const ready = new Promise<TestGateway>((resolve, reject) => {
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
      const url = /^URL: (\S+)$/m.exec(out)?.[1]
      if (url && /^Explorer: \S+$/m.test(out)) resolve({ ...gateway, url, wsUrl: url.replace('http', 'ws') })
    })
    child.on('exit', (code) => reject(new Error(`The gateway ended with ${code} before it was ready:\n${log}`)))
  })
  return { ...gateway, ready: within(READY_MS, ready, 'become ready') }
}
