import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sqliteFiles } from '../../src/storage/own-databases.js'
import { tempDir } from '../support/services.js'

test('a store of a tenant goes with all that a process that was killed has left beside it', async (t) => {
  const folder = tempDir()
  t.after(() => folder.remove())
  const [name, other] = ['0'.repeat(32), '1'.repeat(32)]
  for (const part of ['.db', '.db-wal', '.db-shm', '.db.new', '.db.new-journal', '.db.new-wal', '.db.new-shm']) {
    for (const each of [name, other]) writeFileSync(join(folder.path, `${each}${part}`), '')
  }
  const files = readdirSync(folder.path).filter((file) => file.startsWith(other))
  await sqliteFiles(folder.path).remove(name)
  assert.deepEqual(readdirSync(folder.path).sort(), files.sort())
})
