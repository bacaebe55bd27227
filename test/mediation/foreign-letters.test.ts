import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { reducePickedUp } from '../../src/agent/picked-up.js'
import { connect, makeTenant } from '../support/client.js'
import { freshStore, startGateway } from '../support/gateway.js'
import { eventually, say } from '../support/talk.js'
import { behindStock, Stranger } from './behind-stock.js'

const nested = (depth: number): unknown => (depth === 0 ? {} : { data: nested(depth - 1) })

/** What no agent writes, and a mediator keeps all the same. */
const FOREIGN = [{ '@id': 'x'.repeat(300) }, { thid: ':'.repeat(300) }, nested(100), {}]

describe('what strangers have a mediator keep', () => {
  test('holds up nobody, and is done with as it has come', async () => {
    const { stock, url, remove } = await behindStock({ QUEUES: 'on', HANDS_OVER_AGAIN: 'on' })
    const outsideStore = await freshStore('sqlite')
    const outside = await startGateway(outsideStore)
    try {
      const [alice, bob] = [await makeTenant(url), await makeTenant(outside.url)]
      const connection = await connect(alice, bob)
      const stranger = await Stranger.of(await makeTenant(url))
      for (const msg of FOREIGN) await stranger.forward(msg)
      const tap = await alice.client.follow()
      await say(bob.client, connection.invitee, 'behind them')
      await tap.find(({ message }) => message?.content === 'behind them')
      await tap.close()
      let { handedOver } = await stock.told()
      // Nothing of it is handed over again and again.
      await eventually(async () => {
        const before = handedOver
        await new Promise((resolve) => setTimeout(resolve, 1500))
        handedOver = (await stock.told()).handedOver
        return handedOver === before
      })
    } finally {
      await Promise.all([remove(), outside.stop()])
      await outsideStore.remove()
    }
  })

  test('is left what belongs to an envelope, in each form that it may come in', () => {
    const envelope = { protected: 'p', iv: 'i', ciphertext: 'c', tag: 't' }
    const foreign = { ...envelope, '@id': 'x'.repeat(300), tag: { t: 1 } }
    const left = { protected: 'p', iv: 'i', ciphertext: 'c' }
    const base64 = Buffer.from(JSON.stringify(envelope)).toString('base64')
    const delivery = {
      '@type': 'https://didcomm.org/messagepickup/2.0/delivery',
      '~attach': [
        { '@id': '1', data: { json: envelope } },
        { '@id': '2', data: { base64 } },
        { '@id': '3', data: { json: foreign } },
        { '@id': '4', data: { base64: 'no json' } },
        { '@id': '5', data: { links: ['https://example.com'] } },
        { '@id': '6' },
      ],
    }
    reducePickedUp(delivery)
    assert.deepEqual(
      delivery['~attach'].map(({ data }) => data),
      [envelope, envelope, left, {}, {}, {}].map((json) => ({ json })),
    )
    const batch = {
      '@type': 'did:sov:BzCbsNYhMrjHiqZDTUASHg;spec/messagepickup/1.0/batch',
      'messages~attach': [envelope, foreign, 'text'].map((message, n) => ({ id: `${n}`, message })),
    }
    reducePickedUp(batch)
    assert.deepEqual(
      batch['messages~attach'].map(({ message }) => message),
      [envelope, left, {}],
    )
  })
})
