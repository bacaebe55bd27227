import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AnyEvent, ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { assertGapless, readAll } from '../support/ledger.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { freePort } from '../support/ports.js'
import { eventually } from '../support/talk.js'
import { at, contents, lock, makeUnmanaged, NEEDS_WALLET, type UnmanagedTenant, unlock, wallet } from './unmanaged.js'

const QUEUE_EVENTS = `query($after: String) { events(first: 100, after: $after, topics: [QUEUE]) {
  nodes { id cursor tenantId ... on QueueEvent { queuedMessages } } pageInfo { endCursor } } }`

for (const kind of STORES) {
  describe(`the sealed queue on ${kind}`, () => {
    const peers: OutsidePeer[] = []
    let store: TestStore
    let env: Record<string, string>
    let gateway: TestGateway
    let operator: ApiClient

    before(async () => {
      store = await freshStore(kind)
      env = { PORT: `${await freePort()}`, INSTANCE_ID: 'one' }
      gateway = await startGateway(store, env)
      operator = ApiClient.operator(gateway.url)
    })
    after(async () => {
      for (const peer of peers) await peer.close()
      await gateway?.stop()
      await store?.remove()
    })

    async function withPeer(
      input: Record<string, unknown> = {},
    ): Promise<{ tenant: UnmanagedTenant; peer: OutsidePeer }> {
      const tenant = await makeUnmanaged(gateway.url, input)
      const peer = await OutsidePeer.connectTo(tenant)
      peers.push(peer)
      return { tenant, peer }
    }

    /** Posts an envelope, and tells the status. */
    const statusOf = async (peer: OutsidePeer, envelope: Buffer, url?: string) =>
      (await peer.post(envelope, url)).status
    const queued = async ({ client }: TestTenant) => (await wallet(client)).queuedMessages
    const queueEvents = async (client: ApiClient, after?: string) => (await client.ask(QUEUE_EVENTS, { after })).events

    test('takes what comes in order, each once; what cannot be opened is found out later, and stops nothing', async () => {
      const { tenant, peer } = await withPeer()
      const begin = (await queueEvents(tenant.client)).pageInfo.endCursor
      await lock(tenant)
      const envelopes = Array.from({ length: 5 }, (_, n) => peer.message(`${n}`))
      const broken = JSON.parse(peer.message('never').toString())
      broken.ciphertext = `AAAA${broken.ciphertext.slice(4)}`
      envelopes.splice(2, 0, Buffer.from(JSON.stringify(broken)))
      for (const envelope of envelopes) assert.equal(await statusOf(peer, envelope), 202)
      // The same again, also where the JSON around what is sealed looks different.
      for (const envelope of envelopes) {
        assert.equal(await statusOf(peer, envelope), 202)
        assert.equal(await statusOf(peer, Buffer.from(JSON.stringify(JSON.parse(envelope.toString()), null, 1))), 202)
      }
      assert.equal(await queued(tenant), 6)
      assert.equal(await statusOf(peer, Buffer.from('{}')), 400)
      await unlock(tenant)
      assert.deepEqual(await contents(tenant.client, 5), ['0', '1', '2', '3', '4'])
      await eventually(async () => (await queued(tenant)) === 0)
      // Once more they are known, and what comes now is taken at once.
      for (const envelope of [...envelopes.slice(0, 2), peer.message('5')]) {
        assert.equal(await statusOf(peer, envelope), 200)
      }
      assert.deepEqual(await contents(tenant.client, 6), ['0', '1', '2', '3', '4', '5'])
      // Events of the queue have joined the tenant's log, with those of what was handled.
      const told = await eventually(async () => {
        const { nodes } = await queueEvents(tenant.client, begin)
        return nodes.length === 7 && nodes
      })
      assert.deepEqual(
        told.map(({ queuedMessages }: AnyEvent) => queuedMessages),
        [1, 2, 3, 4, 5, 6, 0],
      )
      const { events } = await tenant.client.ask('{ events(first: 100) { nodes { cursor } } }')
      assertGapless(events.nodes, 1)
    })

    for (const eventDispatch of ['DEFAULT', 'BASE', 'BOTH']) {
      test(`events of a locked tenant that dispatches to ${eventDispatch} are on the base stream ${eventDispatch === 'DEFAULT' ? 'never' : 'at once'}`, async () => {
        const { tenant, peer } = await withPeer({ eventDispatch })
        const tap = await operator.follow({ tenantIds: [tenant.id], topics: ['QUEUE', 'TENANT'] })
        await lock(tenant)
        for (const content of ['a secret', 'another']) assert.equal(await statusOf(peer, peer.message(content)), 202)
        await tap.find(({ change }) => change === 'LOCKED')
        const isQueue = ({ topic }: AnyEvent) => topic === 'QUEUE'
        if (eventDispatch !== 'DEFAULT') await tap.until(() => tap.events.filter(isQueue).length === 2)
        await unlock(tenant)
        await contents(tenant.client, 2)
        await eventually(async () => (await queued(tenant)) === 0)
        if (eventDispatch !== 'DEFAULT') await tap.until(() => tap.events.filter(isQueue).length === 3)
        await tap.close()
        const { nodes } = await queueEvents(operator)
        const own = nodes.filter(({ tenantId }: AnyEvent) => tenantId === tenant.id)
        assert.deepEqual(
          own.map(({ queuedMessages }: AnyEvent) => queuedMessages),
          eventDispatch === 'DEFAULT' ? [] : [1, 2, 0],
        )
        assert.ok(!JSON.stringify(tap.events).includes('a secret'))
        // One event has one id, in whichever log it is.
        if (eventDispatch !== 'BOTH') return
        const mine = (await queueEvents(tenant.client)).nodes
        assert.deepEqual(
          mine.map(({ id }: AnyEvent) => id),
          own.map(({ id }: AnyEvent) => id),
        )
      })
    }

    test('beyond its bounds of count, bytes and age senders get 429 with Retry-After; nothing taken is dropped', async () => {
      const byCount = await withPeer({ policy: { queueMaxMessages: 2, queueMaxAge: 60 } })
      const byBytes = await withPeer({ policy: { queueMaxBytes: 6000 } })
      await lock(byCount.tenant)
      await lock(byBytes.tenant)
      const refused = async (peer: OutsidePeer, envelope: Buffer) => {
        const response = await peer.post(envelope)
        assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '60'])
      }
      const [first, second] = [byCount.peer.message('first'), byCount.peer.message('second')]
      for (const envelope of [first, second]) assert.equal(await statusOf(byCount.peer, envelope), 202)
      await refused(byCount.peer, byCount.peer.message('third'))
      assert.equal(await statusOf(byCount.peer, first), 202, 'one that is there already')
      assert.equal(await statusOf(byBytes.peer, byBytes.peer.message('x'.repeat(2000))), 202)
      await refused(byBytes.peer, byBytes.peer.message('y'.repeat(2000)))
      assert.equal(await statusOf(byBytes.peer, byBytes.peer.message('z')), 202)

      // A minute later, with more room.
      const update = 'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }'
      await operator.ask(update, { input: { tenantId: byCount.tenant.id, policy: { queueMaxMessages: 10 } } })
      assert.equal(await statusOf(byCount.peer, byCount.peer.message('third')), 202)
      await gateway.stop()
      const later = 'const now = Date.now; Date.now = () => now() + 61_000'
      const preload = `--import=data:text/javascript,${encodeURIComponent(later)}`
      gateway = await startGateway(store, { ...env, NODE_OPTIONS: preload })
      await refused(byCount.peer, byCount.peer.message('too late'))
      assert.equal(await statusOf(byBytes.peer, byBytes.peer.message('w')), 202, 'its own age is a week')
      await unlock(byCount.tenant)
      await unlock(byBytes.tenant)
      assert.deepEqual(await contents(byCount.tenant.client, 3), ['first', 'second', 'third'])
      assert.deepEqual(
        (await contents(byBytes.tenant.client, 3)).map((content) => content[0]),
        ['x', 'z', 'w'],
      )
      await eventually(async () => (await queued(byCount.tenant)) === 0)
      assert.equal(await statusOf(byCount.peer, byCount.peer.message('now')), 200)
    })

    test('what comes while it is drained goes behind', async () => {
      const { tenant, peer } = await withPeer()
      await lock(tenant)
      const sent: string[] = []
      const send = async (count: number) => {
        for (let n = 0; n < count; n++) {
          const content = `${sent.length}`
          assert.ok([200, 202].includes(await statusOf(peer, peer.message(content))))
          sent.push(content)
        }
      }
      await send(120)
      assert.equal(await queued(tenant), 120)
      await Promise.all([unlock(tenant), send(120)])
      await eventually(async () => (await queued(tenant)) === 0)
      const messages = await readAll(tenant.client, 'basicMessages')
      assert.deepEqual(
        messages.map(({ content }) => content),
        sent,
      )
    })

    test('a wallet that is locked again and again while its queue is drained handles each once, in order', async () => {
      const { tenant, peer } = await withPeer()
      await lock(tenant)
      for (let n = 0; n < 60; n++) assert.equal(await statusOf(peer, peer.message(`${n}`)), 202)
      for (let round = 0; round < 5; round++) {
        await unlock(tenant)
        await lock(tenant)
      }
      await unlock(tenant)
      await eventually(async () => (await queued(tenant)) === 0)
      const found = (await readAll(tenant.client, 'basicMessages')).map(({ content }) => content)
      assert.deepEqual(
        found,
        Array.from({ length: 60 }, (_, n) => `${n}`),
      )
    })

    if (kind === 'postgres')
      for (const [told, more] of [
        ['that Redis tells', {}],
        ['that nothing tells', { REDIS_URL: '' }],
      ] as const) {
        test(`instances ${told} of each other hand over what is not for them, and keep the order`, async () => {
          const own = await freshStore(kind)
          const [one, two] = [await startGateway(own, more), await startGateway(own, more)]
          const tenant = await makeUnmanaged(one.url)
          const managed = await makeTenant(one.url)
          const [peer, other] = [await OutsidePeer.connectTo(tenant), await OutsidePeer.connectTo(managed)]
          peers.push(peer, other)
          const urls = [one.url, two.url, two.url]
          const sent: string[] = []
          const send = async (count: number) => {
            for (let n = 0; n < count; n++) {
              const content = `${sent.length}`
              assert.ok([200, 202].includes(await statusOf(peer, peer.message(content), urls[n % urls.length])))
              sent.push(content)
            }
          }
          try {
            // 1. Open at the first only.
            await send(40)
            await eventually(async () => (await queued(tenant)) === 0)
            // 2. Open at both, locked, and opened at both while messages come.
            await at(tenant, two.url).client.ask(NEEDS_WALLET)
            await lock(tenant)
            await send(30)
            await Promise.all([unlock(tenant), unlock(at(tenant, two.url)), send(30)])
            await eventually(async () => (await queued(tenant)) === 0)
            const messages = await readAll(tenant.client, 'basicMessages')
            assert.deepEqual(
              messages.map(({ content }) => content),
              sent,
            )
            // 3. One that takes a tenant for suspended still has its messages handled once it was resumed elsewhere.
            const operator = ApiClient.operator(one.url)
            await operator.ask(SUSPEND, { id: managed.id })
            assert.equal(await statusOf(other, other.message('while suspended'), two.url), 202)
            await operator.ask(RESUME, { id: managed.id })
            assert.ok([200, 202].includes(await statusOf(other, other.message('at once'), two.url)))
            assert.deepEqual(await contents(managed.client, 2), ['while suspended', 'at once'])
          } finally {
            await Promise.all([one.stop(), two.stop()])
            await own.remove()
          }
        })
      }
  })
}

const SUSPEND = 'mutation($id: ID!) { suspendTenant(tenantId: $id) { tenant { state } } }'
const RESUME = 'mutation($id: ID!) { resumeTenant(tenantId: $id) { tenant { state } } }'
