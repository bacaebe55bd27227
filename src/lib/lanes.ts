interface Lane {
  end: Promise<unknown>
  weight: number
}

/** Does what there is to do for each key in turn, and for different keys at once. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  #weight = 0

  /** What all that is not done yet weighs. */
  get weight(): number {
    return this.#weight
  }

  weightOf(key: string): number {
    return this.#lanes.get(key)?.weight ?? 0
  }

  /** `work` is begun once all that came before it for its key has ended. */
  async run<T>(key: string, weight: number, work: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(key) ?? { end: Promise.resolve(), weight: 0 }
    this.#lanes.set(key, lane)
    this.#add(key, lane, weight)
    const own = lane.end.then(work)
    lane.end = own.catch(() => {})
    try {
      return await own
    } finally {
      this.#add(key, lane, -weight)
    }
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.all([...this.#lanes.values()].map(({ end }) => end))
  }

  #add(key: string, lane: Lane, weight: number): void {
    this.#weight += weight
    lane.weight += weight
    if (lane.weight === 0) this.#lanes.delete(key)
  }
}
