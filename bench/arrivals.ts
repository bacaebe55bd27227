import { type Deferred, deferred } from '../src/lib/deferred.js'
import { within } from './workers.js'

/** Brings together who waits for something by its key and the stream that says it has come, whichever is first. */
export class Arrivals {
  private readonly waiting = new Map<string, Deferred<number>>()
  private readonly early = new Map<string, number>()
  private broken: Error | undefined

  /** Says that it has come, now. */
  arrived(key: string): void {
    const now = performance.now()
    const waiter = this.waiting.get(key)
    this.waiting.delete(key)
    if (waiter) waiter.resolve(now)
    else this.early.set(key, now)
  }

  /** The time it came, on the clock of `performance.now()`. */
  async until(key: string, seconds: number): Promise<number> {
    const before = this.early.get(key)
    this.early.delete(key)
    if (before !== undefined) return before
    if (this.broken) throw this.broken
    const waiter = deferred<number>()
    this.waiting.set(key, waiter)
    return within(seconds, key, waiter.promise)
  }

  /** Nothing more comes: everyone who waits is told why. */
  readonly fail = (reason: Error): void => {
    this.broken = reason
    for (const waiter of this.waiting.values()) waiter.reject(reason)
    this.waiting.clear()
  }
}
