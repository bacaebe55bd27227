import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createHost, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { WebSocket } from 'ws'
import { createLogger } from '../../src/lib/logger.js'
import { graphqlOverWs } from '../../src/server/graphql-ws.js'
import { type GraphError, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { suspend } from '../tenancy/states.js'
import { lock, makeUnmanaged } from '../tenancy/unmanaged.js'

const SOCKETS_MAX = 6

interface Said {
  type: string
  id?: string
  payload?: GraphError[] & { data?: unknown }
}

/** A socket as a client has it, and all that was said to it. */
class Client {
  readonly said: Said[] = []
  readonly closed: Promise<number>

  private constructor(readonly ws: WebSocket) {
    ws.on('message', (text) => this.said.push(JSON.parse(String(text))))
    this.closed = once(ws, 'close').then(([code]) => code)
  }

  static async open(wsUrl: string, payload?: object): Promise<Client> {
    const ws = new WebSocket(`${wsUrl}/graphql`, 'graphql-transport-ws')
    const socket = new Client(ws)
    await once(ws, 'open')
    socket.say({ type: 'connection_init', payload })
    await eventually(async () => socket.said.length === 1)
    return socket
  }

  say(message: object): void {
    this.ws.send(JSON.stringify(message))
  }

  subscribe(id: string, query: string): void {
    this.say({ type: 'subscribe', id, payload: { query } })
  }

  /** Waits for what is said of an operation. */
  heard(id: string, type: string): Promise<Said> {
    return eventually(async () => this.said.find((said) => said.id === id && said.type === type))
  }
}

const BOUNDS = { SOCKET_OPERATIONS_MAX: '3', GRAPHQL_SOCKETS_MAX: `${SOCKETS_MAX}`, GRAPHQL_SOCKET_IDLE: '1s' }
const EVENTS = 'subscription { events { id } }'

describe('sockets of GraphQL', () => {
  let store: TestStore
  let gateway: TestGateway
  let slow: Awaited<ReturnType<typeof slowHost>>

  before(async () => {
    store = await freshStore('sqlite')
    slow = await slowHost()
    gateway = await startGateway(store, { ALLOW_ADDRESSES: 'localhost', ...BOUNDS })
  })
  after(async () => {
    slow?.close()
    await gateway?.stop()
    await store?.remove()
  })

  const openFor = ({ client }: TestTenant) => Client.open(gateway.wsUrl, client.headers)
  const openOf = async ({ client }: TestTenant) =>
    (await client.ask('{ usage { openSubscriptions } }')).usage.openSubscriptions

  test('end a stream whose id belonged to something that still runs, as its client or the socket ends', async () => {
    const tenant = await makeTenant(gateway.url)
    for (const end of [(socket: Client) => socket.say({ type: 'complete', id: 'a' }), ({ ws }: Client) => ws.close()]) {
      const socket = await openFor(tenant)
      socket.subscribe('a', slow.query())
      await slow.reached()
      socket.say({ type: 'complete', id: 'a' })
      socket.subscribe('a', EVENTS)
      await eventually(async () => (await openOf(tenant)) === 1)
      slow.end()
      socket.subscribe('b', '{ viewer { role } }')
      await socket.heard('b', 'complete')
      assert.deepEqual(
        socket.said.filter(({ id }) => id === 'a'),
        [],
      )
      end(socket)
      await eventually(async () => (await openOf(tenant)) === 0)
      socket.ws.close()
    }
  })

  test('count what runs, also what nobody waits for any more', async () => {
    const socket = await openFor(await makeTenant(gateway.url))
    for (const id of ['1', '2', '3']) {
      socket.subscribe(id, slow.query())
      await slow.reached()
      socket.say({ type: 'complete', id })
    }
    socket.subscribe('4', '{ viewer { role } }')
    const { payload } = await socket.heard('4', 'error')
    assert.equal(payload?.[0]?.extensions.code, 'QUOTA_EXCEEDED')
    slow.end()
    await eventually(async () => {
      socket.subscribe('5', '{ viewer { role } }')
      await Promise.race([socket.heard('5', 'complete'), socket.heard('5', 'error')])
      return socket.said.some(({ id, type }) => id === '5' && type === 'complete')
    })
    socket.ws.close()
  })

  test('are bounded, and those of strangers make room for whoever comes', async () => {
    const metrics = async () => (await fetch(`${gateway.url}/metrics`)).text()
    const count = async () => Number(/^tenantry_graphql_sockets (\d+)$/m.exec(await metrics())?.[1])
    await eventually(async () => (await count()) === 0)
    const tenant = await makeTenant(gateway.url)
    const strangers = await Promise.all(Array.from({ length: SOCKETS_MAX }, () => Client.open(gateway.wsUrl)))
    const own = await Promise.all(Array.from({ length: SOCKETS_MAX }, () => openFor(tenant)))
    for (const { closed } of strangers) assert.equal(await closed, 1013)
    const [error] = (await once(new WebSocket(`${gateway.wsUrl}/graphql`, 'graphql-transport-ws'), 'error')) as [Error]
    assert.match(error.message, /503/)
    assert.equal(await count(), SOCKETS_MAX)
    for (const { ws } of own) ws.close()
    await Promise.all(own.map(({ closed }) => closed))
    const later = await openFor(tenant)
    later.ws.close()
  })

  test('are closed where nobody has opened them and nothing is asked', async () => {
    const own = await openFor(await makeTenant(gateway.url))
    const busy = await Client.open(gateway.wsUrl)
    let isIdle = false
    const asking = (async () => {
      for (let id = 0; !isIdle; id++) {
        busy.subscribe(`${id}`, '{ viewer { role } }')
        await busy.heard(`${id}`, 'complete')
      }
    })()
    const other = await Client.open(gateway.wsUrl)
    assert.equal(await other.closed, 1001)
    assert.deepEqual([own.ws.readyState, busy.ws.readyState], [WebSocket.OPEN, WebSocket.OPEN])
    isIdle = true
    await asking
    assert.equal(await busy.closed, 1001)
    own.ws.close()
  })

  test('are not read from where their answers are not taken', async () => {
    const { ws, said } = await openFor(await makeTenant(gateway.url))
    ws.pause()
    const payload = { text: 'x'.repeat(900_000) }
    const sent = Array.from(
      { length: 50 },
      () =>
        new Promise<void>((resolve) => {
          ws.send(JSON.stringify({ type: 'ping', payload }), () => resolve())
        }),
    )
    assert.equal(await Promise.race([Promise.all(sent), sleep(1000, 'waits')]), 'waits')
    ws.resume()
    await Promise.all(sent)
    await eventually(async () => said.length === 1 + sent.length)
    ws.close()
  })

  test('leave no words in the log but those of the gateway, whatever comes', async () => {
    const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
    const init = (payload: string) => `{"type":"connection_init","payload":${payload}}`
    const cases: Record<string, [number, ...string[]]> = {
      'a deep key': [4403, init(`{"apiKey":${deep(20_000)}}`)],
      'a deep token': [4403, init(`{"authorization":${deep(20_000)}}`)],
      'a deep ping': [4400, `{"type":"ping","payload":{"a":${deep(20_000)}}}`],
      'a message of a server': [4400, '{"type":"connection_ack"}'],
      'the same long id twice': [
        4409,
        init(JSON.stringify((await makeTenant(gateway.url)).client.headers)),
        ...Array<string>(2).fill(
          JSON.stringify({ type: 'subscribe', id: 'x'.repeat(200), payload: { query: EVENTS } }),
        ),
      ],
    }
    for (const [what, [code, ...messages]] of Object.entries(cases)) {
      const ws = new WebSocket(`${gateway.wsUrl}/graphql`, 'graphql-transport-ws')
      const closed = once(ws, 'close')
      await once(ws, 'open')
      for (const [index, message] of messages.entries()) {
        ws.send(message)
        if (index === 0 && messages.length > 1) await once(ws, 'message')
      }
      assert.equal((await closed)[0], code, what)
    }
    const broken = new WebSocket(`${gateway.wsUrl}/graphql`, 'graphql-transport-ws')
    await once(broken, 'open')
    // A frame with bits that mean nothing.
    ;(broken as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
      Buffer.from([0xf1, 0x80, 0, 0, 0, 0]),
    )
    assert.equal((await once(broken, 'close'))[0], 1002)
    for (const line of gateway.log().split('\n').filter(Boolean)) assert.doesNotThrow(() => JSON.parse(line), line)
    assert.doesNotMatch(gateway.log(), /"level":"(warn|error)"/)
  })

  test('say of a wallet that is locked so alone, as streams over SSE do', async () => {
    const tenant = await makeUnmanaged(gateway.url)
    const socket = await openFor(tenant)
    socket.subscribe('a', EVENTS)
    const overSse = await fetch(`${gateway.url}/graphql/stream`, {
      method: 'POST',
      headers: { ...tenant.client.headers, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: EVENTS }),
    })
    await eventually(async () => (await openOf(tenant)) === 2)
    await lock(tenant)
    const { payload } = await socket.heard('a', 'error')
    assert.equal(payload?.[0]?.extensions.code, 'TENANT_LOCKED')
    assert.equal(socket.said.filter(({ id }) => id === 'a').length, 1)
    const told = [...(await overSse.text()).matchAll(/event: (\w+)\ndata: ?(.*)\n/g)]
    assert.deepEqual(
      told.map(([, event]) => event),
      ['next', 'complete'],
    )
    assert.match(told[0]?.[2] ?? '', /^{"errors":.*"code":"TENANT_LOCKED"/)
    socket.ws.close()
  })

  test('stop where the credentials have ceased to hold', async () => {
    const tenant = await makeTenant(gateway.url)
    const socket = await openFor(tenant)
    socket.subscribe('a', EVENTS)
    await eventually(async () => (await openOf(tenant)) === 1)
    await suspend(gateway.url, tenant)
    assert.equal(await socket.closed, 4403)
    assert.deepEqual(
      socket.said.filter(({ id }) => id === 'a'),
      [],
    )
  })
})

test('a socket keeps nothing of what it was begun with', async () => {
  let given: WeakRef<object> | undefined
  const { server, stop } = graphqlOverWs({
    credentials: {
      viewer: async ({ authorization }: { authorization: object }) => {
        given = new WeakRef(authorization)
        return { role: 'ANONYMOUS', operatorKey: false }
      },
    },
    live: { watch: () => () => {} },
    originOf: () => null,
    maxBytes: 1000,
    socketsMax: 1,
    idleMs: 60_000,
    logger: createLogger({ level: 'silent', format: 'json' }),
  } as never)
  const http = createServer().listen(0, '127.0.0.1')
  http.on('upgrade', (request, connection, head) =>
    server.handleUpgrade(request, connection, head, (ws) => server.emit('connection', ws, request)),
  )
  await once(http, 'listening')
  const socket = await Client.open(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`, { authorization: {} })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  await eventually(async () => {
    collect()
    return given?.deref() === undefined
  })
  assert.equal(socket.ws.readyState, WebSocket.OPEN)
  await stop()
  http.close()
})

/** A host of DIDs that says nothing until it is told to end, and then nothing either. */
async function slowHost() {
  const waiting: Socket[] = []
  let asked = 0
  let ended = 0
  const server = createHost((connection) => {
    connection.on('error', () => {})
    waiting.push(connection)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    /** Asks for another DID of it, and runs until the host ends. */
    query: () => `{ resolveDid(did: "did:web:localhost%3A${port}:${++asked}") { document } }`,
    /** Waits until all that was asked has come here. */
    reached: () => eventually(async () => ended + waiting.length >= asked),
    end() {
      ended = asked
      for (const connection of waiting.splice(0)) connection.destroy()
    },
    close() {
      for (const connection of waiting) connection.destroy()
      server.close()
    },
  }
}
