/** What MessagePack has of JSON, with bytes beside it. */
export type Packed = null | boolean | number | string | Uint8Array | Packed[] | { [name: string]: Packed }

/** How deep values may lie in each other. */
const DEPTH = 32

/**
 * Reads MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), strictly: there is one way to understand
 * what it takes. Maps have text for keys, each once, and nothing follows the value. Extensions and floats are refused.
 * @throws where the bytes are anything else
 */
export function unpack(bytes: Uint8Array): Packed {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  if (!reader.isAtEnd) throw new Error('Something follows the value')
  return value
}

class Reader {
  private at = 0
  private readonly view: DataView

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length
  }

  value(depth: number): Packed {
    if (depth > DEPTH) throw new Error('The value is too deep')
    const type = this.uint(1)
    if (type < 0x80) return type
    if (type >= 0xe0) return type - 0x100
    if (type < 0x90) return this.map(type & 0x0f, depth)
    if (type < 0xa0) return this.array(type & 0x0f, depth)
    if (type < 0xc0) return this.text(type & 0x1f)
    switch (type) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.take(this.uint(2 ** (type - 0xc4)))
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.uint(2 ** (type - 0xcc))
      case 0xcf:
        return whole(this.view.getBigUint64(this.skip(8)))
      case 0xd0:
        return this.view.getInt8(this.skip(1))
      case 0xd1:
        return this.view.getInt16(this.skip(2))
      case 0xd2:
        return this.view.getInt32(this.skip(4))
      case 0xd3:
        return whole(this.view.getBigInt64(this.skip(8)))
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.text(this.uint(2 ** (type - 0xd9)))
      case 0xdc:
      case 0xdd:
        return this.array(this.uint(type === 0xdc ? 2 : 4), depth)
      case 0xde:
      case 0xdf:
        return this.map(this.uint(type === 0xde ? 2 : 4), depth)
      default:
        throw new Error('The type is not known')
    }
  }

  private map(size: number, depth: number): Packed {
    const entries = new Map<string, Packed>()
    for (let index = 0; index < size; index++) {
      const name = this.value(depth + 1)
      if (typeof name !== 'string' || entries.has(name)) throw new Error('A key is no text, or there twice')
      entries.set(name, this.value(depth + 1))
    }
    return Object.fromEntries(entries)
  }

  private array(size: number, depth: number): Packed[] {
    const items: Packed[] = []
    for (let index = 0; index < size; index++) items.push(this.value(depth + 1))
    return items
  }

  private text(length: number): string {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.take(length))
  }

  private uint(length: number): number {
    const at = this.skip(length)
    return length === 1 ? this.view.getUint8(at) : length === 2 ? this.view.getUint16(at) : this.view.getUint32(at)
  }

  private take(length: number): Uint8Array {
    const at = this.skip(length)
    return this.bytes.subarray(at, at + length)
  }

  /** Goes on, and says from where. */
  private skip(length: number): number {
    const at = this.at
    if (at + length > this.bytes.length) throw new Error('The end is missing')
    this.at = at + length
    return at
  }
}

function whole(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new Error('A number is too large')
  return number
}
