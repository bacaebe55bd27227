import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deferred } from '../../src/lib/deferred.js'
import { protocolError } from '../../src/lib/errors.js'
import { Inbound, type Received } from '../../src/relay/inbound.js'
import { Intake } from '../../src/relay/intake.js'
import { BASE_PROFILE } from '../../src/storage/store.js'

type Answer = (content: string) => Promise<Received> | Received

/** Of a content such as `alice 1` the first word says whom it is for. */
const intakeOf = (answer: Answer) =>
  new Intake(
    {
      receiverOf: async (body: Buffer) => body.toString().split(' ')[0],
      receive: async (body: Buffer) => answer(body.toString()),
    } as never,
    () => {},
  )
const handled = { outcome: 'handled' } as const

describe('what comes by ways that the gateway has opened', () => {
  test('is taken in its order for each tenant, and holds up no other', async () => {
    const slow = deferred()
    const taken: string[] = []
    const intake = intakeOf(async (content) => {
      if (content === 'carol 1') await slow.promise
      taken.push(content)
      return handled
    })
    const begin = (content: string) => intake.begin(BASE_PROFILE, Buffer.from(content))
    const [first, second] = [await begin('carol 1'), await begin('carol 2')]
    const other = await begin('alice 1')
    assert.equal(await other?.ended, 'handled')
    assert.deepEqual(taken, ['alice 1'])
    slow.resolve()
    await Promise.all([first?.ended, second?.ended])
    assert.deepEqual(taken, ['alice 1', 'carol 1', 'carol 2'])
    await intake.stop()
  })

  test('is tried again where it comes by itself no more, after the time that helps', async () => {
    const outcomes: Received[] = [{ outcome: 'limited', retryAfter: 0.01 }, { outcome: 'unavailable' }, handled]
    const intake = intakeOf(() => outcomes.shift() ?? handled)
    const begun = await intake.begin(BASE_PROFILE, Buffer.from('alice 1'))
    assert.equal(await begun?.ended, 'handled')
    assert.equal(outcomes.length, 0)
    const kept = intakeOf(() => ({ outcome: 'limited', retryAfter: 60 }))
    assert.equal(await (await kept.begin(BASE_PROFILE, Buffer.from('alice 1'), { isKept: true }))?.ended, 'limited')
  })

  test('of one that can have no more waits only as long as there is room, and stays where it is kept', async () => {
    const intake = intakeOf((content) => (content.startsWith('bob') ? handled : { outcome: 'limited', retryAfter: 60 }))
    const long = Buffer.from(`alice ${'x'.repeat(3 * 1024 * 1024)}`)
    const first = await intake.begin(BASE_PROFILE, long)
    assert.equal(first?.hasRoom, false)
    assert.equal(await intake.begin(BASE_PROFILE, Buffer.from('alice 2'), { isKept: true }), undefined)
    assert.equal(await first?.ended, 'limited')
    assert.equal(await (await intake.begin(BASE_PROFILE, Buffer.from('bob 1')))?.ended, 'handled')
    await intake.stop()
  })

  test('is done with where it needs documents that are not to be had', async () => {
    const rates = { takeInbound: async () => {} }
    const sessions = { transact: () => Promise.reject(protocolError('The other agent needs too many documents.')) }
    const gate = { use: (_key: string, fn: () => unknown) => fn() }
    const logger = { warn() {}, error() {} }
    const tenants = { find: async () => ({ state: 'ACTIVE', keyMode: 'MANAGED' }) }
    for (const tenantId of ['alice', BASE_PROFILE]) {
      const routes = { find: async () => tenantId, findAgain: async () => tenantId }
      const parts = [routes, sessions, tenants, { touch() {} }, {}, rates, gate, {}, logger] as never[]
      const inbound = new (Inbound as unknown as new (...args: unknown[]) => Inbound)(...parts, undefined, () => {})
      const header = Buffer.from(JSON.stringify({ recipients: [{ header: { kid: 'key' } }] })).toString('base64url')
      const body = Buffer.from(JSON.stringify({ protected: header, iv: 'i', ciphertext: 'c', tag: 't' }))
      assert.equal((await inbound.receive(body, async () => undefined)).outcome, 'malformed')
    }
  })
})
