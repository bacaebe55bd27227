import { ConfigError } from '../config/config-error.js'
import type { Profile } from './profile.js'

/** Grows when what this version writes could not be read by the one before. */
const FORMAT = 1

const CATEGORY = '_meta'
const NAME = 'format'

/**
 * Notes the format of a new store, and refuses one that a later version has written.
 * @throws ConfigError
 */
export async function assertFormat(base: Profile): Promise<void> {
  await base.transact(async (unit) => {
    const entry = await unit.fetch(CATEGORY, NAME)
    if (!entry) return unit.insert({ category: CATEGORY, name: NAME, value: JSON.stringify(FORMAT), tags: {} })
    const format = JSON.parse(entry.value) as number
    if (format > FORMAT) {
      throw new ConfigError(
        'DATABASE_URL',
        `the store was written by a later version (format ${format}); use that version`,
      )
    }
  })
}
