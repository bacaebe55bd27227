import type { ColumnType } from './tables.js'

/** A row as it lies in a COPY: its fields' bytes; null for NULL. The bytes may be part of a larger buffer. */
export type CopyRow = (Buffer | null)[]

/** A field's value on our side. */
export type Value = string | number | Uint8Array | null

const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
const TRAILER = Buffer.from([0xff, 0xff])
/** Microseconds from the Unix epoch to that of Postgres. */
const EPOCH = 946_684_800_000_000n

/** Writes rows by the binary format of Postgres' COPY, in buffers of about `size` bytes. */
export function* encodeRows(
  types: readonly ColumnType[],
  rows: Iterable<readonly Value[]>,
  size = 256 * 1024,
): Generator<Buffer> {
  let parts: Buffer[] = [HEADER]
  let length = HEADER.length
  for (const row of rows) {
    const encoded = encodeRow(types, row)
    parts.push(encoded)
    length += encoded.length
    if (length < size) continue
    yield Buffer.concat(parts)
    parts = []
    length = 0
  }
  yield Buffer.concat([...parts, TRAILER])
}

function encodeRow(types: readonly ColumnType[], row: readonly Value[]): Buffer {
  const fields = types.map((type, index) => encodeField(type, row[index] ?? null))
  const total = fields.reduce((sum, field) => sum + 4 + (field?.length ?? 0), 2)
  const out = Buffer.allocUnsafe(total)
  let at = out.writeInt16BE(types.length, 0)
  for (const field of fields) {
    at = out.writeInt32BE(field ? field.length : -1, at)
    if (field) at += field.copy(out, at)
  }
  return out
}

function encodeField(type: ColumnType, value: Value): Buffer | null {
  if (value === null) return null
  if (type === 'text') return Buffer.from(value as string)
  if (type === 'bytea') return Buffer.from(value as Uint8Array)
  const wide = type === 'int2' ? Buffer.alloc(2) : Buffer.alloc(8)
  if (type === 'int2') wide.writeInt16BE(value as number)
  else if (type === 'int8') wide.writeBigInt64BE(BigInt(value as number))
  else wide.writeBigInt64BE(BigInt(Date.parse(`${value}`)) * 1000n - EPOCH)
  return wide
}

export function decodeField(type: ColumnType, field: Buffer | null): Value {
  if (field === null) return null
  if (type === 'text') return field.toString()
  if (type === 'bytea') return field
  if (type === 'int2') return field.readInt16BE()
  if (type === 'int8') return Number(field.readBigInt64BE())
  return new Date(Number((field.readBigInt64BE() + EPOCH) / 1000n)).toISOString()
}

/** Reads the rows of a COPY that comes in pieces. */
export class RowReader {
  private rest: Buffer = Buffer.alloc(0)
  private begun = false
  private ended = false

  /** @returns the rows that are complete with these bytes. @throws where they are no COPY */
  push(bytes: Buffer): CopyRow[] {
    this.rest = this.rest.length > 0 ? Buffer.concat([this.rest, bytes]) : bytes
    let at = 0
    if (!this.begun) {
      if (this.rest.length < HEADER.length) return []
      if (!this.rest.subarray(0, HEADER.length).equals(HEADER)) throw new Error('no table begins where one should')
      at = HEADER.length
      this.begun = true
    }
    const rows: CopyRow[] = []
    while (!this.ended) {
      const read = readRow(this.rest, at)
      if (!read) break
      at = read.end
      if (read.row) rows.push(read.row)
      else this.ended = true
    }
    this.rest = this.rest.subarray(at)
    return rows
  }

  /** @throws where the end of the table has not come, or more than that */
  end(): void {
    if (!this.ended || this.rest.length > 0) throw new Error('a table is cut off')
  }
}

/** Passes a COPY on, telling of the rows in it. @throws where it is none, or is cut off */
export async function* countingRows(
  buffers: AsyncIterable<Buffer> | Iterable<Buffer>,
  counted: (rows: number) => void,
): AsyncGenerator<Buffer> {
  const reader = new RowReader()
  for await (const buffer of buffers) {
    counted(reader.push(buffer).length)
    yield buffer
  }
  reader.end()
}

/** One row and where it ends; without a row at the end of all; undefined where more bytes are needed. */
function readRow(bytes: Buffer, start: number): { row?: CopyRow; end: number } | undefined {
  if (bytes.length < start + 2) return undefined
  const count = bytes.readInt16BE(start)
  let at = start + 2
  if (count === -1) return { end: at }
  const row: CopyRow = []
  for (let index = 0; index < count; index++) {
    if (bytes.length < at + 4) return undefined
    const length = bytes.readInt32BE(at)
    at += 4
    if (length < 0) row.push(null)
    else {
      if (bytes.length < at + length) return undefined
      row.push(bytes.subarray(at, at + length))
      at += length
    }
  }
  return { row, end: at }
}
