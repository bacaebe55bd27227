import { FairQueue } from './fair-queue.js'

interface Waiter {
  grant(): void
}

export interface Asking {
  /** Who asks: those of different keys are served in turn, however many of one key wait. */
  key?: string
  /** Ends the waiting. */
  signal?: AbortSignal
}

/** A counting semaphore that serves in the order of asking; between keys, where there are any, in turn. */
export class Semaphore {
  readonly #limit: number
  readonly #queue = new FairQueue<Waiter>()
  #taken = 0

  /** @param limit how many may hold it at once, at least 1 */
  constructor(limit: number) {
    if (!Number.isInteger(limit) || limit < 1) throw new RangeError('A semaphore needs a whole limit of at least 1')
    this.#limit = limit
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue.size
  }

  /** How many more could enter at once. */
  get free(): number {
    return this.#limit - this.#taken
  }

  /**
   * Takes a place, waiting for its turn.
   *
   * @returns gives the place back; calling it again does nothing
   * @throws the signal's reason when it is aborted before the turn comes
   */
  acquire({ key = '', signal }: Asking = {}): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (this.#taken < this.#limit) return resolve(this.#take())
      const waiter: Waiter = {
        grant: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve(this.#take())
        },
      }
      const onAbort = () => {
        this.#queue.delete(key, waiter)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#queue.push(key, waiter)
    })
  }

  /** Runs `fn` while holding a place; the place is given back however it ends. */
  async use<T>(fn: () => T | Promise<T>, asking?: Asking): Promise<T> {
    const release = await this.acquire(asking)
    try {
      return await fn()
    } finally {
      release()
    }
  }

  #take(): () => void {
    this.#taken += 1
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#taken -= 1
      this.#serveNext()
    }
  }

  #serveNext(): void {
    this.#queue.shift()?.grant()
  }
}
