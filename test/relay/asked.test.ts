import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { DeliveryReport } from '../../src/relay/delivery-report.js'
import { HeldMessages } from '../../src/relay/held.js'
import type { Outgoing } from '../../src/relay/outbox.js'
import { ReturnPaths } from '../../src/relay/return-paths.js'
import { Sender } from '../../src/relay/sender.js'
import { mayWait } from '../../src/relay/sending.js'

const message = (n: number, more: Partial<Outgoing> = {}): Outgoing => ({
  n,
  at: Date.now(),
  endpoint: 'http://127.0.0.1:1/',
  connectionId: 'connection',
  payload: { ciphertext: 'x' },
  ...more,
})
const logger = { warn() {}, info() {}, error() {}, debug() {} } as never
const long = (length: number) => ({ payload: { ciphertext: 'x'.repeat(length) } })

describe('what a peer has asked for, and does not take', () => {
  test('waits in its lane up to a number and a length, and the first in any case', () => {
    const asked = Array.from({ length: 5000 }, (_, n) => message(n, { asked: true }))
    assert.equal(mayWait([], message(1, { asked: true, ...long(10_000_000) })), true)
    assert.equal(mayWait(asked.slice(1), message(1, { asked: true })), true)
    assert.equal(mayWait(asked, message(1, { asked: true })), false)
    const held = (length: number, more: object = {}) => [message(0, { asked: true, ...long(length), ...more })]
    assert.equal(mayWait(held(34_000_000), message(1, { asked: true })), false)
    assert.equal(mayWait(held(30_000_000), message(1, { asked: true })), true)
    // Forwards have it once more.
    assert.equal(mayWait(held(40_000_000, { inner: long(20_000_000).payload }), message(1, { asked: true })), true)
    // What its tenant sends it of its own accord waits in any case, and takes nothing from what is asked for.
    assert.equal(mayWait(asked, message(1)), true)
    assert.equal(mayWait(Array(10_000).fill(message(1)), message(1, { asked: true })), true)
    const passing = message(1, { asked: true, passing: true })
    assert.equal(mayWait(Array(8).fill(passing), passing), false)
    assert.equal(mayWait(asked, passing), true)
  })

  test('is given up beyond that, with its tenant told, and nothing else is', async () => {
    const reports: DeliveryReport[] = []
    const profile = { ride() {}, land: async () => {}, transact: async (fn: (unit: object) => unknown) => fn({}) }
    const sent: number[] = []
    const sender = new Sender({
      instanceId: 'here',
      shared: false,
      profiles: { of: () => profile } as never,
      isSilent: async () => false,
      exists: async () => true,
      maySend: async () => true,
      isTold: () => true,
      // It hangs until it is told to stop.
      carrier: { send: (_wallet: string, { n }: Outgoing) => new Promise(() => sent.push(n)) } as never,
      giveUpMs: 60_000,
      report: async (_unit, _tenantId, report) => void reports.push(report),
      logger,
    })
    const asked = Array.from({ length: 5002 }, (_, n) => message(n + 1, { asked: true }))
    sender.enqueue('tenant', [...asked, message(5003)], { owner: 'here', until: Number.POSITIVE_INFINITY }, true)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(sent.length, 1)
    const expected = { outcome: 'GIVEN_UP', connectionId: 'connection', attempts: 0, reason: 'too much waits for it' }
    assert.deepEqual(reports, [expected, expected])
    assert.equal(sender.bytesFor('tenant', 'connection'), 5001)
  })

  test('is not laid down for a peer without an endpoint that much is held for, or that asks for it anew', async () => {
    const reports: DeliveryReport[] = []
    const inserted: { tags: object }[] = Array(1000).fill({ tags: { to: 'key', asked: '1' } })
    const looked: object[] = []
    const count = async ({ tagFilter }: { tagFilter: object }) => {
      looked.push(tagFilter)
      return inserted.filter(({ tags }) => isDeepStrictEqual(tags, tagFilter)).length
    }
    const read = (fn: (session: object) => unknown) => fn({ count })
    const held = new HeldMessages({
      profiles: { of: () => ({ read }) } as never,
      paths: new ReturnPaths(),
      maySend: async () => true,
      announce() {},
      giveUpMs: 60_000,
      report: async (_unit, _tenantId, report) => void reports.push(report),
      logger,
    })
    const unit = {
      profile: 'tenant',
      head: { held: 0 },
      counts: { HeldMessage: 1000 },
      insert: (entry: { tags: object }) => inserted.push(entry),
      add() {},
    }
    const add = (more: object = {}) =>
      held.add(unit as never, { to: 'key', connectionId: 'connection', payload: {}, ...more })
    await add({ asked: true })
    assert.deepEqual([inserted.length, reports.length], [1000, 1])
    await add({ asked: true, to: 'other' })
    await add({ asked: true, passing: true })
    assert.deepEqual([inserted.length, reports.length], [1001, 1])
    // What its tenant sends it of its own accord takes nothing from it.
    inserted.splice(1)
    for (let n = 0; n < 1000; n++) await add()
    await add({ asked: true })
    assert.deepEqual([inserted.length, reports.length], [1002, 1])
    // As long as less is held for all together, nobody has to look.
    const { length } = looked
    unit.counts.HeldMessage = 999
    await add({ asked: true })
    assert.deepEqual([inserted.length, looked.length], [1003, length])
  })
})
