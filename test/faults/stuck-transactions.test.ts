import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { makeTenant } from '../support/client.js'
import { freshStore, startGateway } from '../support/gateway.js'
import { eventually } from '../support/talk.js'

test('whoever stands still in a transaction keeps others from the wallets for half a minute, no longer', async () => {
  const store = await freshStore('postgres')
  const gateway = await startGateway(store)
  const [holder, reader] = [0, 1].map(() => new pg.Client({ connectionString: store.env['DATABASE_URL'] }))
  assert.ok(holder && reader)
  const ended = new Promise((resolve) => holder.on('error', resolve))
  try {
    for (const client of [holder, reader]) {
      await client.connect()
      await client.query('BEGIN')
    }
    // As Askar begins to write: in every wallet, the base wallet among them.
    await holder.query('SELECT id FROM profiles FOR NO KEY UPDATE')
    await reader.query('SELECT id FROM profiles')
    const began = performance.now()
    const { client } = await makeTenant(gateway.url)
    assert.ok(performance.now() - began > 20_000)
    assert.match(String(await ended), /terminat/)
    assert.equal((await client.ask('{ viewer { tenant { state } } }')).viewer.tenant.state, 'ACTIVE')
    await eventually(async () => /stands still in a transaction/.test(gateway.log()))
    // Nobody waits for this one.
    await reader.query('SELECT 1')
  } finally {
    for (const client of [holder, reader]) await client.end().catch(() => {})
    await gateway.stop()
    await store.remove()
  }
})
