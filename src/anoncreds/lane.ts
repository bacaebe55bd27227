import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { rateLimited } from '../lib/errors.js'
import { FairQueue } from '../lib/fair-queue.js'
import type { AnswerMessage, CallMessage } from './calls.js'
import { NativeError, UNEXPECTED } from './errors.js'

export interface LaneOptions {
  libraryPath: string
  /** How much the process stands back behind others, 0 to 19. */
  niceness: number
  /** Ends the process after so long without a call (ms). */
  idleMs: number
  /** The longest that one call may take (ms). */
  deadlineMs: number
  /** How many calls may wait, in all and of one tenant. */
  most: { inAll: number; ofTenant: number }
  /** When to try again after a call was refused (s). */
  retryAfter: number
}

interface Work {
  message: CallMessage
  resolve(result: unknown): void
  reject(error: Error): void
  /** How often it was handed to a process. */
  tries: number
}

/** A call that takes its process down is not made for ever. */
const MOST_TRIES = 2

const SCRIPT = fileURLToPath(new URL('./child/main.js', import.meta.url))

/**
 * A process that makes one call at a time, of waiting tenants in turn. It is started when there is a call, ended when
 * there was none for long, and started anew when it has ended by itself; the call in hand is then made once more. A call
 * that takes too long is ended with its process, and not made again: all others wait for it.
 */
export class Lane {
  readonly #options: LaneOptions
  readonly #queue = new FairQueue<Work>()
  #child: ChildProcess | undefined
  #inHand: Work | undefined
  #idle: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** The process, while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** How many calls wait. */
  get waiting(): number {
    return this.#queue.size
  }

  /**
   * @throws GatewayError RATE_LIMITED if too many wait
   * @throws NativeError if the library refuses the call, or it takes too long
   */
  call(tenantId: string, message: CallMessage): Promise<unknown> {
    const { most, retryAfter } = this.#options
    if (this.#stopped) return Promise.reject(stopping())
    if (this.#queue.size >= most.inAll || this.#queue.sizeOf(tenantId) >= most.ofTenant) {
      return Promise.reject(rateLimited(retryAfter))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push(tenantId, { message, resolve, reject, tries: 0 })
      this.#serve()
    })
  }

  /** Fails what waits, and ends the process. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#idle)
    clearTimeout(this.#deadline)
    const left = [this.#inHand, ...this.#all()]
    this.#inHand = undefined
    for (const work of left) work?.reject(stopping())
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  *#all(): Iterable<Work> {
    for (let work = this.#queue.shift(); work; work = this.#queue.shift()) yield work
  }

  #serve(): void {
    if (this.#inHand) return
    clearTimeout(this.#idle)
    const next = this.#queue.shift()
    if (next) this.#hand(next)
    else this.#idle = setTimeout(() => this.#rest(), this.#options.idleMs).unref()
  }

  #hand(work: Work): void {
    this.#inHand = work
    work.tries += 1
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(() => this.#cut(), this.#options.deadlineMs)
    try {
      this.#child ??= this.#start()
      // What it cannot be told, because it is gone, its end tells us.
      this.#child.send(work.message, () => {})
    } catch (error) {
      this.#settle((inHand) => inHand.reject(error as Error))
    }
  }

  #start(): ChildProcess {
    const { libraryPath, niceness } = this.#options
    const child = fork(SCRIPT, [libraryPath, String(niceness)], {
      // Secrets of the gateway are not for it, nor options meant for the gateway's own Node.
      env: process.env['SystemRoot'] ? { SystemRoot: process.env['SystemRoot'] } : {},
      execArgv: [],
      // Where the library panics it prints what it had in hand.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const ended = () => this.#ended(child)
    child.on('message', (answer: AnswerMessage) => {
      if (child === this.#child) this.#settle((inHand) => settle(inHand, answer))
    })
    child.once('exit', ended)
    child.once('error', ended)
    return child
  }

  #settle(how: (inHand: Work) => void): void {
    const inHand = this.#inHand
    if (!inHand) return
    this.#inHand = undefined
    clearTimeout(this.#deadline)
    how(inHand)
    this.#serve()
  }

  /** Ends the call in hand, which nothing else can than the end of its process. */
  #cut(): void {
    const child = this.#child
    this.#child = undefined
    child?.kill('SIGKILL')
    this.#settle((inHand) => inHand.reject(new NativeError(UNEXPECTED, 'The call took too long')))
  }

  #ended(child: ChildProcess): void {
    if (child !== this.#child) return
    this.#child = undefined
    const inHand = this.#inHand
    if (!inHand) return
    if (inHand.tries < MOST_TRIES) this.#hand(inHand)
    else this.#settle(() => inHand.reject(new Error('The process that makes AnonCreds calls ended within this call')))
  }

  /** It ends by itself when it is let go. */
  #rest(): void {
    const child = this.#child
    this.#child = undefined
    if (child?.connected) child.disconnect()
  }
}

function settle(work: Work, answer: AnswerMessage): void {
  if ('result' in answer) work.resolve(answer.result)
  else work.reject(errorOf(answer.error))
}

function errorOf({ code, message }: { code?: number; message: string }): Error {
  return code === undefined ? new Error(message) : new NativeError(code, message)
}

const stopping = () => new Error('The gateway is stopping')
