/** From how many on they wait for each other, how long for the next of them, and how long in all (ms). */
const MANY = 4
const NEXT_MS = 5
const ALL_MS = 25

/**
 * Where many were about a moment ago, waits a little for as many to come again: those who were just answered come with
 * their next, and all are written in one transaction where they else would be in two.
 */
export class Crowd {
  private about = 1
  private arrived: (() => void) | undefined

  /** `present`: how many are here. */
  constructor(private readonly present: () => number) {}

  /** Whether more may come. */
  get isAwaited(): boolean {
    return this.about >= MANY && this.present() < this.about
  }

  /** Waits until as many are here as were about, or nobody comes any more. */
  async gather(): Promise<void> {
    await new Promise<void>((resolve) => {
      const until = performance.now() + ALL_MS
      let timer = setTimeout(resolve, NEXT_MS)
      this.arrived = () => {
        clearTimeout(timer)
        if (!this.isAwaited || performance.now() > until) resolve()
        else timer = setTimeout(resolve, NEXT_MS)
      }
    })
    this.arrived = undefined
  }

  /** One more has come. */
  came(): void {
    this.arrived?.()
  }

  /** So many were about. */
  were(about: number): void {
    this.about = about
  }
}
