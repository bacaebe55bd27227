import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient, connect, type EventTap, makeTenant } from '../support/client.js'
import { Front } from '../support/front.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { assertGapless, assertToldIsTrue, readAll, readEvents } from '../support/ledger.js'
import { freePort } from '../support/ports.js'
import { atOnce, eventually, say } from '../support/talk.js'
import { TcpProxy } from '../support/tcp-proxy.js'

/** What a token may still do elsewhere after it was revoked here (ms). */
const REVOKED_MS = { 'with Redis': 100, 'without Redis': 2000 }
/** Without Redis it takes a second until one sends what the other took. */
const MESSAGES = { 'with Redis': 40, 'without Redis': 10 }

for (const redis of ['with Redis', 'without Redis'] as const) {
  describe(`two gateways on one Postgres, ${redis}`, () => {
    let store: TestStore
    let a: TestGateway
    let b: TestGateway
    let operator: ApiClient
    let front: Front

    before(async () => {
      store = await freshStore('postgres')
      if (redis === 'without Redis') delete store.env['REDIS_URL']
      // Peers reach both by one name, as behind a load balancer; here it leads to one of them at a time.
      front = await Front.open()
      a = await startBehind(front, store, 'a')
      b = await startBehind(front, store, 'b')
      front.target = b.url
      operator = ApiClient.operator(a.url)
    })
    after(async () => {
      await Promise.all([a?.stop(), b?.stop()])
      await front?.down()
      await store?.remove()
    })

    test('a tenant made on one is there on the other, and streams there what is asked here', async () => {
      const tenant = await makeTenant(a.url)
      const tap = await tenant.client.at(b.url).follow()
      const peer = await makeTenant(b.url)
      await connect(tenant, peer)
      await tap.find(({ connection }) => connection?.state === 'COMPLETED')
      const events = await readEvents(tenant.client)
      await tap.until(() => tap.events.at(-1)?.cursor === events.at(-1)?.cursor)
      assertGapless(tap.events)
      assert.deepEqual(tap.events, events.slice(-tap.events.length))
      await tap.close()
    })

    test('a revoked token is refused on the other, and its streams end with 4403', async () => {
      const tenant = await makeTenant(a.url)
      const { createTenantToken } = await operator.ask(
        'mutation($id: ID!) { createTenantToken(input: {tenantId: $id, name: "extra"}) { token info { id } } }',
        { id: tenant.id },
      )
      const there = new ApiClient(b.url, { token: createTenantToken.token })
      assert.equal((await there.ask('{ viewer { role } }')).viewer.role, 'TENANT')
      const tap = await there.follow()
      await operator.ask(
        'mutation($id: ID!, $tokenId: ID!) { revokeTenantToken(tenantId: $id, tokenId: $tokenId) { revokedTokenId } }',
        {
          id: tenant.id,
          tokenId: createTenantToken.info.id,
        },
      )
      const revokedAt = Date.now()
      await eventually(
        async () => (await there.send('{ viewer { role } }')).errors?.[0]?.extensions.code === 'UNAUTHENTICATED',
      )
      assert.ok(Date.now() - revokedAt < REVOKED_MS[redis] + 60, `it was refused after ${Date.now() - revokedAt} ms`)
      await endsWith(tap, 4403)
    })

    test('a changed label is seen on the other', async () => {
      const tenant = await makeTenant(a.url)
      const there = tenant.client.at(b.url)
      await there.ask('{ viewer { role } }')
      await operator.ask(
        'mutation($id: ID!) { updateTenant(input: {tenantId: $id, label: "renamed"}) { tenant { label } } }',
        {
          id: tenant.id,
        },
      )
      await eventually(async () => {
        const { createInvitation } = await there.ask(
          'mutation { createInvitation(input: {}) { invitation { message } } }',
        )
        return createInvitation.invitation.message.label === 'renamed'
      }, 2000)
    })

    test('a deletion ends the streams on the other with 4403', async () => {
      const tenant = await makeTenant(a.url)
      const tap = await tenant.client.at(b.url).follow()
      await operator.ask('mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }', {
        id: tenant.id,
      })
      await endsWith(tap, 4403)
      assert.equal(await tenant.client.at(b.url).codeOf('{ connections { nodes { id } } }'), 'UNAUTHENTICATED')
    })

    test('messages of one connection, taken by both in turn, arrive in the order they were taken', async () => {
      const [sender, receiver] = [await makeTenant(a.url), await makeTenant(b.url)]
      const link = await connect(sender, receiver)
      const contents = Array.from({ length: MESSAGES[redis] }, (_, index) => `in turn ${index}`)
      for (const [index, content] of contents.entries()) {
        await say(sender.client.at(index % 2 === 0 ? a.url : b.url), link.inviter, content)
      }
      await eventually(async () => (await readAll(receiver.client, 'basicMessages')).length >= contents.length)
      assert.deepEqual(
        (await readAll(receiver.client, 'basicMessages')).map(({ content }) => content),
        contents,
      )
      await assertToldIsTrue(sender.client)
    })

    test('writes to one tenant from both at once: none is lost, and the log has no gap', async () => {
      const tenant = await makeTenant(a.url)
      const tap = await tenant.client.at(b.url).follow()
      await atOnce(60, 8, (index) =>
        tenant.client
          .at(index % 2 === 0 ? a.url : b.url)
          .ask('mutation($alias: String!) { createInvitation(input: {alias: $alias}) { invitation { id } } }', {
            alias: `${index}`,
          }),
      )
      assert.equal((await readAll(tenant.client, 'invitations')).length, 60)
      await assertToldIsTrue(tenant.client)
      await tap.until(() => tap.events.length >= 60)
      assertGapless(tap.events)
      await tap.close()
    })

    test('the base stream has what a tenant dispatches to it from both, once and in its order', async () => {
      const tenant = await makeTenant(a.url, { eventDispatch: 'BOTH' })
      const tap = await operator.at(b.url).follow({ tenantIds: [tenant.id], topics: ['INVITATION'] })
      await atOnce(40, 4, (index) =>
        tenant.client
          .at(index % 2 === 0 ? a.url : b.url)
          .ask('mutation { createInvitation(input: {}) { invitation { id } } }'),
      )
      await tap.until(() => tap.events.length >= 40)
      await sleep(200)
      const own = (await readEvents(tenant.client)).filter(({ topic }) => topic === 'INVITATION')
      assert.deepEqual(
        tap.events.map(({ id }) => id),
        own.map(({ id }) => id),
      )
      await tap.close()
    })

    // By leases that run out, whether there is a Redis or not.
    if (redis === 'without Redis') return
    test('what one leaves behind when it is killed, the other sends', async () => {
      const [sender, receiver] = [await makeTenant(a.url), await makeTenant(b.url)]
      const link = await connect(sender, receiver)
      await front.down()
      await say(sender.client, link.inviter, 'left behind')
      await say(sender.client.at(b.url), link.inviter, 'handed over')
      await a.kill()
      await front.up()
      const there = receiver.client.at(b.url)
      await eventually(async () => (await readAll(there, 'basicMessages')).length >= 2, 40_000)
      assert.deepEqual(
        (await readAll(there, 'basicMessages')).map(({ content }) => content),
        ['left behind', 'handed over'],
      )
    })
  })
}

