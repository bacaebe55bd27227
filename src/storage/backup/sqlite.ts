import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Sqlite from 'libsql'
import { Problem } from '../../lib/problem.js'
import { holdLock, seedStatistics } from '../database.js'
import { decodeField, encodeRows, RowReader, type Value } from './copy-rows.js'
import type { SqlitePlaces } from './places.js'
import type { BackupSource, RestoreTarget } from './source.js'
import { columnsOf, OWN_NAME, SHARED, SQLITE_INDEXES, SQLITE_TABLES, TABLES, type TableName } from './tables.js'

/** How long a writer may keep the snapshot waiting (ms). */
const PATIENCE_MS = 30_000

const tableOf = (name: TableName) => TABLES.find((table) => table.name === name) as (typeof TABLES)[number]

/**
 * All files as they are in one moment: every one is locked against writers, a reader begun on each, and the locks let go.
 * Writers wait for that only; a reader keeps its state for as long as it reads.
 */
export function sqliteSource({ file, ownFolder }: SqlitePlaces): BackupSource {
  if (!existsSync(file)) throw new Problem(`There is no store: ${file} is missing. Check DATA_DIR.`)
  const locks = [lockWriters(file)]
  // No tenant can be added any more: whoever is in the store has its file.
  const names = [SHARED]
  const pathOf = (name: string) => (name === SHARED ? file : join(ownFolder, `${name}.db`))
  // One that was removed meanwhile would be made anew, with nothing in it.
  const isThere = (name: string) => existsSync(pathOf(name))
  for (const name of ownStoresIn(ownFolder)) {
    if (!isThere(name)) continue
    names.push(name)
    locks.push(lockWriters(pathOf(name)))
  }
  const readers = new Map(names.filter(isThere).map((name) => [name, beginReading(pathOf(name))]))
  for (const lock of locks) {
    lock.exec('ROLLBACK')
    lock.close()
  }
  const count = (db: Sqlite.Database, table: TableName) =>
    (db.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number }).count
  return {
    kind: 'sqlite',
    stores: [...readers].map(([name, db]) => ({
      name,
      rows: Object.fromEntries(TABLES.map((table) => [table.name, count(db, table.name)])) as Record<TableName, number>,
    })),
    read(store, name) {
      const table = tableOf(name)
      const db = readers.get(store) as Sqlite.Database
      const rows = db
        .prepare(`SELECT ${columnsOf(table)} FROM ${name}`)
        .raw()
        .iterate() as Iterable<Value[]>
      return encodeRows(
        table.columns.map(([, type]) => type),
        rows,
      )
    },
    async close() {
      for (const reader of readers.values()) reader.close()
    },
  }
}

function ownStoresIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((path) => path.endsWith('.db') && OWN_NAME.test(path.slice(0, -3)))
    .map((path) => path.slice(0, -3))
}

function lockWriters(file: string): Sqlite.Database {
  const lock = new Sqlite(file)
  lock.exec(`PRAGMA busy_timeout = ${PATIENCE_MS}; BEGIN IMMEDIATE`)
  return lock
}

function beginReading(file: string): Sqlite.Database {
  const reader = new Sqlite(file)
  reader.exec(`PRAGMA busy_timeout = ${PATIENCE_MS}; BEGIN`)
  // The transaction's state is that of its first read.
  reader.prepare('SELECT name FROM config').all()
  return reader
}

/** Tells apart the folder that a restore has put in its place from one that was there before. */
const MARK = '.restoring'

/**
 * Files beside those of a gateway, which get their names when all of them are whole, the shared store's last: where it
 * is, everything is.
 */
export function sqliteTarget({ file, ownFolder }: SqlitePlaces): RestoreTarget {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const lock = holdLock(`${file}.lock`)
  const draft = `${file}.restoring`
  const ownDraft = `${ownFolder}.restoring`
  const removeDrafts = () => {
    for (const path of [draft, ownDraft]) rmSync(path, { recursive: true, force: true })
  }
  if (existsSync(file)) {
    lock.close()
    throw new Problem(`${file} is a store already. Restore to another DATA_DIR, or move it away first.`)
  }
  if (existsSync(join(ownFolder, MARK))) rmSync(ownFolder, { recursive: true })
  if (existsSync(ownFolder) && readdirSync(ownFolder).length > 0) {
    lock.close()
    throw new Problem(`${ownFolder} is not empty. Restore to another DATA_DIR, or move it away first.`)
  }
  removeDrafts()
  const stores = new Map<string, Sqlite.Database>()
  const pathOf = (store: string) => (store === SHARED ? draft : join(ownDraft, `${store}.db`))
  return {
    async write(store, name, rows, counted) {
      let db = stores.get(store)
      if (!db) {
        if (store !== SHARED) makeMarked(ownDraft)
        db = makeStore(pathOf(store))
        stores.set(store, db)
      }
      const { columns } = tableOf(name)
      const insert = db.prepare(`INSERT INTO ${name} VALUES (${columns.map(() => '?').join()})`)
      const reader = new RowReader()
      for await (const buffer of rows) {
        const batch = reader.push(buffer)
        for (const row of batch) insert.run(...columns.map(([, type], index) => decodeField(type, row[index] ?? null)))
        counted(batch.length)
      }
      reader.end()
    },
    async finish() {
      for (const [store, db] of stores) {
        db.exec(`${SQLITE_INDEXES} COMMIT`)
        assertSound(db, store)
        db.close()
        await seedStatistics(pathOf(store))
        sync(pathOf(store))
      }
      if (existsSync(ownDraft)) {
        rmSync(ownFolder, { recursive: true, force: true })
        renameSync(ownDraft, ownFolder)
      }
      renameSync(draft, file)
      rmSync(join(ownFolder, MARK), { force: true })
      sync(dirname(file))
      lock.close()
    },
    async abandon() {
      for (const db of stores.values()) db.close()
      removeDrafts()
      lock.close()
    },
  }
}

function makeMarked(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  closeSync(openSync(join(folder, MARK), 'w', 0o600))
}

function makeStore(path: string): Sqlite.Database {
  closeSync(openSync(path, 'wx', 0o600))
  const db = new Sqlite(path)
  // Synced as a whole at the end; a crash before leaves nothing that counts.
  db.exec(`PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    ${SQLITE_TABLES} BEGIN`)
  return db
}

function assertSound(db: Sqlite.Database, store: string): void {
  const sound = (db.prepare('PRAGMA integrity_check').get() as { integrity_check: string }).integrity_check === 'ok'
  const whole = db.prepare('PRAGMA foreign_key_check').all().length === 0
  if (!sound || !whole) throw new Problem(`The store ${store} of the backup is not sound. Nothing was restored.`)
}

function sync(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
