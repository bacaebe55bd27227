import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { keyOfDid, Peer } from '../../bench/peer.js'
import { ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { asking } from '../transports/mobile-peer.js'
import { EdgeAgent, postTo } from './edge-agent.js'

const KEYLIST_QUERY = 'https://didcomm.org/coordinate-mediation/1.0/keylist-query'
const USAGE = '{ usage { storageBytes } }'

/** Has a gateway's clock go a minute ahead, and what it does every few minutes be done at once. */
const A_MINUTE_LATER = `--import=data:text/javascript,${encodeURIComponent(`
  const { now } = Date
  Date.now = () => now() + 61_000
  const every = setInterval
  globalThis.setInterval = (work, ms, ...rest) => every(work, ms >= 300_000 ? 200 : ms, ...rest)`)}`

for (const kind of STORES) {
  describe(`a tenant as mediator, on ${kind}`, () => {
    let store: TestStore
    let gateways: TestGateway[]
    let mediator: TestTenant
    let sender: Peer

    before(async () => {
      store = await freshStore(kind)
      gateways = [await startGateway(store)]
      if (kind === 'postgres') gateways.push(await startGateway(store))
      mediator = await makeMediator()
      sender = await Peer.create('didcomm:transport/queue')
    })
    after(async () => {
      for (const gateway of gateways ?? []) await gateway.stop()
      await store?.remove()
    })

    const firstUrl = () => gateways[0]?.url as string
    const lastUrl = () => gateways.at(-1)?.url as string
    const makeMediator = (policy: object = {}) => makeTenant(firstUrl(), { settings: { mediates: true }, policy })
    const change = (tenant: TestTenant, input: object) =>
      ApiClient.operator(firstUrl()).ask(
        'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }',
        { input: { tenantId: tenant.id, ...input } },
      )
    /** By the instance that the agent is not connected to, where there are two. */
    const send = (edge: EdgeAgent, content: string) => postTo(`${lastUrl()}/didcomm`, edge.forwarded(sender, content))

    test('it grants where it has chosen to, each agent a routing key of its own, and denies else', async () => {
      const tenant = await makeTenant(firstUrl())
      const edge = await EdgeAgent.connectTo(tenant)
      const request = await edge.askForMediation()
      assert.match(request['@type'], /coordinate-mediation\/1\.0\/mediate-deny$/)
      await change(tenant, { settings: { mediates: true } })
      const grant = await edge.askForMediation()
      assert.match(grant['@type'], /coordinate-mediation\/1\.0\/mediate-grant$/)
      assert.equal(edge.endpoint, `${firstUrl()}/didcomm`)
      assert.deepEqual((await edge.askForMediation())['routing_keys'], grant['routing_keys'])
      const other = await EdgeAgent.mediatedBy(tenant)
      assert.notEqual(other.routingKey, edge.routingKey)
      await change(tenant, { policy: { mediationMaxAgents: 2 } })
      const third = await EdgeAgent.connectTo(tenant)
      assert.match((await third.askForMediation())['@type'], /mediate-deny$/)
      for (const one of [edge, other, third]) await one.close()
    })

    test('its agents are listed, for it alone, and what one was granted can be taken back', async () => {
      const LIST = '{ mediatedAgents { nodes { connectionId routingKeys keys waitingMessages waitingBytes } } }'
      const END = 'mutation($id: ID!) { endMediation(connectionId: $id) { connectionId } }'
      const [tenant, other] = [await makeMediator(), await makeMediator()]
      const listed = async ({ client }: TestTenant) => (await client.ask(LIST)).mediatedAgents.nodes
      const edges = [await EdgeAgent.mediatedBy(tenant), await EdgeAgent.mediatedBy(tenant)]
      const [first, second] = edges as [EdgeAgent, EdgeAgent]
      for (const edge of edges) {
        await edge.waiting()
        await edge.phone.close()
      }
      assert.equal(await send(first, 'waits'), 200)
      const [one, two] = await listed(tenant)
      assert.deepEqual([one.routingKeys, one.keys, one.waitingMessages], [[first.routingKey], 1, 1])
      assert.ok(one.waitingBytes > 0)
      assert.deepEqual([two.routingKeys, two.waitingMessages], [[second.routingKey], 0])
      assert.deepEqual(await listed(other), [])
      assert.equal(await other.client.codeOf(END, { id: one.connectionId }), 'NOT_FOUND')
      await tenant.client.ask(END, { id: one.connectionId })
      assert.deepEqual(
        (await listed(tenant)).map(({ connectionId }: { connectionId: string }) => connectionId),
        [two.connectionId],
      )
      assert.equal(await send(first, 'too late'), 400)
      assert.equal(await send(second, 'goes on'), 200)
    })

    test('keys are added and removed, as many as may be; what is no key, or a route to itself, is refused', async () => {
      const tenant = await makeMediator({ mediationMaxKeys: 3 })
      const edge = await EdgeAgent.connectTo(tenant)
      await edge.askForMediation()
      const keys = await Promise.all([1, 2, 3, 4].map(() => Peer.create('')))
      const of = (action: 'add' | 'remove', ...texts: string[]) =>
        edge.update(texts.map((recipient_key) => ({ recipient_key, action })))
      const [a = '', b = '', c = '', d = ''] = keys.map(({ verkey }) => verkey)
      assert.deepEqual(await of('add', a, a, b, c, d), ['success', 'no_change', 'success', 'success', 'server_error'])
      assert.deepEqual(await of('add', 'no key', edge.routingKey), ['client_error', 'client_error'])
      assert.deepEqual(await of('remove', a, d), ['success', 'no_change'])
      assert.deepEqual(await of('add', d), ['success'])
      const known = [b, c, d].sort()
      const query = async (paginate?: object) => {
        const { keys, pagination } = await edge.ask({ '@type': KEYLIST_QUERY, '@id': randomUUID(), paginate })
        return [(keys as { recipient_key: string }[]).map((key) => keyOfDid(key.recipient_key)), pagination]
      }
      assert.deepEqual(await query(), [known, { count: 3, offset: 0, remaining: 0 }])
      const some = await query({ limit: 1, offset: 1 })
      assert.deepEqual(some, [[known[1]], { count: 1, offset: 1, remaining: 1 }])
      assert.deepEqual(await query({ limit: -5, offset: 'all' }), [[], { count: 0, offset: 0, remaining: 3 }])
      const tooMany = Array.from({ length: 1001 }, () => ({ recipient_key: a, action: 'add' }))
      const answer = await edge.ask({
        '@type': 'https://didcomm.org/coordinate-mediation/1.0/keylist-update',
        '@id': 'too-many-keys',
        updates: tooMany,
      })
      assert.match(answer['@type'], /problem-report$/)
      await edge.close()
    })

    test('what is forwarded waits until it is acknowledged, in order, also over a kill (pickup 2.0)', async () => {
      const edge = await EdgeAgent.mediatedBy(mediator, firstUrl())
      // From now on nothing comes that was not asked for.
      assert.equal(await edge.waiting(), 0)
      const contents = Array.from({ length: 30 }, (_, n) => `letter ${n}`)
      for (const content of contents) assert.equal(await send(edge, content), 200)
      await gateways[0]?.kill()
      gateways[0] = await startGateway(store)
      mediator = { ...mediator, client: mediator.client.at(firstUrl()) }
      await edge.phone.open(firstUrl())
      const status = await edge.ask(edge.statusRequest())
      assert.equal(status['message_count'], 30)
      const first = edge.opened(await edge.ask(edge.deliveryRequest(5)))
      assert.deepEqual(
        first.map(({ content }) => content),
        contents.slice(0, 5),
      )
      // Without an acknowledgement the same comes again.
      const again = edge.opened(await edge.ask(edge.deliveryRequest(5)))
      assert.deepEqual(again, first)
      const left = await edge.ask(edge.received(first.map(({ id }) => id)))
      assert.equal(left['message_count'], 25)
      const all = edge.opened(await edge.ask(edge.deliveryRequest(100)))
      assert.deepEqual(
        all.map(({ content }) => content),
        contents.slice(5),
      )
      assert.equal((await edge.ask(edge.received(all.map(({ id }) => id))))['message_count'], 0)
      assert.match((await edge.ask(edge.deliveryRequest()))['@type'], /messagepickup\/2\.0\/status$/)
      await edge.close()
    })

    test('by POST alone, of both versions, the answers come in the responses', async () => {
      const edge = await EdgeAgent.mediatedBy(mediator, firstUrl())
      await edge.close()
      for (const content of ['one', 'two', 'three']) await send(edge, content)
      const url = firstUrl()
      assert.equal((await edge.post(edge.statusRequest(), url))?.['message_count'], 3)
      const batch = await edge.post(edge.batchPickup(2), url)
      assert.match(batch?.['@type'] ?? '', /messagepickup\/1\.0\/batch$/)
      assert.deepEqual(batch && edge.opened(batch).map(({ content }) => content), ['one', 'two'])
      // What has arrived is removed.
      await eventually(async () => (await edge.post(edge.statusRequest(), url))?.['message_count'] === 1)
      const delivery = await edge.post(edge.deliveryRequest(), lastUrl())
      const [letter] = delivery ? edge.opened(delivery) : []
      assert.equal(letter?.content, 'three')
      const end = await edge.post(edge.received([letter?.id ?? '', 'unknown-id']), lastUrl())
      assert.equal(end?.['message_count'], 0)
    })

    test('what has waited longer than the policy allows is dropped, and told so', async () => {
      const own = await freshStore(kind)
      let gateway = await startGateway(own)
      try {
        const input = { settings: { mediates: true }, policy: { mediationMaxAge: 60 } }
        const tenant = await makeTenant(gateway.url, input)
        const edge = await EdgeAgent.mediatedBy(tenant, gateway.url)
        await edge.waiting()
        await edge.close()
        const forward = (content: string) => postTo(`${gateway.url}/didcomm`, edge.forwarded(sender, content))
        for (const content of ['one', 'two']) assert.equal(await forward(content), 200)
        await gateway.stop()
        gateway = await startGateway(own, { NODE_OPTIONS: A_MINUTE_LATER })
        const client = tenant.client.at(gateway.url)
        const waiting = async () => {
          const { mediatedAgents } = await client.ask('{ mediatedAgents { nodes { waitingMessages waitingBytes } } }')
          return mediatedAgents.nodes[0]
        }
        const tap = await client.follow({ topics: ['DELIVERY'] })
        assert.equal(await forward('new'), 200)
        await eventually(async () => (await waiting()).waitingMessages === 1)
        const given = () =>
          tap.events.filter(({ outcome, reason }) => outcome === 'GIVEN_UP' && reason === 'not fetched')
        await eventually(async () => given().length === 2)
        await tap.close()
        await edge.phone.open(gateway.url)
        const left = edge.opened(await edge.ask(edge.deliveryRequest()))
        assert.deepEqual(
          left.map(({ content }) => content),
          ['new'],
        )
        await edge.close()
      } finally {
        await gateway.stop()
        await own.remove()
      }
    })

    test('in live mode it comes at once, whichever instance takes it, and stays until acknowledged', async () => {
      const edge = await EdgeAgent.mediatedBy(mediator, firstUrl())
      assert.equal((await edge.ask(edge.liveDelivery(true)))['live_delivery'], true)
      await send(edge, 'live 1')
      const delivery = await edge.phone.next()
      assert.match(delivery['@type'], /messagepickup\/2\.0\/delivery$/)
      const [one] = edge.opened(delivery)
      assert.equal(one?.content, 'live 1')
      await send(edge, 'live 2')
      const [two] = edge.opened(await edge.phone.next())
      assert.equal(two?.content, 'live 2')
      assert.equal((await edge.ask(edge.received([one?.id ?? ''])))['message_count'], 1)
      // A socket that is lost: what was not acknowledged comes by the next.
      await edge.reconnect(lastUrl())
      edge.phone.socket?.send(edge.phone.pack(asking(edge.liveDelivery(true))))
      assert.match((await edge.phone.next())['@type'], /status$/)
      assert.equal(edge.opened(await edge.phone.next())[0]?.content, 'live 2')
      assert.equal((await edge.ask(edge.liveDelivery(false)))['live_delivery'], false)
      await send(edge, 'not live')
      assert.equal(await edge.waiting(), 2)
      await edge.close()
    })

    test('an agent that opens a socket and asks by no protocol gets it as it is', async () => {
      const edge = await EdgeAgent.mediatedBy(mediator, firstUrl())
      await edge.close()
      for (const content of ['implicit 1', 'implicit 2']) await send(edge, content)
      const socket = await edge.phone.open(firstUrl())
      socket.send(edge.phone.pack(asking(edge.phone.peer.trustPing())))
      for (const content of ['implicit 1', 'implicit 2'])
        assert.equal(edge.inbox.open(await socket.next())['content'], content)
      await send(edge, 'implicit 3')
      assert.equal(edge.inbox.open(await socket.next())['content'], 'implicit 3')
      await socket.settle()
      await eventually(async () => (await edge.post(edge.statusRequest(), firstUrl()))?.['message_count'] === 0)
      await edge.close()
    })

    test('forwards that go nowhere end with an error, and cost no more than one look', async () => {
      const tenant = await makeMediator({ mediationMaxMessages: 2, mediationMaxBytes: 100_000 })
      const edge = await EdgeAgent.mediatedBy(tenant, firstUrl())
      await edge.waiting()
      const { url } = tenant.client
      const endpoint = `${url}/didcomm`
      const stranger = await Peer.create('')
      const sealed = (content: string, key = edge.inbox.verkey) =>
        JSON.parse(stranger.pack(stranger.basicMessage(content), key).toString())
      // For a key that it has not said is its own, for its routing key, for no key at all.
      for (const to of [stranger.verkey, edge.routingKey, 'nobody', ''])
        assert.equal(await postTo(endpoint, edge.wrapped(stranger, sealed('x'), to)), 404)
      // What is no envelope, or no forward.
      for (const msg of [{}, { protected: 'x' }, sealed('x').protected, undefined])
        assert.equal(await postTo(endpoint, edge.wrapped(stranger, msg)), 400)
      assert.equal(await edge.waiting(), 0)
      // The same again, also in another forward, is one.
      const message = sealed('once')
      const forward = edge.wrapped(stranger, message)
      for (const one of [forward, forward, edge.wrapped(stranger, message)])
        assert.equal(await postTo(endpoint, one), 200)
      assert.equal(await edge.waiting(), 1)
      // Too long for what may wait, then too many.
      assert.equal(await postTo(endpoint, edge.wrapped(stranger, sealed('x'.repeat(100_000)))), 429)
      assert.equal(await postTo(endpoint, edge.wrapped(stranger, sealed('second'))), 200)
      assert.equal(await postTo(endpoint, edge.wrapped(stranger, sealed('third'))), 429)
      assert.equal(await edge.waiting(), 2)
      // One in the other, for the same routing key: the outermost alone is opened, and is for nobody.
      let loop = JSON.parse(edge.wrapped(stranger, message, edge.routingKey).toString())
      for (let n = 0; n < 5; n++) loop = JSON.parse(edge.wrapped(stranger, loop, edge.routingKey).toString())
      assert.equal(await postTo(endpoint, JSON.stringify(loop)), 404)
      await edge.close()
    })

    test('what waits goes with the connection, and nothing is forwarded any more', async () => {
      const tenant = await makeMediator()
      const edge = await EdgeAgent.mediatedBy(tenant, firstUrl())
      await edge.waiting()
      const client = tenant.client
      const before = (await client.ask(USAGE)).usage.storageBytes
      for (let n = 0; n < 30; n++) await send(edge, 'x'.repeat(1000))
      assert.ok((await client.ask(USAGE)).usage.storageBytes > before + 30_000)
      await change(tenant, { policy: { disabledFeatures: ['MEDIATION'] } })
      // The other instance is told of it.
      await eventually(async () => (await send(edge, 'switched off')) === 404)
      await change(tenant, { policy: { disabledFeatures: [] } })
      const [{ id }] = (await client.ask('{ connections { nodes { id } } }')).connections.nodes
      await client.ask('mutation($id: ID!) { deleteConnection(connectionId: $id) { deletedId } }', { id })
      // The routing key is gone with it.
      assert.equal(await send(edge, 'too late'), 400)
      assert.ok((await client.ask(USAGE)).usage.storageBytes < before)
      await edge.close()
    })
  })
}
