import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { makeTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway } from '../support/gateway.js'
import { TcpProxy } from '../support/tcp-proxy.js'

const query = 'subscription { events { id } }'

test('streams end with a word to try again where the database is away, and not as if their credentials were wrong', async () => {
  const store = await freshStore('postgres')
  // Without Redis credentials are looked at every moment.
  delete store.env['REDIS_URL']
  const database = new URL(store.env['DATABASE_URL'] as string)
  const proxy = await TcpProxy.to({ host: database.hostname, port: Number(database.port || 5432) })
  database.hostname = '127.0.0.1'
  database.port = `${proxy.port}`
  let gateway: TestGateway | undefined
  try {
    gateway = await startGateway(store, { DATABASE_URL: database.href })
    const { client } = await makeTenant(gateway.url)
    const { authorization } = client.headers
    const socket = new WebSocket(`${gateway.wsUrl}/graphql`, 'graphql-transport-ws')
    const closed = once(socket, 'close')
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }))
    await once(socket, 'message')
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query } }))
    const overSse = await fetch(`${gateway.url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `${authorization}` },
      body: JSON.stringify({ query }),
    })
    await proxy.cut()
    const [code, reason] = (await closed) as [number, Buffer]
    assert.deepEqual([code, `${reason}`], [1013, 'Try again in 1 s'])
    const told = await overSse.text()
    assert.match(told, /"code":"INTERNAL_SERVER_ERROR"/)
    assert.match(told, /"retryAfter":1/)
  } finally {
    await proxy.restore()
    await gateway?.stop()
    await proxy.cut()
    await store.remove()
  }
})
