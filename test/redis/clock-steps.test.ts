import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownCounters } from '../../src/redis/minute-counters.js'
import { Patience } from '../../src/redis/patience.js'

const HOUR_MS = 60 * 60_000

test('a step back of the clock makes neither a minute longer nor the rest that Redis is given', async (t) => {
  const counters = ownCounters()
  await counters.add('tenant', 'message', 1)
  const patience = new Patience()
  assert.equal(await patience.ask(() => Promise.reject(new Error('no answer'))), undefined)
  const [before, began] = [Date.now() - HOUR_MS, performance.now()]
  t.mock.method(Date, 'now', () => before)
  const { total, msLeft } = await counters.add('tenant', 'message', 1)
  assert.equal(total, 2)
  assert.ok(msLeft > 0 && msLeft <= 60_000, `${msLeft} ms are left`)
  assert.equal(await patience.ask(async () => 'asked'), undefined)
  t.mock.method(performance, 'now', () => began + 61_000)
  assert.equal((await counters.read('tenant', 'message')).total, 0)
  assert.equal(await patience.ask(async () => 'asked'), 'asked')
})
