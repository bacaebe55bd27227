import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { ApiClient, type GraphError, type GraphResult, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { eventually } from '../support/talk.js'
import { TcpProxy } from '../support/tcp-proxy.js'

const READ = '{ dids { nodes { did } } }'
const WRITE = 'mutation { createInvitation(input: {}) { invitation { id } } }'

for (const kind of STORES) {
  describe(`rates on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let operator: ApiClient

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store, { METRICS_PER_TENANT: 'on' })
      operator = ApiClient.operator(gateway.url)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    test('bound requests by whatever transport they come, and another tenant has its own', async () => {
      const tenant = await makeTenant(gateway.url, { policy: { requestsPerMinute: 3 } })
      assert.equal((await tenant.client.send(READ)).errors, undefined)
      assert.equal(await overWs(tenant.client, READ), undefined)
      assert.equal(await overSse(tenant.client, READ), undefined)
      for (const send of [overHttp, overWs, overSse]) {
        const error = await send(tenant.client, READ)
        assert.equal(error?.extensions.code, 'RATE_LIMITED')
        const { retryAfter } = error.extensions
        assert.ok(retryAfter !== undefined && retryAfter >= 50 && retryAfter <= 60, `${retryAfter} s`)
      }
      assert.equal((await (await makeTenant(gateway.url)).client.send(READ)).errors, undefined)
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
      assert.match(metrics, new RegExp(`refused_total\\{limit="requestsPerMinute",tenant="${tenant.id}"\\} 3`))
    })

    test('bound exports of the audit log as any request', async () => {
      const tenant = await makeTenant(gateway.url, { policy: { requestsPerMinute: 2 } })
      const { headers } = tenant.client
      const ask = () => fetch(`${gateway.url}/audit?since=2026-01-01T00:00:00Z`, { headers })
      assert.equal((await (await ask()).text()).trim().split('\n').length, 1)
      assert.equal((await tenant.client.send(READ)).errors, undefined)
      const refused = await ask()
      assert.equal(refused.status, 429)
      assert.ok(Number(refused.headers.get('retry-after')) > 50)
      assert.equal(((await refused.json()) as GraphResult).errors?.[0]?.extensions.code, 'RATE_LIMITED')
    })

    test('leave no series of a tenant that is deleted', async () => {
      const tenant = await makeTenant(gateway.url, { policy: { requestsPerMinute: 0 } })
      await tenant.client.send(READ)
      const isTold = async () => (await (await fetch(`${gateway.url}/metrics`)).text()).includes(tenant.id)
      assert.equal(await isTold(), true)
      await operator.ask('mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }', {
        id: tenant.id,
      })
      await eventually(async () => !(await isTold()))
    })

    test('answer 429 with Retry-After to clients that know GraphQL over HTTP, 200 to others', async () => {
      const tenant = await makeTenant(gateway.url, { policy: { requestsPerMinute: 0 } })
      for (const [accept, status] of [
        ['application/graphql-response+json', 429],
        ['application/json', 200],
      ] as const) {
        const headers = { ...tenant.client.headers, 'content-type': 'application/json', accept }
        const body = JSON.stringify({ query: READ })
        const response = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body })
        assert.equal(response.status, status)
        assert.ok(Number(response.headers.get('retry-after')) > 50)
      }
    })

    test('count each root field of a mutation, and what is refused takes nothing', async () => {
      const tenant = await makeTenant(gateway.url, { policy: { mutationsPerMinute: 4 } })
      const make = 'createInvitation(input: {}) { invitation { id } }'
      const many = (count: number) =>
        `mutation($no: Boolean!) { __typename ...Made z: ${make} }
         fragment Made on Mutation { ${Array.from({ length: count - 1 }, (_, n) => `a${n}: ${make}`).join(' ')}
           off: createInvitation(input: {}) @include(if: $no) { invitation { id } } }`
      const send = async (count: number) => (await tenant.client.send(many(count), { no: false })).errors?.[0]
      assert.equal((await send(5))?.extensions.code, 'RATE_LIMITED')
      assert.equal(await send(3), undefined)
      assert.equal((await send(2))?.extensions.code, 'RATE_LIMITED')
      assert.equal((await tenant.client.send(WRITE)).errors, undefined)
      assert.equal((await overHttp(tenant.client, WRITE))?.extensions.code, 'RATE_LIMITED')
      assert.equal((await tenant.client.send(READ)).errors, undefined, 'queries are no mutations')
      assert.equal((await tenant.client.ask('{ invitations { nodes { id } } }')).invitations.nodes.length, 4)
    })

    test('a change of the policy stands at once', async () => {
      const tenant = await makeTenant(gateway.url, { policy: { requestsPerMinute: 1 } })
      assert.equal((await tenant.client.send(READ)).errors, undefined)
      assert.equal((await overHttp(tenant.client, READ))?.extensions.code, 'RATE_LIMITED')
      await setPolicy(operator, tenant, { requestsPerMinute: 2 })
      assert.equal((await tenant.client.send(READ)).errors, undefined)
      assert.equal((await overHttp(tenant.client, READ))?.extensions.code, 'RATE_LIMITED')
      await setPolicy(operator, tenant, { requestsPerMinute: null })
      for (let n = 0; n < 5; n++) assert.equal((await tenant.client.send(READ)).errors, undefined)
    })

    test('hold under requests that race', async () => {
      const tenant = await makeTenant(gateway.url, { policy: { requestsPerMinute: 10 } })
      const errors = await Promise.all(Array.from({ length: 32 }, () => overHttp(tenant.client, READ)))
      assert.equal(errors.filter((error) => error === undefined).length, 10)
    })

    test('a message beyond the bound is answered 429 with Retry-After before it is opened, and another may come', async () => {
      const peer = await OutsidePeer.connectTo(await makeTenant(gateway.url))
      try {
        await setPolicy(operator, peer.tenant, { inboundPerMinute: 2 })
        const spoiled = Buffer.from(`${peer.message('x')}`.replace('"tag":"', '"tag":"AAAA'))
        assert.equal((await peer.post(spoiled)).status, 400)
        const envelopes = ['one', 'two', 'three'].map((content) => peer.message(content))
        const [one, two, three] = envelopes as [Buffer, Buffer, Buffer]
        assert.equal((await peer.post(one)).status, 200)
        for (const envelope of [two, three, spoiled]) {
          const answer = await peer.post(envelope)
          assert.equal(answer.status, 429)
          assert.ok(Number(answer.headers.get('retry-after')) > 50)
        }
        assert.deepEqual(await contents(peer.tenant), ['one'])
        await setPolicy(operator, peer.tenant, { inboundPerMinute: null })
        assert.equal((await peer.post(two)).status, 200)
        assert.deepEqual(await contents(peer.tenant), ['one', 'two'])
      } finally {
        await peer.close()
      }
    })
  })
}

describe('rates of two gateways on one Postgres', () => {
  let store: TestStore
  let redis: TcpProxy
  let a: TestGateway
  let b: TestGateway

  before(async () => {
    store = await freshStore('postgres')
    const { hostname, port } = new URL(store.env['REDIS_URL'] as string)
    redis = await TcpProxy.to({ host: hostname, port: Number(port || 6379) })
    store.env['REDIS_URL'] = `redis://127.0.0.1:${redis.port}`
    a = await startGateway(store)
    b = await startGateway(store)
  })
  after(async () => {
    await Promise.all([a?.stop(), b?.stop()])
    await redis?.cut()
    await store?.remove()
  })

  test('hold for both together, and a change on one stands on the other', async () => {
    const tenant = await makeTenant(a.url, { policy: { requestsPerMinute: 10 } })
    const there = tenant.client.at(b.url)
    const errors = await Promise.all(
      Array.from({ length: 30 }, (_, n) => overHttp(n % 2 === 0 ? tenant.client : there, READ)),
    )
    assert.equal(errors.filter((error) => error === undefined).length, 10)
    await setPolicy(ApiClient.operator(a.url), tenant, { requestsPerMinute: 1000 })
    await eventually(async () => (await there.send(READ)).errors === undefined, 500)
  })

  test('hold in each by itself while Redis cannot be reached, and nothing waits for it', async () => {
    const tenant = await makeTenant(a.url, { policy: { requestsPerMinute: 3 } })
    assert.equal((await tenant.client.send(READ)).errors, undefined)
    await redis.cut()
    const begin = Date.now()
    const errors = await Promise.all(Array.from({ length: 12 }, () => overHttp(tenant.client, READ)))
    assert.equal(errors.filter((error) => error === undefined).length, 3)
    assert.ok(Date.now() - begin < 1500, `it took ${Date.now() - begin} ms`)
    assert.equal((await tenant.client.at(b.url).send(READ)).errors, undefined)
    await redis.restore()
  })
})

