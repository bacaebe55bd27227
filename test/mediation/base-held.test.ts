import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiClient, type TestTenant } from '../support/client.js'
import { freshStore, startGateway } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { MobilePeer } from '../transports/mobile-peer.js'

/** Has a gateway's clock go a minute ahead, and what it does every few minutes be done at once. */
const A_MINUTE_LATER = `--import=data:text/javascript,${encodeURIComponent(`
  const { now } = Date
  Date.now = () => now() + 61_000
  const every = setInterval
  globalThis.setInterval = (work, ms, ...rest) => every(work, ms >= 300_000 ? 200 : ms, ...rest)`)}`

test('what the base wallet holds for an agent that does not come is given up', async () => {
  const store = await freshStore('sqlite')
  const env = { BASE_MEDIATES: 'on', OUTBOX_GIVE_UP: '30s' }
  let gateway = await startGateway(store, env)
  try {
    const { createMediatorInvitation } = await ApiClient.operator(gateway.url).ask(
      'mutation { createMediatorInvitation { message } }',
    )
    const { message } = createMediatorInvitation
    const inviter = {
      client: { url: gateway.url, ask: async () => ({ createInvitation: { invitation: { message } } }) },
    }
    const phone = await MobilePeer.connectTo(inviter as unknown as TestTenant, gateway.url)
    await phone.close()
    assert.equal((await phone.post(phone.pack(phone.ping()))).status, 200)
    await gateway.stop()
    gateway = await startGateway(store, { ...env, NODE_OPTIONS: A_MINUTE_LATER })
    await eventually(async () => {
      const { events } = await ApiClient.operator(gateway.url).ask(
        '{ events(last: 20) { nodes { topic ... on DeliveryEvent { outcome reason } } } }',
      )
      return events.nodes.some(
        (event: { outcome?: string; reason?: string }) =>
          event.outcome === 'GIVEN_UP' && event.reason === 'not fetched',
      )
    })
  } finally {
    await gateway.stop()
    await store.remove()
  }
})
