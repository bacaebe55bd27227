import { Semaphore } from './semaphore.js'

/** One thing at a time per key, in the order of asking; other keys are not held up. Idle keys cost nothing. */
export class KeyedMutex {
  readonly #locks = new Map<string, { semaphore: Semaphore; users: number }>()

  /** How many keys are held or waited for. */
  get size(): number {
    return this.#locks.size
  }

  /** Whether someone holds or waits for `key`. */
  isHeld(key: string): boolean {
    return this.#locks.has(key)
  }

  /**
   * Runs `fn` alone among all that use `key`. Not reentrant: `fn` must not ask for the same key.
   *
   * @throws what `fn` throws, or the signal's reason when it is aborted before the turn comes
   */
  async run<T>(key: string, fn: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    const lock = this.#locks.get(key) ?? { semaphore: new Semaphore(1), users: 0 }
    this.#locks.set(key, lock)
    lock.users += 1
    try {
      return await lock.semaphore.use(fn, signal)
    } finally {
      lock.users -= 1
      if (lock.users === 0) this.#locks.delete(key)
    }
  }
}
