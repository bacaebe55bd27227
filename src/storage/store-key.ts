import { createDecipheriv } from 'node:crypto'
import { base58Decode } from '../lib/base58.js'

const NONCE = 12
const TAG = 16

/**
 * Whether a store's raw key (base58) opens a profile's key, as it lies in the store: sealed by ChaCha20-Poly1305, with
 * the nonce before it. So a key can be tried on a backup without making a store of it.
 */
export function keyFits(storeKey: string, profileKey: Buffer): boolean {
  const sealed = profileKey.subarray(NONCE, -TAG)
  const decipher = createDecipheriv('chacha20-poly1305', base58Decode(storeKey), profileKey.subarray(0, NONCE), {
    authTagLength: TAG,
  })
  try {
    decipher.setAuthTag(profileKey.subarray(-TAG))
    decipher.update(sealed)
    decipher.final()
    return true
  } catch {
    return false
  }
}
