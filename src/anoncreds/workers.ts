import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Args, type CallName, LONG_CALLS, type Result } from './calls.js'
import { Lane, type LaneOptions } from './lane.js'
import { findLibrary } from './library.js'

export interface AnonCredsWorkersOptions {
  /** File of the native library, or a folder that has it; by default see `findLibrary`. */
  libraryPath?: string
  /** Ends a process after so long without a call (ms). */
  idleMs?: number
  /** The longest that one call may take (ms). */
  deadlineMs?: { short: number; long: number }
}

const IDLE_MS = 60_000
/** Many times what they take on a machine that has nothing else to do. */
const DEADLINE_MS = { short: 60_000, long: 10 * 60_000 }

/** Calls of some 50 ms. They stand back behind the gateway itself, which all wait for. */
const SHORT = { niceness: 5, most: { inAll: 2000, ofTenant: 500 }, retryAfter: 5 }
/** Calls of seconds, which stand back behind those too. */
const LONG = { niceness: 10, most: { inAll: 500, ofTenant: 100 }, retryAfter: 60 }

/**
 * AnonCreds calls in processes of their own, since the library holds its thread for up to ten seconds a call. There are
 * two, so that nothing short waits for a credential definition.
 */
export class AnonCredsWorkers {
  readonly #options: AnonCredsWorkersOptions
  #lanes: { short: Lane; long: Lane } | undefined
  #tails: Promise<string> | undefined

  constructor(options: AnonCredsWorkersOptions = {}) {
    this.#options = options
  }

  /** Processes that run now. */
  get pids(): { short: number | undefined; long: number | undefined } {
    return { short: this.#lanes?.short.pid, long: this.#lanes?.long.pid }
  }

  /** How many calls wait. */
  get waiting(): number {
    return this.#lanes ? this.#lanes.short.waiting + this.#lanes.long.waiting : 0
  }

  /**
   * Makes a call, in turn with those of other tenants.
   *
   * @throws GatewayError RATE_LIMITED if too many wait
   * @throws NativeError if the library refuses it, or it takes too long
   */
  async call<Name extends CallName>(tenantId: string, name: Name, args: Args<Name>): Promise<Result<Name>> {
    this.#lanes ??= this.#createLanes()
    const lane = LONG_CALLS.has(name) ? this.#lanes.long : this.#lanes.short
    return (await lane.call(tenantId, { name, args })) as Result<Name>
  }

  /** A folder for tails files on their way to where they are published; whoever has published one removes it. */
  tailsFolder(): Promise<string> {
    this.#tails ??= mkdtemp(join(tmpdir(), 'tenantry-tails-'))
    return this.#tails
  }

  /** Fails what waits, ends the processes, and removes the folder. */
  async stop(): Promise<void> {
    await Promise.all([this.#lanes?.short.stop(), this.#lanes?.long.stop()])
    if (this.#tails) await rm(await this.#tails, { recursive: true, force: true })
  }

  #createLanes() {
    const { libraryPath, idleMs = IDLE_MS, deadlineMs = DEADLINE_MS } = this.#options
    const shared = { libraryPath: findLibrary({ libraryPath }), idleMs } satisfies Partial<LaneOptions>
    return {
      short: new Lane({ ...SHORT, ...shared, deadlineMs: deadlineMs.short }),
      long: new Lane({ ...LONG, ...shared, deadlineMs: deadlineMs.long }),
    }
  }
}
