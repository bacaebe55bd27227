import type { ArcHandle } from '@openwallet-foundation/askar-shared'
import { shared } from '../shared.js'
import { check, invalidInput } from './errors.js'
import type { ByteBuffer, NativeFunctions, Pointer } from './functions.js'
import { copyBytes, takeText } from './native-library.js'

const noBytes: ByteBuffer = { len: 0, data: null }

/** Lends bytes to one call; the library copies what it keeps. */
export function bytes(value: Uint8Array | undefined): ByteBuffer {
  return value && value.length > 0 ? { len: value.length, data: value } : noBytes
}

/**
 * A string argument. A NUL inside would silently cut it short on the native side, and so name another record.
 *
 * @throws AskarError with code 5 (input)
 */
export function text(value: string | undefined): string | null {
  if (value === undefined || value === null) return null
  if (value.includes('\0')) throw invalidInput('A NUL character is not allowed in a name')
  return value
}

/** A tag set or a tag filter. */
export function json(value: Record<string, unknown> | undefined): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value)
}

export function flag(value: boolean | undefined): number {
  return value ? 1 : 0
}

/** An optional count or time, where none is -1; 0 is none as well, as in askar-nodejs. */
export function limit(value: number | undefined): number {
  return value || -1
}

/** The address in a handle; NULL once it is freed, which the library answers with an error. */
export function address(handle: ArcHandle): Pointer {
  return handle.handle as unknown as Pointer
}

/** What a function writes to, by the C type of it. They are used again: nothing is kept in them between two calls. */
export interface Results {
  int8(call: (out: Int8Array) => number): number
  int32(call: (out: Int32Array) => number): number
  /** `AeadParams`, `int32_t[2]` */
  int32Pair(call: (out: Int32Array) => number): [number, number]
  pointer(call: (out: BigUint64Array) => number): Pointer
  text(call: (out: BigUint64Array) => number): string
  textOrNull(call: (out: BigUint64Array) => number): string | null
  /** `SecretBuffer`: copied, then zeroed and freed by the library. */
  bytes(call: (out: BigInt64Array) => number): Uint8Array
  /** `EncryptedBuffer`: the buffer, and where in it the tag and the nonce begin. */
  encrypted(call: (out: BigInt64Array) => number): { buffer: Uint8Array; tagPos: number; noncePos: number }
}

export function createResults(functions: NativeFunctions): Results {
  const byte = new Int8Array(1)
  const integers = new Int32Array(2)
  const place = new BigUint64Array(1)
  const struct = new BigInt64Array(4)

  const pointer = (call: (out: BigUint64Array) => number): Pointer | undefined => {
    place[0] = 0n
    check(functions, call(place))
    return place[0]
  }
  const required = <Value>(value: Value | null | undefined): Value => {
    if (!value) throw shared.AskarError.customError({ message: 'Unexpected null pointer' })
    return value
  }
  const takeBuffer = (): Uint8Array => {
    const [len = 0n, data = 0n] = struct
    const buffer = { len: Number(len), data }
    try {
      return copyBytes(buffer.data, buffer.len)
    } finally {
      functions.askar_buffer_free(buffer)
    }
  }

  return {
    int8(call) {
      check(functions, call(byte))
      return byte[0] ?? 0
    },
    int32(call) {
      check(functions, call(integers))
      return integers[0] ?? 0
    },
    int32Pair(call) {
      check(functions, call(integers))
      return [integers[0] ?? 0, integers[1] ?? 0]
    },
    pointer: (call) => required(pointer(call)),
    text: (call) => takeText(functions, required(pointer(call))) ?? '',
    textOrNull: (call) => takeText(functions, pointer(call)),
    bytes(call) {
      check(functions, call(struct))
      return takeBuffer()
    },
    encrypted(call) {
      check(functions, call(struct))
      const [tagPos, noncePos] = [Number(struct[2]), Number(struct[3])]
      return { buffer: takeBuffer(), tagPos, noncePos }
    },
  }
}
