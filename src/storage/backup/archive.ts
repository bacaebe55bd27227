import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { Problem } from '../../lib/problem.js'
import { countingRows } from './copy-rows.js'
import { OWN_NAME, SHARED, TABLES, type TableName } from './tables.js'

/**
 * A backup in one file: frames of a kind (one byte), a length (four bytes) and so many bytes.
 *
 *   H  the manifest, as JSON
 *   D  bytes of a table, by Postgres' binary COPY; an empty one ends the table. The tables come as the manifest has them.
 *   S  SHA-256 of everything before
 *
 * What a store encrypts stays encrypted, and no key is in it.
 */
const FORMAT = 1
const MANIFEST = 'H'.charCodeAt(0)
const DATA = 'D'.charCodeAt(0)
const SUM = 'S'.charCodeAt(0)
const FRAME_MAX = 512 * 1024 * 1024

export interface Manifest {
  format: number
  /** What it was taken of. It can be restored to the other, too. */
  kind: 'sqlite' | 'postgres'
  createdAt: string
  /** Of the program that wrote it. */
  version: string
  stores: StoreRows[]
}

/** A store and how many rows its tables have. */
export interface StoreRows {
  name: string
  rows: Record<TableName, number>
}

export const rowsIn = ({ stores }: Pick<Manifest, 'stores'>) =>
  stores.flatMap(({ rows }) => Object.values(rows)).reduce((sum, count) => sum + count, 0)

/** Every table of an archive, in order. */
export function partsOf({ stores }: Pick<Manifest, 'stores'>) {
  return stores.flatMap(({ name, rows }) => TABLES.map((table) => ({ store: name, table, rows: rows[table.name] })))
}

/** Called with each stretch of rows that is done with. */
export type Counted = (rows: number) => void

/** Writes an archive; `read` gives a table's COPY. The file must not be there yet. @returns its digest */
export async function writeArchive(
  file: string,
  manifest: Omit<Manifest, 'format'>,
  read: (store: string, table: TableName) => AsyncIterable<Buffer> | Iterable<Buffer>,
  counted: Counted,
): Promise<string> {
  const handle = await open(file, 'wx', 0o600)
  try {
    const hash = createHash('sha256')
    const write = async (kind: number, bytes: Buffer) => {
      for (const part of [frameHead(kind, bytes.length), bytes]) {
        hash.update(part)
        if (part.length > 0) await handle.writeFile(part)
      }
    }
    await write(MANIFEST, Buffer.from(JSON.stringify({ format: FORMAT, ...manifest })))
    for (const { store, table, rows } of partsOf(manifest)) {
      const tally = tallied(counted)
      for await (const buffer of countingRows(read(store, table.name), tally.count)) {
        // An empty one would end the table.
        if (buffer.length > 0) await write(DATA, buffer)
      }
      if (tally.rows !== rows) throw new Error(`${table.name} has other rows than were counted`)
      await write(DATA, Buffer.alloc(0))
    }
    const digest = hash.digest()
    await handle.writeFile(Buffer.concat([frameHead(SUM, digest.length), digest]))
    await handle.sync()
    return digest.toString('hex')
  } finally {
    await handle.close()
  }
}

/** An archive that was read once from end to end and found whole. */
export class Archive {
  private constructor(
    private readonly file: string,
    readonly manifest: Manifest,
    readonly sha256: string,
    /** Where each table begins, in the order of {@link partsOf}. */
    private readonly offsets: readonly number[],
  ) {}

  /** @throws Problem where it is no archive, a damaged one, or one of a later version */
  static async open(file: string, counted: (manifest: Manifest) => Counted): Promise<Archive> {
    const handle = await open(file, 'r').catch((error) => {
      throw new Problem(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
    })
    try {
      const frames = new Frames(handle)
      const manifest = checkedManifest(await frames.next(MANIFEST))
      const count = counted(manifest)
      const offsets: number[] = []
      for (const { rows, table } of partsOf(manifest)) {
        offsets.push(frames.position)
        const tally = tallied(count)
        for await (const _ of countingRows(tableFrames(frames), tally.count));
        if (tally.rows !== rows) throw new Error(`${table.name} is not complete`)
      }
      const sum = frames.digest()
      const told = await frames.next(SUM)
      if (!told.equals(sum) || !(await frames.atEnd())) throw new Error('the checksum does not fit')
      return new Archive(file, manifest, sum.toString('hex'), offsets)
    } catch (error) {
      if (error instanceof Problem) throw error
      throw new Problem(`${file} is damaged, or no backup (${(error as Error).message}). Nothing was written.`)
    } finally {
      await handle.close()
    }
  }

  /** The COPY of one table. */
  async *table(store: string, name: TableName): AsyncGenerator<Buffer> {
    const index = partsOf(this.manifest).findIndex((part) => part.store === store && part.table.name === name)
    const handle = await open(this.file, 'r')
    try {
      yield* tableFrames(new Frames(handle, this.offsets[index] as number))
    } finally {
      await handle.close()
    }
  }
}

/** Reads frames one after the other, and keeps their digest. */
class Frames {
  private readonly hash = createHash('sha256')

  constructor(
    private readonly handle: FileHandle,
    public position = 0,
  ) {}

  async next(kind: number): Promise<Buffer> {
    const head = await this.read(5)
    const length = head.readUInt32BE(1)
    if (head[0] !== kind || length > FRAME_MAX) throw new Error('something else stands where a part should begin')
    const bytes = await this.read(length)
    this.hash.update(head).update(bytes)
    return bytes
  }

  /** Of all that was read so far. */
  digest(): Buffer {
    return this.hash.copy().digest()
  }

  async atEnd(): Promise<boolean> {
    return (await this.handle.read(Buffer.alloc(1), 0, 1, this.position)).bytesRead === 0
  }

  private async read(length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length)
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.handle.read(bytes, at, length - at, this.position)
      if (bytesRead === 0) throw new Error('the end is missing')
      at += bytesRead
      this.position += bytesRead
    }
    return bytes
  }
}

async function* tableFrames(frames: Frames): AsyncGenerator<Buffer> {
  for (;;) {
    const bytes = await frames.next(DATA)
    if (bytes.length === 0) return
    yield bytes
  }
}

/** Adds up what it tells. */
function tallied(counted: Counted): { rows: number; count: Counted } {
  const tally = {
    rows: 0,
    count(rows: number) {
      tally.rows += rows
      counted(rows)
    },
  }
  return tally
}

function frameHead(kind: number, length: number): Buffer {
  const head = Buffer.alloc(5)
  head[0] = kind
  head.writeUInt32BE(length, 1)
  return head
}

function checkedManifest(bytes: Buffer): Manifest {
  const manifest = JSON.parse(bytes.toString()) as Manifest
  if (manifest.format > FORMAT) {
    throw new Problem(
      `Version ${manifest.version} wrote this backup (format ${manifest.format}): restore it by that one`,
    )
  }
  const [shared, ...own] = manifest.stores.map(({ name }) => name)
  if (shared !== SHARED || !own.every((name) => OWN_NAME.test(name))) throw new Error('it names other stores')
  return manifest
}
