import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { Peer, type Plaintext } from '../../bench/peer.js'
import { makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { atOnce, eventually } from '../support/talk.js'
import { NO_ENDPOINT } from '../transports/mobile-peer.js'
import { EdgeAgent, postTo } from './edge-agent.js'

const NOBODY_WS = 'ws://127.0.0.1:1/'
const NOBODY_HTTP = 'http://127.0.0.1:1/'
const PENDING = /^tenantry_outbound_pending (\d+)$/m
const USAGE = '{ usage { storageBytes } }'

describe('what an agent asks for, and does not take', () => {
  let store: TestStore
  let gateway: TestGateway
  let sender: Peer
  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
    sender = await Peer.create(NO_ENDPOINT)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  const makeMediator = (policy: object = {}) => makeTenant(gateway.url, { settings: { mediates: true }, policy })
  const pending = async () => Number(PENDING.exec(await (await fetch(`${gateway.url}/metrics`)).text())?.[1])
  const bytesOf = async ({ client }: TestTenant) => (await client.ask(USAGE)).usage.storageBytes as number
  /** Posts messages that ask for no way back. */
  const post = (edge: EdgeAgent, count: number, message: () => Plaintext) =>
    atOnce(count, 8, () => postTo(`${gateway.url}/didcomm`, edge.phone.pack(message())))
  const query = (): Plaintext => ({
    '@type': 'https://didcomm.org/coordinate-mediation/1.0/keylist-query',
    '@id': randomUUID(),
  })

  test('fills neither memory nor the store, of what it holds for it', async () => {
    for (const endpoint of [NOBODY_WS, NOBODY_HTTP, NO_ENDPOINT]) {
      const tenant = await makeMediator()
      const edge = await EdgeAgent.mediatedBy(tenant, gateway.url, endpoint)
      await edge.waiting()
      await edge.close()
      if (endpoint !== NOBODY_HTTP) {
        for (let n = 0; n < 10; n++)
          assert.equal(await postTo(`${gateway.url}/didcomm`, edge.forwarded(sender, 'x'.repeat(50_000))), 200)
      }
      const before = await bytesOf(tenant)
      for (const message of [() => edge.deliveryRequest(), () => edge.statusRequest(), query])
        await post(edge, 40, message)
      assert.ok((await pending()) < 20, endpoint)
      assert.ok((await bytesOf(tenant)) < before + 20_000, endpoint)
      await eventually(async () => (await pending()) === 0)
      // It can be had still, by whoever takes it.
      await edge.phone.open(gateway.url)
      assert.equal(await edge.waiting(), endpoint === NOBODY_HTTP ? 0 : 10)
      await edge.close()
    }
  })

  test('is forwarded to an endpoint that nobody answers at only up to the bytes that may wait', async () => {
    const tenant = await makeMediator({ mediationMaxBytes: 200_000 })
    const edge = await EdgeAgent.mediatedBy(tenant, gateway.url, NOBODY_HTTP)
    const send = () => postTo(`${gateway.url}/didcomm`, edge.forwarded(sender, 'x'.repeat(60_000)))
    assert.deepEqual([await send(), await send(), await send()], [200, 200, 429])
    await edge.close()
  })
})
