import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { namedConnections } from '../../src/storage/connections.js'
import { postgresDatabase } from '../../src/storage/database.js'
import { freshDatabase } from '../support/services.js'

test('a connection that is cut while it holds the lock of a start does not end the process', async () => {
  const fresh = await freshDatabase()
  const name = 'a-start-that-is-cut'
  const database = postgresDatabase(namedConnections(fresh.url, name), 2)
  const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = '${name}' AND pid <> pg_backend_pid()`
  try {
    const made = await database.exclusively(async () => {
      assert.equal((await database.query(cut)).length, 1)
      await sleep(100)
      return 'made'
    })
    assert.equal(made, 'made')
  } finally {
    await database.close()
    await fresh.drop()
  }
})
