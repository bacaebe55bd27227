import type { Logger } from '../lib/logger.js'
import type { Place } from '../storage/place.js'
import type { Places } from '../storage/places.js'
import type { Profile } from '../storage/profile.js'
import type { Unit } from '../storage/unit.js'

export const SPARES = '_spare'

/** A place that is being made belongs to a tenant after this time (ms), or to nobody. */
const MAKING_MS = 10 * 60_000

export interface Spare {
  place: Place
  /** When it may be removed: milliseconds since the epoch. */
  after: number
  /** The instance that makes it: once that has ended, nobody will use the place. */
  maker?: string
}

export interface SparePlacesOptions {
  /** This process among the instances. */
  self: string
  isAlive: (instance: string) => Promise<boolean>
}

const nameOf = (place: Place) => (place.kind === 'STORE' ? place.store : place.profile)

/**
 * Places that no tenant has: noted before they are made, or as they are left. So a crash leaves nothing that is not
 * found and removed.
 */
export class SparePlaces {
  constructor(
    private readonly base: Profile,
    private readonly places: Places,
    private readonly options: SparePlacesOptions,
    private readonly logger: Logger,
  ) {}

  /** Notes a place that is about to be made. */
  async reserve(place: Place): Promise<void> {
    await this.base.transact(async (unit) =>
      this.note(unit, { place, after: Date.now() + MAKING_MS, maker: this.options.self }),
    )
  }

  /** A tenant gets the place, in this unit. */
  async take(unit: Unit, place: Place): Promise<void> {
    await unit.remove(SPARES, nameOf(place))
  }

  /** A tenant leaves the place, in this unit; it is removed after `ms`. */
  leave(unit: Unit, place: Place, ms: number): void {
    this.note(unit, { place, after: Date.now() + ms })
  }

  private note(unit: Unit, spare: Spare): void {
    unit.insert({ category: SPARES, name: nameOf(spare.place), value: JSON.stringify(spare), tags: {} })
  }

  /** Removes a place that was made for nothing. */
  async drop(place: Place): Promise<void> {
    await this.places.remove(place)
    await this.base.transact((unit) => this.take(unit, place))
  }

  /** The same where it can be done now; a profile is noted nowhere, and one that is left is empty and never used. */
  async discard(place: Place): Promise<void> {
    await (place.kind === 'STORE' ? this.drop(place) : this.places.remove(place)).catch((error) =>
      this.warn(nameOf(place), error),
    )
  }

  /** Removes what nobody has any more. */
  async sweep(): Promise<void> {
    for (const { name, value } of await this.base.query(SPARES, {})) {
      const { place, after, maker } = JSON.parse(value) as Spare
      const isGivenUp = maker !== undefined && !(await this.options.isAlive(maker))
      if (after > Date.now() && !isGivenUp) continue
      await this.drop(place).catch((error) => this.warn(name, error))
    }
  }

  private warn(place: string, error: unknown): void {
    this.logger.warn('A place that nobody uses could not be removed', { place, error })
  }
}
