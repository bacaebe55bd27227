import koffi, { type TypeObject } from 'koffi'
import { AskarLibraryError } from '../library.js'
import { type NativeFunctions, type NativeType, type Pointer, signatures } from './functions.js'

/** Completion callbacks by the C type of their result; each is called with the call's id, an error code, the result. */
export const callbackTypes = {
  nothing: koffi.proto('void', ['int64_t', 'int64_t']),
  int8: koffi.proto('void', ['int64_t', 'int64_t', 'int8_t']),
  int64: koffi.proto('void', ['int64_t', 'int64_t', 'int64_t']),
  handle: koffi.proto('void', ['int64_t', 'int64_t', 'size_t']),
  pointer: koffi.proto('void', ['int64_t', 'int64_t', 'void *']),
}

/** `LogCallback`: context, level, target, message, module path, file, line. */
export const logCallbackType = koffi.proto('void', ['void *', 'int32_t', 'str', 'str', 'str', 'str', 'int32_t'])

const byteBuffer = koffi.struct({ len: 'int64_t', data: 'uint8_t *' })

const koffiTypes: Record<NativeType, string | TypeObject> = {
  void: 'void',
  code: 'int64_t',
  int8: 'int8_t',
  int32: 'int32_t',
  int64: 'int64_t',
  handle: 'size_t',
  id: 'int64_t',
  text: 'str',
  bytes: byteBuffer,
  pointer: 'void *',
  callback: 'void *',
}

// The table of signatures is that of 0.4.6; a library whose functions differ would be called with the wrong arguments.
const supportedVersion = /^0\.4\.([6-9]|\d\d+)$/

/**
 * Loads the library and declares its functions, once.
 *
 * @throws AskarLibraryError if it cannot be loaded or is not a 0.4 from 0.4.6 on.
 */
export function openLibrary(path: string): NativeFunctions {
  try {
    const library = koffi.load(path)
    const declared = Object.entries(signatures).map(([name, [result, ...args]]) => [
      name,
      library.func(
        name,
        koffiTypes[result],
        args.map((type: NativeType) => koffiTypes[type]),
      ),
    ])
    const functions = Object.fromEntries(declared) as NativeFunctions
    const version = takeText(functions, functions.askar_version())
    if (!supportedVersion.test(version ?? '')) throw new Error(`it is version ${version}, not 0.4.6 or a later 0.4`)
    return functions
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AskarLibraryError(
      `Askar's native library at ${path} cannot be used: ${reason}. ` +
        'It must be 0.4.6 for this platform and processor; set LIB_ASKAR_PATH to one that is.',
      { cause },
    )
  }
}

/** Copies a string that the library gave away, then frees it. NULL is null. */
export function takeText(functions: NativeFunctions, address: Pointer | null | undefined): string | null {
  if (!address) return null
  try {
    return koffi.decode.string(address)
  } finally {
    functions.askar_string_free(address)
  }
}

// koffi.decode with a length would do, but it keeps a type's name for each call; a view would outlive what it shows.
const copyMemory = koffi
  .load(process.platform === 'win32' ? 'msvcrt.dll' : null)
  .func('memcpy', 'void *', ['void *', 'void *', 'size_t']) as unknown as (
  to: Uint8Array,
  from: Pointer,
  length: number,
) => Pointer

/** A copy of native memory; the native side stays as it is. */
export function copyBytes(address: Pointer, length: number): Uint8Array {
  const copy = new Uint8Array(length)
  if (length > 0) copyMemory(copy, address, length)
  return copy
}