async function contents({ client }: TestTenant): Promise<string[]> {
  const { basicMessages } = await client.ask('{ basicMessages { nodes { content } } }')
  return basicMessages.nodes.map(({ content }: { content: string }) => content)
}

async function setPolicy(operator: ApiClient, { id }: TestTenant, policy: object): Promise<void> {
  await operator.ask('mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }', {
    input: { tenantId: id, policy },
  })
}

const overHttp = async (client: ApiClient, query: string) => (await client.send(query)).errors?.[0]

/** The error of an operation over graphql-ws, if there is one. */
async function overWs({ url, credentials }: ApiClient, query: string): Promise<GraphError | undefined> {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${credentials.token}` },
  })
  try {
    return await new Promise((resolve) => {
      client.subscribe(
        { query },
        {
          next: ({ errors }) => resolve(errors?.[0] as GraphError | undefined),
          error: (errors) => resolve((errors as GraphError[])[0]),
          complete: () => resolve(undefined),
        },
      )
    })
  } finally {
    await client.dispose()
  }
}

/** The error of an operation over server-sent events, if there is one. */
async function overSse({ url, headers }: ApiClient, query: string): Promise<GraphError | undefined> {
  const response = await fetch(`${url}/graphql/stream`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query }),
  })
  const text = await response.text()
  return JSON.parse(/^data: (\{.*\})$/m.exec(text)?.[1] ?? '{}').errors?.[0]
}
