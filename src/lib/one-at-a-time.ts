/** Does one thing for each key at a time. What is asked for while that is under way is done once more, after it. */
export class OneAtATime {
  readonly #running = new Map<string, { again: boolean; ended: Promise<void> }>()
  readonly #work: (key: string) => Promise<void>

  /** `work` must not reject. */
  constructor(work: (key: string) => Promise<void>) {
    this.#work = work
  }

  isRunning(key: string): boolean {
    return this.#running.has(key)
  }

  /** @returns its end, that of what is done once more included */
  begin(key: string): Promise<void> {
    const running = this.#running.get(key)
    if (running) {
      running.again = true
      return running.ended
    }
    const run = { again: false, ended: Promise.resolve() }
    this.#running.set(key, run)
    run.ended = this.#run(key, run)
    return run.ended
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }

  async #run(key: string, run: { again: boolean }): Promise<void> {
    try {
      do {
        run.again = false
        await this.#work(key)
      } while (run.again)
    } finally {
      this.#running.delete(key)
    }
  }
}
