/** A queue in which many who wait stand in turn by their key: each key's first, then each key's second, and so on. */
export class FairQueue<T> {
  readonly #lines = new Map<string, Set<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** How many of one key wait. */
  sizeOf(key: string): number {
    return this.#lines.get(key)?.size ?? 0
  }

  /** Who is next. */
  get first(): T | undefined {
    for (const line of this.#lines.values()) for (const item of line) return item
    return undefined
  }

  push(key: string, item: T): void {
    const line = this.#lines.get(key) ?? new Set()
    this.#lines.set(key, line.add(item))
    this.#size += 1
  }

  /**
   * Takes out who is next, of the keys that may be; whoever stands behind it with the same key waits until all other
   * keys had their turn.
   */
  shift(may: (key: string) => boolean = () => true): T | undefined {
    for (const [key, line] of this.#lines) {
      if (!may(key)) continue
      const [item] = line as Iterable<T>
      this.#lines.delete(key)
      line.delete(item as T)
      if (line.size > 0) this.#lines.set(key, line)
      this.#size -= 1
      return item
    }
    return undefined
  }

  /** Takes out one that no longer waits. */
  delete(key: string, item: T): void {
    const line = this.#lines.get(key)
    if (!line?.delete(item)) return
    this.#size -= 1
    if (line.size === 0) this.#lines.delete(key)
  }
}
