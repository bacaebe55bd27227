import { conflict } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import { nameOf, type Place } from '../storage/place.js'
import type { Places } from '../storage/places.js'
import type { Profile } from '../storage/profile.js'
import type { Unit } from '../storage/unit.js'

export const SPARES = '_spare'

/** A place that is being made belongs to a tenant after this time (ms), or is still being made, or nobody's. */
const MAKING_MS = 10 * 60_000

export interface Spare {
  place: Place
  /** When it may be removed: milliseconds since the epoch. */
  after: number
  /** The instance that makes it: nobody else removes it as long as that lives, and nobody will use it afterwards. */
  maker?: string
  /** Whether it is being removed: no tenant gets it any more. */
  removing?: boolean
}

export interface SparePlacesOptions {
  /** This process among the instances. */
  self: string
  isAlive: (instance: string) => Promise<boolean>
}

/**
 * Places that no tenant has: noted before they are made, or as they are left. So a crash leaves nothing that is not
 * found and removed. A tenant gets a place in the commit that takes its note away, and a place is removed only once its
 * note says so: whichever comes first keeps the other from it.
 */
export class SparePlaces {
  /** The places that are being made here, by name. */
  private readonly underWay = new Set<string>()

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

  /** Keeps a place that is noted for work that makes a tenant's of it, however long that takes; where it fails, it goes. */
  async making<T>(place: Place, work: () => Promise<T>): Promise<T> {
    const name = nameOf(place)
    this.underWay.add(name)
    try {
      return await work()
    } catch (error) {
      await this.drop(place).catch((failure) => this.warn(name, failure))
      throw error
    } finally {
      this.underWay.delete(name)
    }
  }

  /** A tenant gets the place, in this unit. @throws CONFLICT where it was given up meanwhile */
  async take(unit: Unit, place: Place): Promise<void> {
    const entry = await unit.fetch(SPARES, nameOf(place))
    if (!entry || spareOf(entry).removing) throw conflict('This took too long, and was given up. Try again.')
    await unit.remove(SPARES, nameOf(place))
  }

  /** A tenant leaves the place, in this unit; it is removed after `ms`. */
  leave(unit: Unit, place: Place, ms: number): void {
    this.note(unit, { place, after: Date.now() + ms })
  }

  private note(unit: Unit, spare: Spare): void {
    unit.insert({ category: SPARES, name: nameOf(spare.place), value: JSON.stringify(spare), tags: {} })
  }

  /** No tenant gets a place any more, from this unit on, that an instance is making. */
  async giveUp(unit: Unit, maker: string): Promise<void> {
    for (const entry of await unit.query(SPARES, {})) {
      const spare = spareOf(entry)
      if (spare.maker === maker) await this.condemn(unit, spare.place)
    }
  }

  /** Removes a place that was made for nothing; not one that a tenant has by now. */
  async drop(place: Place): Promise<void> {
    // Written, it comes after a commit that may have given the place to a tenant and was not heard of again.
    const isSpare = await this.base.transact((unit) => {
      unit.touch()
      return this.condemn(unit, place)
    })
    if (!isSpare) return
    await this.places.remove(place)
    await this.base.transact((unit) => unit.remove(SPARES, nameOf(place)))
  }

  private async condemn(unit: Unit, place: Place): Promise<boolean> {
    const entry = await unit.fetch(SPARES, nameOf(place))
    if (!entry) return false
    return unit.replace({ ...entry, value: JSON.stringify({ ...spareOf(entry), removing: true }) })
  }

  /** The same where it can be done now; a profile is noted nowhere, and one that is left is empty and never used. */
  async discard(place: Place): Promise<void> {
    await (place.kind === 'STORE' ? this.drop(place) : this.places.remove(place)).catch((error) =>
      this.warn(nameOf(place), error),
    )
  }

  /** Removes what nobody has any more. */
  async sweep(): Promise<void> {
    for (const entry of await this.base.query(SPARES, {})) {
      const spare = spareOf(entry)
      if (!(await this.isOver(spare))) continue
      await this.drop(spare.place).catch((error) => this.warn(entry.name, error))
    }
  }

  private async isOver({ place, after, maker, removing }: Spare): Promise<boolean> {
    if (removing) return true
    if (maker !== undefined && maker !== this.options.self) return !(await this.options.isAlive(maker))
    return after <= Date.now() && !this.underWay.has(nameOf(place))
  }

  private warn(place: string, error: unknown): void {
    this.logger.warn('A place that nobody uses could not be removed', { place, error })
  }
}

const spareOf = ({ value }: { value: string }) => JSON.parse(value) as Spare
