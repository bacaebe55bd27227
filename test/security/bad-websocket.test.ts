import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { type AnyEvent, ApiClient, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { request, tellsOfTheInside } from './raw-http.js'

/** What the gateway said on a socket, and how it closed it. */
interface Talk {
  code: number
  said: string
}

const INIT = { type: 'connection_init' }
const subscribe = (id: string, query: string) => ({ type: 'subscribe', id, payload: { query } })

describe('what is wrong on a WebSocket', () => {
  let store: TestStore
  let gateway: TestGateway
  let acme: TestTenant

  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
    acme = await makeTenant(gateway.url)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  /** Opens a socket, says all of it, and waits until the gateway closes it. */
  async function talk(...messages: (object | string)[]): Promise<Talk> {
    const socket = new WebSocket(`${gateway.wsUrl}/graphql`, 'graphql-transport-ws')
    let said = ''
    socket.on('message', (data) => {
      said += data.toString()
    })
    const closed = once(socket, 'close')
    await once(socket, 'open')
    for (const message of messages) {
      socket.send(typeof message === 'string' ? message : JSON.stringify(message))
      if (typeof message === 'object' && 'payload' in message && 'authorization' in Object(message.payload)) {
        await Promise.race([once(socket, 'message'), closed])
      }
    }
    const [code, reason] = (await closed) as [number, Buffer]
    return { code, said: said + reason.toString() }
  }

  /** Opens a socket that is let in. */
  async function open(credentials: object): Promise<WebSocket> {
    const socket = new WebSocket(`${gateway.wsUrl}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    socket.send(JSON.stringify({ ...INIT, payload: credentials }))
    const [answer] = await Promise.race([once(socket, 'message'), once(socket, 'close')])
    assert.match(String(answer), /connection_ack/)
    return socket
  }

  /** @returns the data of what is answered */
  function ask(socket: WebSocket, id: string, query: string): Promise<AnyEvent> {
    return new Promise((resolve, reject) => {
      socket.on('message', (text) => {
        const answer = JSON.parse(String(text))
        if (answer.type === 'next' && answer.id === id) resolve(answer.payload.data)
        else if (answer.type === 'error') reject(new Error(JSON.stringify(answer.payload)))
      })
      socket.send(JSON.stringify(subscribe(id, query)))
    })
  }

  /** Opens a stream of the caller. @returns the code of the close that ends it, whenever that comes */
  async function stream(credentials: object): Promise<{ closed: Promise<number> }> {
    const socket = new WebSocket(`${gateway.wsUrl}/graphql`, 'graphql-transport-ws')
    const closed = once(socket, 'close').then(([code]) => code as number)
    const said = () => Promise.race([once(socket, 'message'), closed])
    await once(socket, 'open')
    socket.send(JSON.stringify({ ...INIT, payload: credentials }))
    await said()
    socket.send(JSON.stringify(subscribe('1', 'subscription { events { id } }')))
    socket.send(JSON.stringify(subscribe('2', '{ viewer { role } }')))
    await said()
    return { closed }
  }

  test('closes it with the code of the protocol', async () => {
    const events = 'subscription { events { id } }'
    const credentials = { ...INIT, payload: { authorization: acme.client.headers['authorization'] } }
    const cases: Record<string, [number, ...(object | string)[]]> = {
      garbage: [4400, 'garbage'],
      'deep JSON': [4400, '['.repeat(100_000)],
      array: [4400, '[]'],
      'unknown type': [4400, { type: 'nope' }],
      'no id': [4400, INIT, { type: 'subscribe', payload: { query: events } }],
      'no query': [4400, INIT, { type: 'subscribe', id: '1', payload: {} }],
      'variables that are none': [4400, INIT, { type: 'subscribe', id: '1', payload: { query: events, variables: 1 } }],
      'before the init': [4401, subscribe('1', events)],
      'credentials that do not hold': [4403, { ...INIT, payload: { authorization: 'Bearer garbage' } }],
      'credentials that are none': [4403, { ...INIT, payload: { authorization: {} } }],
      'a key that is none': [4403, { ...INIT, payload: { apiKey: ['x'] } }],
      'the same id twice': [4409, credentials, subscribe('1', events), subscribe('1', events)],
      'a second init': [4429, INIT, INIT],
      'too large': [1009, INIT, 'x'.repeat(10_000_000)],
      'no init': [4408],
    }
    const talks = Object.entries(cases).map(async ([what, [code, ...messages]]) => {
      const answer = await talk(...messages)
      assert.equal(answer.code, code, `${what}: ${answer.said}`)
      assert.ok(!tellsOfTheInside(answer.said), answer.said)
    })
    await Promise.all(talks)
  })

  test('outlives peers that reset what it has refused, and keeps nothing of those that leave it open', async () => {
    const { hostname, port } = new URL(gateway.url)
    const ask = 'GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    const refused = async (allowHalfOpen: boolean) => {
      const socket = connect({ host: hostname, port: Number(port), allowHalfOpen }).on('error', () => {})
      socket.write(ask)
      const [answer] = await once(socket, 'data')
      assert.match(String(answer), /^HTTP\/1\.1 404 /)
      return socket
    }
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 20 }, async () => (await refused(true)).resetAndDestroy()))
    }
    const open = await refused(true)
    const writing = setInterval(() => open.write('x'), 10)
    await new Promise((resolve) => open.on('close', resolve))
    clearInterval(writing)
    const { status } = await fetch(`${gateway.url}/health/live`)
    assert.equal(status, 200)
  })

  test('ends what is open when the credentials stop to hold', async () => {
    const operator = ApiClient.operator(gateway.url)
    const create =
      'mutation($input: CreateTenantTokenInput!) { createTenantToken(input: $input) { token info { id } } }'
    const tokenOf = async (tenant: TestTenant, input: object) => {
      const answer = await operator.ask(create, { input: { tenantId: tenant.id, name: uniqueName('t'), ...input } })
      return answer.createTenantToken as { token: string; info: { id: string } }
    }
    const authorization = (token: string) => ({ authorization: `Bearer ${token}` })

    const expiring = await stream(authorization((await tokenOf(acme, { expiresIn: 1 })).token))
    const { token, info } = await tokenOf(acme, {})
    const revoked = await stream(authorization(token))
    const overSse = await fetch(`${gateway.url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...authorization(token) },
      body: JSON.stringify({ query: 'subscription { events { id } }' }),
    })
    const primary = await stream(authorization(acme.client.credentials.token as string))
    const doomed = await makeTenant(gateway.url)
    const deleted = await stream(authorization(doomed.client.credentials.token as string))

    const revoke = 'mutation($t: ID!, $id: ID!) { revokeTenantToken(tenantId: $t, tokenId: $id) { revokedTokenId } }'
    await operator.ask(revoke, { t: acme.id, id: info.id })
    assert.equal(await revoked.closed, 4403, 'revoked')
    assert.match(await overSse.text(), /"code":"UNAUTHENTICATED"/)
    await operator.ask(create, { input: { tenantId: acme.id } })
    assert.equal(await primary.closed, 4403, 'replaced by a new primary token')
    await operator.ask('mutation($t: ID!) { deleteTenant(input: {tenantId: $t}) { deletedTenantId } }', {
      t: doomed.id,
    })
    assert.equal(await deleted.closed, 4403, 'of a deleted tenant')
    assert.equal(await expiring.closed, 4403, 'expired')
  })

  test('is done with where the credentials have ceased to hold, also of a peer that does not close its end', async () => {
    const operator = ApiClient.operator(gateway.url)
    const thief = await makeTenant(gateway.url)
    const socket = await open({ authorization: thief.client.headers['authorization'] })
    const other = await stream({ authorization: thief.client.headers['authorization'] })
    // It reads nothing any more, and so answers no close.
    socket.pause()
    const answer = await operator.ask('mutation($t: ID!) { createTenantToken(input: {tenantId: $t}) { token } }', {
      t: thief.id,
    })
    assert.equal(await other.closed, 4403)
    socket.send(JSON.stringify(subscribe('2', 'mutation { createInvitation(input: {}) { invitation { id } } }')))
    const owner = new ApiClient(gateway.url, { token: answer.createTenantToken.token })
    const closed = once(socket, 'close')
    await sleep(500)
    assert.deepEqual((await owner.ask('{ invitations { nodes { id } } }')).invitations.nodes, [])
    socket.resume()
    await closed
  })

  test('is told for each operation anew, and credentials are taken by the names of headers too', async () => {
    const operator = ApiClient.operator(gateway.url)
    const globex = await makeTenant(gateway.url)
    const { authorization } = globex.client.headers
    for (const credentials of [{ authorization }, { Authorization: authorization }]) {
      const socket = await open(credentials)
      const tokens = async (id: string) => {
        const data = await ask(socket, id, '{ viewer { tenant { tokens { id } } } }')
        return data.viewer.tenant.tokens.length
      }
      const before = await tokens('1')
      await operator.ask('mutation($i: CreateTenantTokenInput!) { createTenantToken(input: $i) { token } }', {
        i: { tenantId: globex.id, name: uniqueName('later') },
      })
      assert.equal(await tokens('2'), before + 1)
      socket.close()
    }
    const key = operator.headers['x-api-key']
    const socket = await open({ 'X-API-Key': key })
    assert.deepEqual(await ask(socket, '1', '{ viewer { role } }'), { viewer: { role: 'OPERATOR' } })
    socket.close()
  })

  test('leaves the gateway alive', async () => {
    assert.equal((await request(`${gateway.url}/health/ready`, {})).status, 200)
    const other = new WebSocket(`${gateway.wsUrl}/elsewhere`)
    const [error] = (await once(other, 'error')) as [Error]
    assert.match(error.message, /404/)
  })
})
