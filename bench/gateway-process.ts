import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { settings } from '../src/config/settings.js'
import { base58Encode } from '../src/lib/base58.js'

const ENTRY = fileURLToPath(new URL('../src/bin.js', import.meta.url))
const READY_WITHIN_MS = 60_000
const STOPPED_WITHIN_MS = 30_000

/** The built gateway as a child process, on a data folder and secrets of this run; it may be started again and again. */
export class GatewayProcess {
  readonly operatorKey = randomBytes(24).toString('base64url')
  private readonly folder = mkdtempSync(join(tmpdir(), 'tenantry-bench-'))
  private readonly environment: NodeJS.ProcessEnv
  private child: ChildProcess | undefined
  private address = ''

  /** `own`: its settings, beside those that every run has. */
  constructor(own: Record<string, string>) {
    this.environment = {
      ...withoutSettings(process.env),
      NODE_ENV: 'production',
      PORT: '0',
      DATA_DIR: join(this.folder, 'data'),
      STORE_KEY: base58Encode(randomBytes(32)),
      JWT_SECRET: randomBytes(48).toString('base64url'),
      OPERATOR_API_KEYS: this.operatorKey,
      LOG_FORMAT: 'json',
      ...own,
    }
  }

  /** Where it listens, without a trailing slash. */
  get url(): string {
    return this.address
  }

  get pid(): number {
    const pid = this.child?.pid
    if (pid === undefined) throw new Error('The gateway is not running')
    return pid
  }

  /**
   * Starts it and resolves, with the seconds that took, once `/health/ready` says so.
   *
   * @throws Error with the end of its log where it exits or is not ready within a minute
   */
  async start(): Promise<number> {
    const begin = performance.now()
    const log = openSync(this.logFile, 'a')
    const child = spawn(process.execPath, [ENTRY, 'serve'], {
      cwd: this.folder,
      env: this.environment,
      stdio: ['ignore', 'pipe', log],
    })
    closeSync(log)
    this.child = child
    process.once('exit', this.killNow)
    this.address = await this.readUrl(child, begin)
    // Connections made so far name this address: after a restart it has to be the same.
    this.environment['PORT'] = new URL(this.address).port
    while (!(await isReady(this.address))) {
      if (performance.now() - begin > READY_WITHIN_MS) throw new Error(`The gateway is not ready: ${this.logTail()}`)
      await sleep(5)
    }
    return (performance.now() - begin) / 1000
  }

  private async readUrl(child: ChildProcess, begin: number): Promise<string> {
    const stdout = child.stdout as Readable
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_WITHIN_MS - (performance.now() - begin))
    try {
      for await (const line of createInterface({ input: stdout })) {
        const url = /https?:\/\/\S+/.exec(line)?.[0]
        if (url) return url.replace(/\/$/, '')
      }
    } finally {
      clearTimeout(timer)
      // Whatever else it prints must not fill the pipe.
      stdout.resume()
    }
    throw new Error(`The gateway ended before it listened: ${this.logTail()}`)
  }

  /** Stops it with SIGTERM, as a deployment does; kills it where that takes longer than it may. */
  async stop(): Promise<void> {
    const { child } = this
    this.child = undefined
    process.off('exit', this.killNow)
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS)
    await exited
    clearTimeout(timer)
  }

  /** Stops it and removes its data. */
  async dispose(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** The last lines that it logged. */
  logTail(lines = 5): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  }

  private get logFile(): string {
    return join(this.folder, 'gateway.log')
  }

  private readonly killNow = (): void => {
    this.child?.kill('SIGKILL')
  }
}

/** What the shell sets for a gateway of its own is not for this one. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = new Set(settings.flatMap(({ name }) => [name, `${name}_FILE`]))
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.has(name)))
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health/ready`)
    await answer.arrayBuffer()
    return answer.ok
  } catch {
    return false
  }
}
