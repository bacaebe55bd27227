import { AsyncLocalStorage } from 'node:async_hooks'
import { FairQueue } from './fair-queue.js'

export interface FairGateOptions {
  /** How many may be inside at once. */
  most: number
  /** How many of one key, while others are about; alone, a key may have all places. */
  share: number
  /**
   * A key of which more wait lets those go first of which none does, but not for longer than this at a time (ms): the
   * whole of it where `many` more wait, and less in proportion.
   */
  yieldMs: number
  many: number
  /** Others are about for so long after they last came or went (ms). */
  aboutMs: number
  /** Who stays longer waits for something else, and keeps no place (ms). */
  stayMs: number
}

/** What running work knows of its place, which it may give away and ask for again as long as it runs. */
class Pass {
  #entering: Promise<() => void> | undefined
  #ended = false

  constructor(
    private readonly gate: FairGate,
    private readonly key: string,
  ) {}

  async enter(): Promise<void> {
    if (this.#ended) return
    this.#entering ??= this.gate.enter(this.key)
    await this.#entering
  }

  leave(): void {
    void this.#entering?.then((leave) => leave())
    this.#entering = undefined
  }

  /** What the work has left behind, to be done in its name, takes no place: nobody would give that back. */
  end(): void {
    this.#ended = true
    this.leave()
  }
}

const passes = new AsyncLocalStorage<Pass>()

/** Gives the running work's place to another: it is about to wait, in a queue that is fair by itself. */
export const leaveGate = (): void => passes.getStore()?.leave()

/** Waits for a place again, for work that has given its own away. Outside of any gate it does nothing. */
export const enterGateAgain = (): Promise<void> | undefined => passes.getStore()?.enter()

interface Waiter {
  enter(): void
}

/**
 * Lets a few in at once, in turn by their keys. On one thread, who comes in shares it with all who are inside; so a key
 * may have only a small share of them while others are about, and a newcomer finds the thread nearly free however much
 * one key asks for. What comes of that key goes on in what the others leave, and slowly in any case.
 */
export class FairGate {
  readonly #options: FairGateOptions
  readonly #queue = new FairQueue<Waiter>()
  readonly #inside = new Map<string, number>()
  /** When a key was last let in, as long as it is inside or waits. */
  readonly #lastIn = new Map<string, number>()
  #taken = 0
  /** The key that came or went last, and when; and the last other one. */
  #latest = { key: '', at: Number.NEGATIVE_INFINITY }
  #previous = { key: '', at: Number.NEGATIVE_INFINITY }

  constructor(options: FairGateOptions) {
    this.#options = options
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue.size
  }

  /** Waits for its turn. @returns to be called at the end; calling it again does nothing */
  enter(key: string): Promise<() => void> {
    this.#note(key)
    return new Promise((resolve) => {
      this.#queue.push(key, { enter: () => resolve(this.#take(key)) })
      this.#serve()
    })
  }

  async use<T>(key: string, fn: () => T | Promise<T>): Promise<T> {
    const pass = new Pass(this, key)
    await pass.enter()
    try {
      return await passes.run(pass, fn)
    } finally {
      pass.end()
    }
  }

  #take(key: string): () => void {
    this.#taken += 1
    this.#inside.set(key, (this.#inside.get(key) ?? 0) + 1)
    this.#lastIn.set(key, performance.now())
    let inside = true
    const leave = () => {
      if (!inside) return
      inside = false
      clearTimeout(timer)
      this.#taken -= 1
      const left = (this.#inside.get(key) ?? 1) - 1
      if (left > 0) this.#inside.set(key, left)
      else this.#inside.delete(key)
      if (left === 0 && this.#queue.sizeOf(key) === 0) this.#lastIn.delete(key)
      this.#note(key)
      this.#serve()
    }
    const timer = setTimeout(leave, this.#options.stayMs).unref()
    return leave
  }

  #serve(): void {
    while (this.#taken < this.#options.most) {
      const next = this.#queue.shift((key) => this.#hasRoom(key))
      if (!next) return
      next.enter()
    }
  }

  #hasRoom(key: string): boolean {
    const { at } = this.#latest.key === key ? this.#previous : this.#latest
    const alone = at < performance.now() - this.#options.aboutMs
    return alone || ((this.#inside.get(key) ?? 0) < this.#options.share && !this.#mustYield(key))
  }

  /** Whether somebody is inside who asks for little, while this key asks for much and was let in a moment ago. */
  #mustYield(key: string): boolean {
    const { yieldMs, many } = this.#options
    const lastIn = this.#lastIn.get(key) ?? Number.NEGATIVE_INFINITY
    const yields = yieldMs * Math.min(1, (this.#queue.sizeOf(key) - 1) / many)
    if (performance.now() - lastIn >= yields) return false
    for (const other of this.#inside.keys()) if (other !== key && this.#queue.sizeOf(other) === 0) return true
    return false
  }

  #note(key: string): void {
    if (this.#latest.key !== key) this.#previous = this.#latest
    this.#latest = { key, at: performance.now() }
  }
}
