import { findNativeLibrary, type LibrarySearch, type NativeLibrary } from '../lib/native-library.js'

const library: NativeLibrary = {
  name: 'Indy VDR',
  variable: 'LIB_INDY_VDR_PATH',
  files: { linux: 'libindy_vdr.so', darwin: 'libindy_vdr.dylib', win32: 'indy_vdr.dll' },
}

/**
 * The path of the native library of Indy VDR: see {@link findNativeLibrary}.
 *
 * @throws Error with every place looked at and what to do.
 */
export const findIndyLibrary = (search?: LibrarySearch): string => findNativeLibrary(library, search)
