import { Store } from '@openwallet-foundation/askar-shared'
import { ConfigError } from '../config/config-error.js'
import { accessBy } from './store-sessions.js'

/** Askar's code of a key that does not fit. */
const ENCRYPTION = 4

/**
 * Opens the shared store by the first of some keys that fits: while a rotation is not finished there are two.
 * @throws ConfigError where none fits
 */
export async function openByAny(
  uri: string,
  keys: readonly (string | undefined)[],
): Promise<{ store: Store; key: string }> {
  for (const key of keys) {
    if (key === undefined) continue
    try {
      return { store: await Store.open({ uri, ...accessBy(key) }), key }
    } catch (error) {
      if ((error as { code?: number }).code !== ENCRYPTION) throw error
    }
  }
  throw new ConfigError('STORE_KEY', 'does not open this store; give the key that it was made under, or rotated to')
}
