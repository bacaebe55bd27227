import { rm } from 'node:fs/promises'

/** What SQLite keeps beside a file: `-journal` until Askar has switched a new one to a write-ahead log. */
const PARTS = ['', '-journal', '-wal', '-shm']

/** Removes a SQLite file that nobody has open, and all that a process that was killed has left beside it. */
export async function removeSqliteFile(path: string): Promise<void> {
  for (const part of PARTS) await rm(`${path}${part}`, { force: true })
}
