import { findNativeLibrary, type LibrarySearch, type NativeLibrary } from '../lib/native-library.js'

/** The native library is missing, cannot be loaded, or is of a version that was not built against. */
export class AskarLibraryError extends Error {
  readonly code = 'ASKAR_LIBRARY'
  override readonly name = 'AskarLibraryError'
}

const library: NativeLibrary = {
  name: 'Askar',
  variable: 'LIB_ASKAR_PATH',
  wrapper: '@openwallet-foundation/askar-nodejs',
  files: { linux: 'libaries_askar.so', darwin: 'libaries_askar.dylib', win32: 'aries_askar.dll' },
}

/**
 * The path of Askar's native library: see {@link findNativeLibrary}.
 *
 * @throws AskarLibraryError with every place looked at and what to do.
 */
export function findLibrary(search: LibrarySearch = {}): string {
  try {
    return findNativeLibrary(library, search)
  } catch (cause) {
    throw new AskarLibraryError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
