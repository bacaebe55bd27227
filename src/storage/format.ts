import { ConfigError } from '../config/config-error.js'
import { newId } from '../lib/ids.js'
import type { Profile } from './profile.js'

/** Grows when what this version writes could not be read by the one before. */
export const FORMAT = 4

/** Where that stands, in the base wallet. */
export const META = { category: '_meta', name: 'store' }

/** What a store says of itself. */
export interface StoreMeta {
  format: number
  /** The same for everyone who uses the store, by whatever address. */
  id: string
}

/**
 * Reads what a store says of itself, and has a new one say it.
 * @throws ConfigError where a later version has written the store
 */
export function readStoreMeta(base: Profile): Promise<StoreMeta> {
  return base.transact(async (unit) => {
    const entry = await unit.fetch(META.category, META.name)
    if (!entry) {
      const meta = { format: FORMAT, id: newId() }
      unit.insert({ ...META, value: JSON.stringify(meta), tags: {} })
      return meta
    }
    const meta = JSON.parse(entry.value) as StoreMeta
    if (meta.format > FORMAT) {
      throw new ConfigError(
        'DATABASE_URL',
        `a later version wrote this store (format ${meta.format}), use that version`,
      )
    }
    if (meta.format === FORMAT) return meta
    const current = { ...meta, format: FORMAT }
    await unit.replace({ ...META, value: JSON.stringify(current), tags: {} })
    return current
  })
}
