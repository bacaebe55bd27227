import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { GuardedFetch } from '../lib/guarded-fetch.js'
import { Semaphore } from '../lib/semaphore.js'
import { LedgerError } from './errors.js'
import { findIndyLibrary } from './library.js'
import type { AskMessage, Operation, ReplyMessage, WriteRequest } from './messages.js'
import { type IndyNetwork, isGenesis } from './network.js'
import { agreedInput } from './signature-input.js'

export interface IndyLedgersOptions {
  networks: readonly IndyNetwork[]
  /** For genesis transactions by URL. */
  fetch: GuardedFetch
  /** File of the native library, or a folder that has it; by default see `findIndyLibrary`. */
  libraryPath?: string
}

interface Waiting {
  resolve(result: Record<string, unknown>): void
  reject(error: Error): void
}

type WithoutId<Message> = Message extends unknown ? Omit<Message, 'id'> : never
type Asked = WithoutId<AskMessage>

const SCRIPT = fileURLToPath(new URL('./child/main.js', import.meta.url))
/** The library gives up earlier by itself. */
const PATIENCE_MS = 45_000
const IDLE_MS = 5 * 60_000
/** Requests that are under way at once. */
const MOST = 64

/**
 * Indy ledgers, to read from and to write to. The library that talks to the nodes runs in a process of its own, which is started when first
 * needed, ends after a while without a request, and is started anew when it has ended by itself: where the library's
 * network code finds something wrong with itself it ends its process.
 */
export class IndyLedgers {
  readonly networks: readonly IndyNetwork[]
  readonly #options: IndyLedgersOptions
  readonly #genesis = new Map<string, string>()
  readonly #slots = new Semaphore(MOST)
  readonly #waiting = new Map<number, Waiting>()
  #child: ChildProcess | undefined
  #idle: NodeJS.Timeout | undefined
  #lastId = 0
  #stopped = false

  constructor(options: IndyLedgersOptions) {
    this.#options = options
    this.networks = options.networks
  }

  /** The process, while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /**
   * What a network's nodes answer.
   *
   * @throws LedgerError where it cannot be reached, or refuses
   */
  async ask(network: IndyNetwork, operation: Operation): Promise<Record<string, unknown>> {
    const genesis = await this.#genesisOf(network)
    return this.#slots.use(() => this.#send({ ask: 'READ', genesis, operation }), { key: network.namespace })
  }

  /** The bytes that the author of a request signs. @throws Error where the library has others than {@link agreedInput} */
  async signatureInput(request: WriteRequest): Promise<Buffer> {
    const { input } = await this.#send({ ask: 'SIGNATURE_INPUT', request })
    return agreedInput(request, input)
  }

  /**
   * Has a network's nodes write a request that bears its signature.
   *
   * @returns the transaction, as the ledger has it
   * @throws LedgerError where it cannot be reached, or refuses
   */
  async write(network: IndyNetwork, request: WriteRequest): Promise<Record<string, unknown>> {
    const genesis = await this.#genesisOf(network)
    return this.#slots.use(() => this.#send({ ask: 'WRITE', genesis, request }), { key: network.namespace })
  }

  /** Fails what is under way, and ends the process. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#idle)
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  /** Read once; one that is not at hand now is looked for again with the next request. */
  async #genesisOf({ namespace, genesis }: IndyNetwork): Promise<string> {
    const known = this.#genesis.get(namespace)
    if (known !== undefined) return known
    const isUrl = /^https?:/.test(genesis)
    const text = isUrl ? (await this.#options.fetch.fetch(genesis)).body.toString() : await readFile(genesis, 'utf8')
    if (!isGenesis(text))
      throw new LedgerError(`There are no genesis transactions of ${namespace} where its setting says`)
    this.#genesis.set(namespace, text)
    return text
  }

  #send(asked: Asked): Promise<Record<string, unknown>> {
    if (this.#stopped) return Promise.reject(new LedgerError('The gateway is stopping'))
    clearTimeout(this.#idle)
    const child = this.#child ?? this.#start()
    const id = ++this.#lastId
    // A process that answers nothing at all is ended, which fails its other requests too.
    const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    return new Promise<Record<string, unknown>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      // What it cannot be told, because it is gone, its end tells us.
      child.send({ id, ...asked } satisfies AskMessage, () => {})
    }).finally(() => {
      clearTimeout(patience)
      clearTimeout(this.#idle)
      if (this.#waiting.size === 0) this.#idle = setTimeout(() => child.kill('SIGKILL'), IDLE_MS).unref()
    })
  }

  #start(): ChildProcess {
    const child = fork(SCRIPT, [findIndyLibrary({ libraryPath: this.#options.libraryPath })], {
      // Secrets of the gateway are not for it, nor options meant for the gateway's own Node.
      env: process.env['SystemRoot'] ? { SystemRoot: process.env['SystemRoot'] } : {},
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const ended = () => {
      if (child !== this.#child) return
      this.#child = undefined
      for (const { reject } of this.#waiting.values())
        reject(new LedgerError('The process that talks to ledgers has ended'))
      this.#waiting.clear()
    }
    child.on('message', (message: ReplyMessage) => {
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if ('result' in message) waiting?.resolve(message.result)
      else waiting?.reject(new LedgerError(message.error.message, message.error.code))
    })
    child.once('exit', ended)
    child.once('error', ended)
    this.#child = child
    return child
  }
}
