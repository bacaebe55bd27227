import type { StoreRows } from './archive.js'
import type { TableName } from './tables.js'

/** A gateway's stores as they were in one moment, while gateways go on with them. */
export interface BackupSource {
  kind: 'sqlite' | 'postgres'
  stores: StoreRows[]
  /** A table by Postgres' binary COPY. */
  read(store: string, table: TableName): AsyncIterable<Buffer> | Iterable<Buffer>
  close(): Promise<void>
}

/** A place that a backup can be restored to; nobody sees anything of it before it is finished. */
export interface RestoreTarget {
  write(store: string, table: TableName, rows: AsyncIterable<Buffer>, counted: (rows: number) => void): Promise<void>
  /** Checks all that was written, and puts it in its place. */
  finish(): Promise<void>
  /** Takes back what was written. */
  abandon(): Promise<void>
}
