import { findNativeLibrary, type LibrarySearch, type NativeLibrary } from '../lib/native-library.js'

const library: NativeLibrary = {
  name: 'AnonCreds',
  variable: 'LIB_ANONCREDS_PATH',
  wrapper: '@hyperledger/anoncreds-nodejs',
  files: { linux: 'libanoncreds.so', darwin: 'libanoncreds.dylib', win32: 'anoncreds.dll' },
}

/**
 * The path of the native library of AnonCreds: see {@link findNativeLibrary}.
 *
 * @throws Error with every place looked at and what to do.
 */
export const findLibrary = (search?: LibrarySearch): string => findNativeLibrary(library, search)
