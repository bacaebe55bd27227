import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from './ports.js'
import { tempDir } from './services.js'

const program = fileURLToPath(new URL('./mediator-process.js', import.meta.url))

export interface Told {
  /** The size of each keylist update that it has handled since it was started. */
  updates: number[]
  /** How many of them it had in hand at once at most. */
  atOnce: number
  forwards: number
  /** Messages handed over, with `HANDS_OVER_AGAIN`: each as often as it was. */
  handedOver: number
  /** The keys (base58) that it forwards for. */
  keys: string[]
}

/** A stock Credo agent that mediates over HTTP, in a process of its own, on a port that it keeps. */
export class TestMediator {
  invitation = ''
  private process: ChildProcess | undefined
  private log = ''
  readonly folder = tempDir()

  private constructor(
    private readonly port: number,
    private readonly env: Record<string, string>,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<TestMediator> {
    const mediator = new TestMediator(await freePort(), env)
    await mediator.start()
    return mediator
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [program, this.folder.path, `${this.port}`], {
      env: { ...process.env, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.process = child
    child.stderr.on('data', (chunk) => {
      this.log += chunk
    })
    this.invitation = await new Promise<string>((resolve, reject) => {
      let out = ''
      child.stdout.on('data', (chunk) => {
        out += chunk
        if (out.includes('\n')) resolve(out.trim())
      })
      child.on('exit', (code) => reject(new Error(`The mediator ended with ${code}:\n${this.log}`)))
    })
  }

  async told(): Promise<Told> {
    return (await (await fetch(this.url)).json()) as Told
  }

  /** Loses the keys that it forwards for. */
  async forget(): Promise<void> {
    await fetch(this.url, { method: 'DELETE' })
  }

  /** SIGKILL: what a crash leaves is left, and it can be started again. */
  async kill(): Promise<void> {
    const { process: child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  async remove(): Promise<void> {
    await this.kill()
    this.folder.remove()
  }
}
