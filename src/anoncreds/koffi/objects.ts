import { INPUT, NativeError } from '../errors.js'
import { assertBounded, OBJECTS_MAX } from './bounds.js'
import type { List, NativeFunctions, ObjectHandle } from './functions.js'
import { takeBuffer, takeText } from './native-library.js'

type FromJson<Name> = Name extends `anoncreds_${infer Type}_from_json` ? Type : never

/** What the library can read from JSON, by its name there. */
export type ObjectType = FromJson<keyof NativeFunctions>

/** A place for each of several results. */
type Outs = readonly BigUint64Array[]

/** The objects of one piece of work: whatever it reads or makes is freed at its end. */
export class Objects {
  readonly #owned: ObjectHandle[] = []
  /** How many were read. */
  readonly #read = new Map<ObjectType, number>()

  constructor(readonly functions: NativeFunctions) {}

  /** @throws NativeError unless `code` is 0. */
  check(code: number): void {
    if (code !== 0) throw takeError(this.functions, code)
  }

  /** Reads an object from its JSON. @throws NativeError also where its numbers would take the library very long */
  read(type: ObjectType, value: object): ObjectHandle {
    const count = (this.#read.get(type) ?? 0) + 1
    if (count > OBJECTS_MAX) throw new NativeError(INPUT, 'These are too many for one call')
    this.#read.set(type, count)
    assertBounded(type, value)
    const data = Buffer.from(JSON.stringify(value))
    return this.make((out) => this.functions[`anoncreds_${type}_from_json`]({ len: data.length, data }, out))
  }

  /** Calls a function that makes an object. */
  make(call: (out: BigUint64Array) => number): ObjectHandle {
    return this.makeAll(1, ([out]) => call(out as BigUint64Array))[0] as ObjectHandle
  }

  /** Calls a function that makes several. */
  makeAll(count: number, call: (outs: Outs) => number): ObjectHandle[] {
    const outs = Array.from({ length: count }, () => new BigUint64Array(1))
    this.check(call(outs))
    const handles = outs.map((out) => Number(out[0]))
    this.#owned.push(...handles)
    return handles
  }

  /** Calls a function that gives a text. */
  text(call: (out: BigUint64Array) => number): string {
    const out = new BigUint64Array(1)
    this.check(call(out))
    return out[0] ? takeText(this.functions, out[0]) : ''
  }

  /** Calls a function that gives yes or no. */
  flag(call: (out: Int8Array) => number): boolean {
    const out = new Int8Array(1)
    this.check(call(out))
    return out[0] !== 0
  }

  json<Json extends object>(handle: ObjectHandle): Json {
    const out = new BigInt64Array(2)
    this.check(this.functions.anoncreds_object_get_json(handle, out))
    return JSON.parse(takeBuffer(this.functions, Number(out[0]), out[1] ?? 0n)) as Json
  }

  free(): void {
    for (const handle of this.#owned.splice(0)) this.functions.anoncreds_object_free(handle)
  }
}

export function listOf<Item>(items: readonly Item[] = []): List<Item> {
  return { count: items.length, data: items.length > 0 ? items : null }
}

/**
 * A string argument. A NUL inside would silently cut it short on the native side.
 *
 * @throws NativeError
 */
export function text(value: string | undefined): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string' || value.includes('\0')) throw new NativeError(INPUT, 'A text must be without NUL')
  return value
}

export function texts(values: readonly string[] = []): List<string> {
  return listOf(values.map((value) => text(value) ?? ''))
}

/** The library keeps the last error of the process; here one call is made at a time, so it is this one's. */
function takeError(functions: NativeFunctions, code: number): NativeError {
  const out = new BigUint64Array(1)
  functions.anoncreds_get_current_error(out)
  const { message } = JSON.parse(takeText(functions, out[0] ?? 0n)) as { message: string | null }
  return new NativeError(code, message ?? `Error code ${code}`)
}
