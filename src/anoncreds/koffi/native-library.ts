import koffi, { type TypeObject } from 'koffi'
import { type NativeFunctions, type NativeType, signatures } from './functions.js'

const listOf = (item: string | TypeObject) => koffi.struct({ count: 'size_t', data: koffi.pointer(item) })

const byteBuffer = koffi.struct({ len: 'int64_t', data: 'uint8_t *' })
const revocation = koffi.struct({
  reg_def: 'size_t',
  reg_def_private: 'size_t',
  status_list: 'size_t',
  reg_idx: 'int64_t',
})

const koffiTypes: Record<NativeType, string | TypeObject> = {
  flag: 'int8_t',
  number: 'int64_t',
  text: 'str',
  object: 'size_t',
  bytes: byteBuffer,
  texts: listOf('str'),
  objects: listOf('size_t'),
  indexes: listOf('int32_t'),
  credentials: listOf(koffi.struct({ credential: 'size_t', timestamp: 'int32_t', rev_state: 'size_t' })),
  proves: listOf(koffi.struct({ entry_idx: 'int64_t', referent: 'str', is_predicate: 'int8_t', reveal: 'int8_t' })),
  overrides: listOf(
    koffi.struct({ rev_reg_def_id: 'str', requested_from_ts: 'int32_t', override_rev_status_list_ts: 'int32_t' }),
  ),
  revocation: koffi.pointer(revocation),
  out: 'void *',
}

// The table of signatures is that of 0.2.3; a library whose functions differ would be called with the wrong arguments.
const supportedVersion = /^0\.2\.([3-9]|\d\d+)$/

/**
 * Loads the library and declares its functions.
 *
 * @throws Error if it cannot be loaded or is not a 0.2 from 0.2.3 on.
 */
export function openLibrary(path: string): NativeFunctions {
  try {
    const library = koffi.load(path)
    const version = library.func('anoncreds_version', 'str', [])() as string
    if (!supportedVersion.test(version)) throw new Error(`it is version ${version}, not 0.2.3 or a later 0.2`)
    const declared = Object.entries(signatures).map(([name, types]) => [
      name,
      // An error code is a size_t, but small.
      library.func(
        name,
        'size_t',
        types.map((type: NativeType) => koffiTypes[type]),
      ),
    ])
    return {
      ...Object.fromEntries(declared),
      anoncreds_string_free: library.func('anoncreds_string_free', 'void', ['void *']),
      anoncreds_buffer_free: library.func('anoncreds_buffer_free', 'void', [byteBuffer]),
      anoncreds_object_free: library.func('anoncreds_object_free', 'void', ['size_t']),
    } as NativeFunctions
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `The native library of AnonCreds at ${path} cannot be used: ${reason}. ` +
        'It must be 0.2.3 for this platform and processor; set LIB_ANONCREDS_PATH to one that is.',
      { cause },
    )
  }
}

/** Copies a string that the library gave away, then frees it. */
export function takeText(functions: NativeFunctions, address: bigint): string {
  try {
    return koffi.decode.string(address)
  } finally {
    functions.anoncreds_string_free(address)
  }
}

/** Copies a buffer that the library gave away, as text, then frees it. */
export function takeBuffer(functions: NativeFunctions, len: number, data: bigint): string {
  try {
    return len > 0 ? koffi.decode.string(data, len) : ''
  } finally {
    functions.anoncreds_buffer_free({ len, data })
  }
}
