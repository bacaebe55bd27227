import { type Deferred, deferred } from './deferred.js'

export interface BoundedBufferOptions<T> {
  /** How many items may wait to be read, at least 1. */
  capacity: number
  /** How much all that waits may weigh; one alone always may. */
  weight?: { most: number; of: (item: T) => number }
  /** Makes the error that the reader gets once it fell behind. */
  overflow: () => Error
  /** Called once, when nothing more can be pushed: on overflow, `end` or the reader's leaving. */
  onClose?: () => void
}

/**
 * A queue with a hard capacity between one that pushes and one that reads with `for await`.
 *
 * On overflow what waits is dropped and the reader's next step throws: memory stays bounded, and the reader goes on
 * from its last cursor. After `end()` the reader still gets what waits.
 */
export class BoundedBuffer<T> implements AsyncIterableIterator<T, undefined> {
  readonly #options: BoundedBufferOptions<T>
  readonly #items: T[] = []
  #weight = 0
  readonly #readers: Deferred<IteratorResult<T, undefined>>[] = []
  #closed = false
  #error: { reason: unknown } | undefined

  constructor(options: BoundedBufferOptions<T>) {
    if (!(options.capacity >= 1)) throw new RangeError('A buffer needs a capacity of at least 1')
    this.#options = options
  }

  /** How many items wait to be read. */
  get size(): number {
    return this.#items.length
  }

  /** Whether nothing more can be pushed. */
  get closed(): boolean {
    return this.#closed
  }

  /** @returns false when the item was not taken: the buffer is full (which closes it) or closed */
  push(item: T): boolean {
    if (this.#closed) return false
    const reader = this.#readers.shift()
    if (reader) {
      reader.resolve({ value: item, done: false })
      return true
    }
    const weight = this.#weight + this.#weigh(item)
    const isTooMuch = this.#items.length > 0 && weight > (this.#options.weight?.most ?? Number.POSITIVE_INFINITY)
    if (this.#items.length >= this.#options.capacity || isTooMuch) {
      this.clear()
      this.end(this.#options.overflow())
      return false
    }
    this.#items.push(item)
    this.#weight = weight
    return true
  }

  /** Nothing more comes. With an error, the reader gets what waits and then the error, once. */
  end(error?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    if (error !== undefined) this.#error = { reason: error }
    for (const reader of this.#readers.splice(0)) this.#settle(reader)
    this.#options.onClose?.()
  }

  /** Drops what waits, but not the error behind it. */
  clear(): void {
    this.#items.length = 0
    this.#weight = 0
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const reader = deferred<IteratorResult<T, undefined>>()
    if (this.#items.length > 0) reader.resolve({ value: this.#take(), done: false })
    else if (this.#closed) this.#settle(reader)
    else this.#readers.push(reader)
    return reader.promise
  }

  /** The reader leaves: what waits is dropped. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.clear()
    this.#error = undefined
    this.end()
    return { value: undefined, done: true }
  }

  #take(): T {
    const item = this.#items.shift() as T
    this.#weight -= this.#weigh(item)
    return item
  }

  #weigh(item: T): number {
    return this.#options.weight?.of(item) ?? 0
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #settle(reader: Deferred<IteratorResult<T, undefined>>): void {
    const error = this.#error
    this.#error = undefined
    if (error) reader.reject(error.reason)
    else reader.resolve({ value: undefined, done: true })
  }
}
