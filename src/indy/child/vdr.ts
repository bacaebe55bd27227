import koffi from 'koffi'
import { LedgerError } from '../errors.js'

// The signatures are those of `libindy_vdr.h` of 0.4.2.
const supportedVersion = /^0\.4\.([2-9]|\d\d+)$/
const callbackTypes = {
  nothing: koffi.proto('void', ['int64_t', 'int64_t']),
  text: koffi.proto('void', ['int64_t', 'int64_t', 'void *']),
}

/** Seconds: a node that does not answer is left, and all nodes together. */
const CONFIG = { protocol_version: 'Node1_4', ack_timeout: 5, reply_timeout: 10 }

/** Handle of a pool or a request within the library. */
type Handle = bigint

/** The few calls of Indy VDR that reading and writing need. It asks nodes on threads of its own, and calls back on ours. */
export class Vdr {
  readonly #functions: ReturnType<typeof declare>
  readonly #waiting = new Map<number, (code: number, result: bigint | null) => void>()
  readonly #callbacks: Readonly<Record<keyof typeof callbackTypes, bigint>>
  #lastId = 0

  /** @throws Error if the library cannot be loaded, or is not a 0.4 from 0.4.2 on */
  constructor(libraryPath: string) {
    this.#functions = declare(libraryPath)
    const settle = (id: number, code: number, result: bigint | null = null) => {
      const waiting = this.#waiting.get(Number(id))
      this.#waiting.delete(Number(id))
      waiting?.(Number(code), result)
    }
    const register = (type: keyof typeof callbackTypes) =>
      koffi.register(settle, koffi.pointer(callbackTypes[type])) as unknown as bigint
    this.#callbacks = { nothing: register('nothing'), text: register('text') }
    this.#check(this.#functions.setConfig(JSON.stringify(CONFIG)))
  }

  /** Connects to nothing yet. */
  createPool(genesis: string): Handle {
    return this.#make((out) => this.#functions.createPool(JSON.stringify({ transactions: genesis }), out))
  }

  /** Asks the nodes who belongs to the pool now. */
  async refresh(pool: Handle): Promise<void> {
    await this.#call((id) => this.#functions.refresh(pool, this.#callbacks.nothing, id))
  }

  /**
   * Sends a request to the pool. What comes back bears a proof that the library has checked, or so many nodes have
   * answered the same that one of them is honest.
   */
  async submit(pool: Handle, request: object): Promise<string> {
    const handle = this.#make((out) => this.#functions.buildRequest(JSON.stringify(request), out))
    const text = await this.#call((id) => this.#functions.submit(pool, handle, this.#callbacks.text, id))
    if (text === null) throw new LedgerError('The pool has answered nothing')
    return text
  }

  /** What the author of a request signs. */
  signatureInput(request: object): string {
    const handle = this.#make((out) => this.#functions.buildRequest(JSON.stringify(request), out))
    try {
      const out = new BigUint64Array(1)
      this.#check(this.#functions.signatureInput(handle, out))
      return this.#take(out[0] ?? 0n)
    } finally {
      this.#functions.freeRequest(handle)
    }
  }

  #make(call: (out: BigInt64Array) => number): Handle {
    const out = new BigInt64Array(1)
    this.#check(call(out))
    return out[0] ?? 0n
  }

  #call(start: (id: number) => number): Promise<string | null> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      this.#waiting.set(id, (code, result) => {
        if (code !== 0) reject(this.#error(code))
        else resolve(result === null ? null : this.#take(result))
      })
      const code = start(id)
      if (code === 0) return
      this.#waiting.delete(id)
      reject(this.#error(code))
    })
  }

  #check(code: number): void {
    if (code !== 0) throw this.#error(code)
  }

  #error(code: number): LedgerError {
    const out = new BigUint64Array(1)
    this.#functions.currentError(out)
    const { message } = out[0] ? (JSON.parse(this.#take(out[0])) as { message?: string }) : {}
    return new LedgerError(message ?? `Error code ${code}`, code)
  }

  /** Copies a string that the library gave away, then frees it. */
  #take(address: bigint): string {
    try {
      return koffi.decode.string(address)
    } finally {
      this.#functions.freeString(address)
    }
  }
}

function declare(path: string) {
  const library = koffi.load(path)
  const version = library.func('indy_vdr_version', 'str', [])() as string
  if (!supportedVersion.test(version)) throw new Error(`Indy VDR is version ${version}, not 0.4.2 or a later 0.4`)
  // An error code is an int64_t, but small.
  const func = <Args extends unknown[]>(name: string, ...types: string[]) =>
    library.func(`indy_vdr_${name}`, 'int64_t', types) as unknown as (...args: Args) => number
  return {
    setConfig: func<[string]>('set_config', 'str'),
    createPool: func<[string, BigInt64Array]>('pool_create', 'str', 'void *'),
    refresh: func<[Handle, bigint, number]>('pool_refresh', 'int64_t', 'void *', 'int64_t'),
    buildRequest: func<[string, BigInt64Array]>('build_custom_request', 'str', 'void *'),
    signatureInput: func<[Handle, BigUint64Array]>('request_get_signature_input', 'int64_t', 'void *'),
    freeRequest: func<[Handle]>('request_free', 'int64_t'),
    submit: func<[Handle, Handle, bigint, number]>('pool_submit_request', 'int64_t', 'int64_t', 'void *', 'int64_t'),
    currentError: func<[BigUint64Array]>('get_current_error', 'void *'),
    freeString: library.func('indy_vdr_string_free', 'void', ['void *']) as unknown as (address: bigint) => void,
  }
}
