/** After a failure Redis is left alone for so long (ms). */
const REST_MS = 2000

/**
 * Asks Redis for what can be done without. One that does not answer is not asked again for a while, so that not every
 * request has to wait for its time-out.
 */
export class Patience {
  private restsUntil = 0

  /** @returns undefined where Redis cannot be asked now */
  async ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    if (Date.now() < this.restsUntil) return undefined
    try {
      return await question()
    } catch {
      this.restsUntil = Date.now() + REST_MS
      return undefined
    }
  }
}
