import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { base58Decode } from '../lib/base58.js'
import type { Config } from './config.js'
import { ConfigError } from './config-error.js'
import type { RawSettings } from './env.js'

const storeKeyBytes = 32

/** @throws ConfigError where it is none; the message never repeats it */
export function checkStoreKey(key: string, name = 'STORE_KEY'): string {
  let length = 0
  try {
    length = base58Decode(key.slice(0, 100)).length
  } catch {
    throw new ConfigError(name, `must be base58 of ${storeKeyBytes} bytes; it has other characters`)
  }
  if (length !== storeKeyBytes)
    throw new ConfigError(name, `must be base58 of ${storeKeyBytes} bytes, not of ${length}`)
  return key
}

/** Where a key that the gateway has made lies, and the next one while it is rotated. */
export function storeKeyFiles({ dataDir }: Pick<Config, 'dataDir'>): { current: string; next: string } {
  const current = join(dataDir, 'secrets', 'store-key')
  return { current, next: `${current}.new` }
}

/** The key that a rotation which was cut off has written down; the store is under it, or still under the one before. */
export const nextStoreKey = (config: Pick<Config, 'dataDir'>) => readKey(storeKeyFiles(config).next)

/**
 * The keys that the store may be under, without making one: the one in use, and the next one of a rotation that was cut
 * off. None where there is no store yet.
 */
export function knownStoreKeys(raw: RawSettings, config: Pick<Config, 'dataDir'>): string[] {
  const given = raw.STORE_KEY && checkStoreKey(raw.STORE_KEY.value)
  return [given ?? readKey(storeKeyFiles(config).current), nextStoreKey(config)].filter((key) => key !== undefined)
}

function readKey(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  try {
    return checkStoreKey(readFileSync(path, 'utf8').trimEnd(), path)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError('STORE_KEY', `cannot read ${path} (${(error as NodeJS.ErrnoException).code})`)
  }
}
