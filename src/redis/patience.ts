/** After a failure Redis is left alone for so long (ms). */
const REST_MS = 2000

/**
 * Asks Redis for what can be done without. One that does not answer is not asked again for a while, so that not every
 * request has to wait for its time-out.
 */
export class Patience {
  /** Of `performance.now()`: a step of the clock must not make it longer. */
  private restsUntil = Number.NEGATIVE_INFINITY

  /** @returns undefined where Redis cannot be asked now */
  async ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    if (performance.now() < this.restsUntil) return undefined
    try {
      return await question()
    } catch {
      this.restsUntil = performance.now() + REST_MS
      return undefined
    }
  }
}
