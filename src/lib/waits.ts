interface Wait {
  timer: NodeJS.Timeout
  end: () => void
}

/** Pauses that can all be ended at once, after which there are no more. */
export class Waits {
  readonly #open = new Set<Wait>()
  #stopped = false

  get stopped(): boolean {
    return this.#stopped
  }

  /** @param begun is given what ends the pause before its time (ms) */
  pause(ms: number, begun?: (end: () => void) => void): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(wait.timer)
        this.#open.delete(wait)
        resolve()
      }
      const wait = { timer: setTimeout(end, ms), end }
      this.#open.add(wait)
      begun?.(end)
    })
  }

  stop(): void {
    this.#stopped = true
    for (const { end } of this.#open) end()
  }
}
