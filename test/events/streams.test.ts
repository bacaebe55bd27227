import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import {
  type AnyEvent,
  ApiClient,
  connect,
  EVENT_FIELDS,
  type EventTap,
  makeTenant,
  type TestTenant,
} from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { assertGapless, placeOf, readEvents } from '../support/ledger.js'
import { freePort } from '../support/ports.js'
import { atOnce, eventually, invite, say } from '../support/talk.js'

const RESUBSCRIPTIONS = 50
/** For the reader that does not read: how many events, and of what size. */
const MESSAGES = 250
const CONTENT_BYTES = 60_000

for (const kind of STORES) {
  describe(`event streams on ${kind}`, () => {
    let store: TestStore
    let env: Record<string, string>
    let gateway: TestGateway
    let operator: ApiClient
    before(async () => {
      store = await freshStore(kind)
      env = { PORT: `${await freePort()}`, EVENT_BUFFER: '50', INSTANCE_ID: 'streams' }
      gateway = await startGateway(store, env)
      operator = ApiClient.operator(gateway.url)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    test(`goes on after a cursor without gap or repeat, ${RESUBSCRIPTIONS} times while events are written`, async () => {
      const tenant = await makeTenant(gateway.url)
      const publishing = publish(tenant)
      const seen: AnyEvent[] = (await readEvents(tenant.client)).slice(0, 1)
      for (let round = 0; round < RESUBSCRIPTIONS; round++) {
        const tap = await tenant.client.follow({ after: seen.at(-1).cursor })
        const wanted = Math.floor(Math.random() * 8)
        await tap.until(() => tap.events.length >= wanted)
        await tap.close()
        assert.equal(tap.ended, undefined)
        seen.push(...tap.events)
      }
      await publishing.stop()
      assertGapless(seen, 1)
      assert.deepEqual(seen, (await readEvents(tenant.client)).slice(0, seen.length))
    })

    test('goes on after the end of an empty page', async () => {
      const tenant = await makeTenant(gateway.url)
      const end = async (page: string) =>
        (await tenant.client.ask(`{ events(${page}) { nodes { id } pageInfo { endCursor } } }`)).events
      const last = await end('last: 1')
      const empty = await end(`first: 5, after: "${last.pageInfo.endCursor}"`)
      assert.deepEqual(empty.nodes, [])
      assert.equal(empty.pageInfo.endCursor, last.pageInfo.endCursor)
      const none = await end('first: 0')
      assert.deepEqual(none.nodes, [])
      await invite(tenant)
      const tap = await tenant.client.follow({ after: empty.pageInfo.endCursor })
      await invite(tenant)
      await tap.until(() => tap.events.length === 2)
      assertGapless(tap.events, placeOf(last.pageInfo.endCursor).seq + 1)
      await tap.close()
    })

    test('refuses cursors that are none, of another log, or never reached', async () => {
      const [tenant, other] = [await makeTenant(gateway.url), await makeTenant(gateway.url)]
      const [event] = await readEvents(tenant.client)
      const [foreign] = await readEvents(other.client)
      const { log } = placeOf(event.cursor)
      const future = Buffer.from(`e1:${log}:999`).toString('base64url')
      for (const [cursor, code] of [
        ['nonsense', 'BAD_USER_INPUT'],
        ['', 'BAD_USER_INPUT'],
        [Buffer.from(`e1:${log}:-1`).toString('base64url'), 'BAD_USER_INPUT'],
        [foreign.cursor, 'CURSOR_EXPIRED'],
        [future, 'CURSOR_EXPIRED'],
      ] as const) {
        assert.equal(await refusal(tenant.client, cursor), code)
        const query = 'query($after: String) { events(after: $after) { nodes { id } } }'
        assert.equal(await tenant.client.codeOf(query, { after: cursor }), code)
      }
      assert.equal(await refusal(operator, event.cursor), 'CURSOR_EXPIRED')
    })

    test('shows only chosen topics, and to the operator only chosen tenants', async () => {
      const [one, other] = [
        await makeTenant(gateway.url, { eventDispatch: 'BOTH' }),
        await makeTenant(gateway.url, { eventDispatch: 'BOTH' }),
      ]
      const [start] = await readEvents(one.client)
      const own = await one.client.follow({ after: start.cursor, topics: ['INVITATION'] })
      const base = await operator.follow({ tenantIds: [other.id], topics: ['DID'] })
      for (const { client } of [one, other]) {
        await client.ask('mutation { createDid(input: {method: "key"}) { did { did } } }')
        await client.ask('mutation { createInvitation(input: {}) { invitation { id } } }')
      }
      await own.until(() => own.events.length > 0)
      const did = await base.find(() => true)
      assert.deepEqual([did.tenantId, did.topic], [other.id, 'DID'])
      await sleep(100)
      assert.deepEqual(
        own.events.map(({ topic }) => topic),
        ['INVITATION'],
      )
      assert.equal(base.events.length, 1)
      const refused = await one.client.follow({ tenantIds: [one.id] })
      assert.equal(codeOf(await refused.until(() => refused.ended)), 'BAD_USER_INPUT')
      await Promise.all([own.close(), base.close(), refused.close()])
    })

    test('shows each what it has asked for, whatever its variables are called', async () => {
      const tenant = await makeTenant(gateway.url)
      const tap = await tenant.client.follow()
      const query = 'subscription($after: Boolean!) { events { id topic @include(if: $after) } }'
      const seen = [true, false].map((after) => {
        const events: AnyEvent[] = []
        const next = ({ data }: { data?: AnyEvent }) => void events.push(data.events)
        tap.client.subscribe({ query, variables: { after } }, { next, error() {}, complete() {} })
        return events
      })
      // Answered after they are taken.
      await new Promise<void>((complete) => {
        tap.client.subscribe({ query: '{ viewer { role } }' }, { next() {}, error: () => complete(), complete })
      })
      await invite(tenant)
      const [[full], [bare]] = await eventually(
        async () => seen.every(({ length }) => length > 0) && (seen as [AnyEvent, AnyEvent]),
      )
      assert.deepEqual(full, { id: bare.id, topic: 'INVITATION' })
      assert.deepEqual(bare, { id: full.id })
      await tap.close()
    })

    test('leads events where the tenant dispatches them to', async () => {
      const tenants = {
        DEFAULT: await makeTenant(gateway.url),
        BASE: await makeTenant(gateway.url, { eventDispatch: 'BASE' }),
        BOTH: await makeTenant(gateway.url, { eventDispatch: 'BOTH' }),
      }
      const ids = Object.values(tenants).map(({ id }) => id)
      const base = await operator.follow({ tenantIds: ids })
      for (const tenant of Object.values(tenants)) await invite(tenant)
      await base.until(() => base.events.length >= 2)
      await sleep(200)
      assert.deepEqual(
        new Set(base.events.map(({ tenantId }) => tenantId)),
        new Set([tenants.BASE.id, tenants.BOTH.id]),
      )
      const topics = async ({ client }: TestTenant) => (await readEvents(client)).map(({ topic }) => topic).sort()
      assert.deepEqual(await topics(tenants.DEFAULT), ['INVITATION', 'TENANT'])
      assert.deepEqual(await topics(tenants.BASE), ['TENANT'])
      assert.deepEqual(await topics(tenants.BOTH), ['INVITATION', 'TENANT'])
      await base.close()
    })

    test('closes a reader that does not read, who then goes on from its cursor', async () => {
      const tenant = await makeTenant(gateway.url)
      const { inviter: connectionId } = await connect(tenant, await makeTenant(gateway.url))
      const reader = await StubbornReader.open(gateway.wsUrl, tenant)
      // More than the buffers of the sockets on both ends take.
      const content = 'x'.repeat(CONTENT_BYTES)
      await atOnce(MESSAGES, 8, () => say(tenant.client, connectionId, content))
      const { events, error } = await reader.readOn()
      assert.equal(error, 'CONSUMER_TOO_SLOW')
      assertGapless(events)
      const tap = await tenant.client.follow({ after: events.at(-1).cursor })
      await tap.until(() => events.length + tap.events.length === MESSAGES)
      assertGapless([...events, ...tap.events])
      await tap.close()
      reader.close()
    })

    test('ends with 4403 when the token expires', async () => {
      const tenant = await makeTenant(gateway.url)
      const { createTenantToken } = await operator.ask(
        'mutation($id: ID!) { createTenantToken(input: {tenantId: $id, name: "short", expiresIn: 2}) { token } }',
        { id: tenant.id },
      )
      const tap = await new ApiClient(gateway.url, { token: createTenantToken.token }).follow()
      const start = Date.now()
      const ended = (await tap.until(() => tap.ended)) as { code?: number }
      assert.equal(ended.code, 4403)
      assert.ok(Date.now() - start < 3000)
      await tap.close()
    })

    test('completes the base stream after kill -9, each event once and in its order', async () => {
      const tenant = await makeTenant(gateway.url, { eventDispatch: 'BOTH' })
      for (let round = 0; round < 3; round++) {
        const publishing = publish(tenant)
        await publishing.begun
        await sleep(Math.random() * 300)
        await gateway.kill()
        await publishing.stop()
        gateway = await startGateway(store, env)
      }
      const own = (await readEvents(tenant.client)).filter(({ topic }) => topic !== 'TENANT')
      assert.ok(own.length > 3)
      const ids = await eventually(async () => {
        const base = (await readEvents(operator)).filter(
          ({ tenantId, topic }) => tenantId === tenant.id && topic !== 'TENANT',
        )
        return base.length >= own.length ? base.map(({ id }) => id) : undefined
      })
      assert.deepEqual(
        ids,
        own.map(({ id }) => id),
      )
      assertGapless(await readEvents(operator), 1)
    })

    test('is complete over SSE at SIGTERM, and does not hold the gateway', async () => {
      const { client } = await makeTenant(gateway.url)
      const response = await fetch(`${gateway.url}/graphql/stream`, {
        method: 'POST',
        headers: { ...client.headers, 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ query: 'subscription { events { id } }' }),
      })
      const stopping = Date.now()
      assert.equal(await gateway.stop(), 0)
      // As long as what is under way may take.
      assert.ok(Date.now() - stopping < 20_000)
      assert.match(await response.text(), /event: complete\ndata:\s*$/)
      gateway = await startGateway(store, env)
    })

    test('ends with a resumable code at SIGTERM, and goes on at the next start', async () => {
      const tenant = await makeTenant(gateway.url)
      const tap = await tenant.client.follow()
      await invite(tenant)
      await tap.find(({ topic }) => topic === 'INVITATION')
      const stopped = gateway.stop()
      const ended = (await tap.until(() => tap.ended)) as { code?: number }
      assert.ok([1001, 1012].includes(ended.code ?? 0), `it ended with ${JSON.stringify(ended)}`)
      assert.equal(await stopped, 0)
      gateway = await startGateway(store, env)
      const again = await tenant.client.follow({ after: tap.events.at(-1).cursor })
      await invite(tenant)
      await again.find(({ topic }) => topic === 'INVITATION')
      assertGapless([...tap.events, ...again.events])
      await Promise.all([tap.close(), again.close()])
    })
  })
}

/** Writes events to a tenant's log, one after the other, until it is stopped. */
function publish(tenant: TestTenant): { begun: Promise<void>; stop(): Promise<void> } {
  let going = true
  const begun = (async () => {
    for (let n = 0; n < 2; n++) await invite(tenant)
  })()
  const work = begun
    .then(async () => {
      while (going) await invite(tenant)
    })
    .catch(() => {})
  return {
    begun,
    async stop() {
      going = false
      await work
    },
  }
}

const codeOf = (ended: unknown) => (ended as { extensions?: { code: string } }[])[0]?.extensions?.code

/** The code that a subscription after this cursor ends with. */
async function refusal(client: ApiClient, after: string): Promise<string | undefined> {
  const tap: EventTap = await client.follow({ after })
  const ended = await tap.until(() => tap.ended)
  await tap.close()
  return codeOf(ended)
}

/** A subscriber whose socket stands still. */
class StubbornReader {
  private constructor(private readonly socket: WebSocket) {}

  static async open(url: string, { client }: TestTenant): Promise<StubbornReader> {
    const socket = new WebSocket(`${url}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    socket.send(
      JSON.stringify({ type: 'connection_init', payload: { authorization: client.headers['authorization'] } }),
    )
    await once(socket, 'message')
    const query = `subscription { events { ${EVENT_FIELDS} } }`
    socket.send(JSON.stringify({ id: 'slow', type: 'subscribe', payload: { query } }))
    // Taken before the next operation is answered.
    socket.send(JSON.stringify({ id: 'then', type: 'subscribe', payload: { query: '{ viewer { role } }' } }))
    await once(socket, 'message')
    socket.pause()
    return new StubbornReader(socket)
  }

  /** Reads what was sent until the subscription ended. */
  async readOn(): Promise<{ events: AnyEvent[]; error: string }> {
    const events: AnyEvent[] = []
    return new Promise((resolve, reject) => {
      this.socket.on('close', (code) => reject(new Error(`closed with ${code} after ${events.length} events`)))
      this.socket.on('message', (data) => {
        const { id, type, payload } = JSON.parse(data.toString())
        if (id === 'slow' && type === 'next' && payload.data) events.push(payload.data.events)
        if (id === 'slow' && type === 'next' && payload.errors)
          resolve({ events, error: payload.errors[0].extensions.code })
        if (id === 'slow' && type === 'error') resolve({ events, error: payload[0].extensions.code })
      })
      this.socket.resume()
    })
  }

  close(): void {
    this.socket.removeAllListeners('close')
    this.socket.terminate()
  }
}
