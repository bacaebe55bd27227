import type { Argon2DerivePasswordOptions, Askar } from '@openwallet-foundation/askar-shared'
import type { EntryReader } from '../entries.js'
import type { SessionLeaver } from '../sessions.js'
import { argon2Aside } from './argon2.js'
import { cryptoMethods } from './crypto-methods.js'
import { entryMethods } from './entry-methods.js'
import { keyMethods } from './key-methods.js'
import { logMethods } from './log-methods.js'
import { openNative } from './native.js'
import { sessionMethods } from './session-methods.js'
import { storeMethods } from './store-methods.js'

/** askar-shared's interface, and whole lists of records at once. */
export type KoffiAskar = Askar &
  EntryReader &
  SessionLeaver & {
    keyGetSupportedBackends(): string[]
    argon2Aside(options: Argon2DerivePasswordOptions): Promise<Uint8Array>
  }

/**
 * Askar over koffi.
 *
 * @param libraryPath file of the native library
 * @throws AskarLibraryError if it cannot be loaded
 */
export function createKoffiAskar(libraryPath: string): KoffiAskar {
  const native = openNative(libraryPath)
  return {
    ...logMethods(native),
    ...entryMethods(native),
    ...keyMethods(native),
    ...cryptoMethods(native),
    ...storeMethods(native),
    ...sessionMethods(native),
    argon2Aside: argon2Aside(native),
  }
}
