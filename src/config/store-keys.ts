import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.js'
import { ConfigError } from './config-error.js'
import type { RawSettings } from './env.js'
import { checkStoreKey } from './secrets.js'

/** Where a key that the gateway has made lies, and the next one of a rotation that is not finished. */
export function storeKeyFiles({ dataDir }: Pick<Config, 'dataDir'>): { current: string; next: string } {
  const current = join(dataDir, 'secrets', 'store-key')
  return { current, next: `${current}.new` }
}

/**
 * The keys that the store may be under, without making one: the one in use, and the next one of a rotation that was cut
 * off. None where there is no store yet.
 */
export function knownStoreKeys(raw: RawSettings, config: Pick<Config, 'dataDir'>): string[] {
  const { current, next } = storeKeyFiles(config)
  const given = raw.STORE_KEY?.value
  const keys = [given ?? readKey(current), readKey(next)].filter((key) => key !== undefined)
  return keys.map(checkStoreKey)
}

function readKey(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch (error) {
    throw new ConfigError('STORE_KEY', `cannot read ${path} (${(error as NodeJS.ErrnoException).code})`)
  }
}
