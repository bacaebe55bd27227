import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { say } from '../support/talk.js'

describe('a consumer that does not read', () => {
  let store: TestStore
  let gateway: TestGateway
  let acme: TestTenant

  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store, { EVENT_BUFFER: '5' })
    acme = await makeTenant(gateway.url)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  async function openStream(): Promise<IncomingMessage> {
    const outgoing = request(`${gateway.url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...acme.client.headers },
    })
    const query =
      'subscription { events(topics: [BASIC_MESSAGE]) { ... on BasicMessageEvent { message { content } } } }'
    outgoing.end(JSON.stringify({ query }))
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    response.pause()
    return response
  }

  test('is told over SSE that it is too slow, and does not fill the memory of the gateway', async () => {
    const { inviter } = await connect(acme, await makeTenant(gateway.url))
    const stream = await openStream()
    const sent = 150
    for (let index = 0; index < sent; index++) await say(acme.client, inviter, 'x'.repeat(100_000))
    const told = await text(stream)
    assert.match(told, /"code":"CONSUMER_TOO_SLOW"/)
    assert.ok((told.match(/"content"/g) ?? []).length < sent)
  })
})
