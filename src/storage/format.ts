import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '../config/config-error.js'
import { newId } from '../lib/ids.js'
import type { Profile } from './profile.js'
import type { Unit } from './unit.js'

/** Grows when what this version writes could not be read by the one before. */
export const FORMAT = 5

/** Where that stands, in the base wallet. */
export const META = { category: '_meta', name: 'store' }

/** What a store says of itself. */
export interface StoreMeta {
  format: number
  /** The same for everyone who uses the store, by whatever address. */
  id: string
}

/** How often to look for others (ms), and for how long there must be none: one that starts does not say so at once. */
const LOOK_MS = 500
const ALONE_MS = 3000

/**
 * Reads what a store says of itself, and has a new one say it.
 * @throws ConfigError where a later version has written the store
 */
export function readStoreMeta(base: Profile): Promise<StoreMeta> {
  return base.transact(async (unit) => {
    const found = await metaIn(unit)
    if (found) return found
    const meta = { format: FORMAT, id: newId() }
    unit.insert(entryOf(meta))
    return meta
  })
}

/** Who else runs on a store. */
export interface Company {
  /** The names of other instances. As long as the format is an earlier one, they are of an earlier version. */
  others(): Promise<string[]>
  /** Called where they are waited for, and where they are others than before. */
  waiting(others: string[]): void
}

/**
 * Has a store of an earlier format say that it is of this version's, once there is nobody who could not read what is written
 * from then on.
 *
 * @param company absent where nobody else can run on the store
 * @throws ConfigError where a later version has written the store meanwhile
 */
export async function raiseFormat(base: Profile, company?: Company): Promise<void> {
  let known = ''
  let aloneSince = company ? Date.now() : Number.NEGATIVE_INFINITY
  for (; (await readStoreMeta(base)).format < FORMAT; await sleep(LOOK_MS)) {
    const others = (await company?.others()) ?? []
    if (others.length > 0) {
      aloneSince = Date.now()
      if (others.join() !== known) company?.waiting(others)
      known = others.join()
    } else if (Date.now() - aloneSince >= ALONE_MS) {
      await base.transact(async (unit) => {
        const meta = await metaIn(unit)
        if (meta && meta.format < FORMAT) await unit.replace(entryOf({ ...meta, format: FORMAT }))
      })
    }
  }
}

async function metaIn(unit: Unit): Promise<StoreMeta | undefined> {
  const entry = await unit.fetch(META.category, META.name)
  if (!entry) return undefined
  const meta = JSON.parse(entry.value) as StoreMeta
  if (meta.format <= FORMAT) return meta
  throw new ConfigError('DATABASE_URL', `a later version wrote this store (format ${meta.format}), use that version`)
}

const entryOf = (meta: StoreMeta) => ({ ...META, value: JSON.stringify(meta), tags: {} })