async function startBehind(front: Front, store: TestStore, name: string): Promise<TestGateway> {
  const port = await freePort()
  const gateway = await startGateway(store, {
    PORT: `${port}`,
    PUBLIC_URL: front.url,
    LOCAL_DELIVERY: 'off',
    INSTANCE_ID: name,
  })
  return { ...gateway, url: `http://127.0.0.1:${port}` }
}

async function endsWith(tap: EventTap, code: number): Promise<void> {
  const ended = await tap.until(() => tap.ended)
  assert.equal((ended as { code?: number }).code, code)
  await tap.close()
}

test('gateways that begin one Postgres at once all start, on one store', async () => {
  for (let round = 0; round < 4; round++) {
    const store = await freshStore('postgres')
    const started = await Promise.allSettled([startGateway(store), startGateway(store)])
    const gateways = started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    try {
      for (const start of started) if (start.status === 'rejected') throw start.reason
      const echoes = await Promise.all(gateways.map(({ url }) => echo(url)))
      assert.match(echoes[0] as string, /^[0-9a-f]{64}$/)
      assert.equal(echoes[1], echoes[0])
    } finally {
      await Promise.all(gateways.map((gateway) => gateway.kill()))
      await store.remove()
    }
  }
})

/** What only gateways on the same store answer alike. */
async function echo(url: string): Promise<string> {
  const response = await fetch(`${url}/health/live?challenge=begun`)
  return ((await response.json()) as { echo: string }).echo
}

test('what an instance holds of a tenant that another has resumed goes on though nobody could tell it', async () => {
  const store = await freshStore('postgres')
  const { hostname, port } = new URL(store.env['REDIS_URL'] as string)
  const redis = await TcpProxy.to({ host: hostname, port: Number(port || 6379) })
  const a = await startGateway(store, { REDIS_URL: `redis://127.0.0.1:${redis.port}` })
  const b = await startGateway(store)
  try {
    const [tenant, peer] = [await makeTenant(a.url), await makeTenant(a.url)]
    const { inviter: connectionId } = await connect(tenant, peer)
    const there = tenant.client.at(b.url)
    const tap = await peer.client.follow({ topics: ['BASIC_MESSAGE'] })
    await say(there, connectionId, 'before')
    await tap.find(({ message }) => message?.content === 'before')
    const operator = ApiClient.operator(a.url)
    const change = (what: string) =>
      operator.ask(`mutation($t: ID!) { ${what}(tenantId: $t) { tenant { id } } }`, { t: tenant.id })
    await change('suspendTenant')
    await eventually(async () => (await there.codeOf('{ connections { nodes { id } } }')) === 'TENANT_SUSPENDED')
    await redis.cut()
    await change('resumeTenant')
    await eventually(async () => (await there.send('{ viewer { role } }')).errors === undefined)
    await eventually(async () => say(there, connectionId, 'after').then(() => true))
    await tap.find(({ message }) => message?.content === 'after')
    await tap.close()
  } finally {
    await Promise.all([a.stop(), b.stop()])
    await redis.cut()
    await store.remove()
  }
})
