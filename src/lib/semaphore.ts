interface Waiter {
  grant(): void
}

/** A counting semaphore that serves in the order of asking. */
export class Semaphore {
  readonly #limit: number
  readonly #queue = new Set<Waiter>()
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
  acquire(signal?: AbortSignal): Promise<() => void> {
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
        this.#queue.delete(waiter)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#queue.add(waiter)
    })
  }

  /** Runs `fn` while holding a place; the place is given back however it ends. */
  async use<T>(fn: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    const release = await this.acquire(signal)
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
    const [next] = this.#queue
    if (!next) return
    this.#queue.delete(next)
    next.grant()
  }
}
