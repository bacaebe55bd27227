import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { keyOfDid, Peer } from '../../bench/peer.js'
import { PeerServer } from '../../bench/peer-server.js'
import { deliver } from '../security/raw-http.js'
import { ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { freePort } from '../support/ports.js'
import { atOnce, eventually, invite, receive } from '../support/talk.js'

const RECEIVE = 'mutation($message: JSON!) { receiveInvitation(input: {message: $message}) { connection { id } } }'
const HOLD =
  'mutation($message: JSON!) { receiveInvitation(input: {message: $message, autoAccept: false}) { invitation { id } } }'
const MAKE = 'mutation($alias: String) { createInvitation(input: {alias: $alias}) { invitation { id } } }'
const USAGE = '{ usage { connections invitations storageBytes queuedMessages } }'

for (const kind of STORES) {
  describe(`quotas on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    /** Another instance on the same store, or the same gateway where there can be only one. */
    let other: TestGateway
    let operator: ApiClient

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      other = kind === 'postgres' ? await startGateway(store) : gateway
      operator = ApiClient.operator(gateway.url)
    })
    after(async () => {
      if (other !== gateway) await other?.stop()
      await gateway?.stop()
      await store?.remove()
    })

    const setPolicy = (tenant: TestTenant, policy: object) =>
      operator.ask('mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }', {
        input: { tenantId: tenant.id, policy },
      })
    const usageOf = async ({ client }: TestTenant) => (await client.ask(USAGE)).usage
    const clientFor = ({ client }: TestTenant, index: number) => (index % 2 === 0 ? client : client.at(other.url))

    test('as many connections as may be, and no more, come of 32 invitations that are received at once', async () => {
      const inviter = await makeTenant(gateway.url)
      const tenant = await makeTenant(gateway.url, { policy: { maxConnections: 3 } })
      const messages = await atOnce(32, 8, async () => (await invite(inviter)).message)
      const codes = await Promise.all(
        messages.map(
          async (message, index) =>
            (await clientFor(tenant, index).send(RECEIVE, { message })).errors?.[0]?.extensions.code,
        ),
      )
      assert.equal(codes.filter((code) => code === undefined).length, 3)
      assert.equal(codes.filter((code) => code === 'QUOTA_EXCEEDED').length, 29)
      assert.deepEqual([(await usageOf(tenant)).connections, (await usageOf(tenant)).invitations], [3, 3])
      const held = await tenant.client.ask(HOLD, { message: (await invite(inviter)).message })
      const { id } = held.receiveInvitation.invitation
      const accept = 'mutation($id: ID!) { acceptInvitation(invitationId: $id) { connection { id } } }'
      assert.equal(await tenant.client.codeOf(accept, { id }), 'QUOTA_EXCEEDED')
      const { connections } = await tenant.client.ask('{ connections(first: 1) { nodes { id } } }')
      await tenant.client.ask('mutation($id: ID!) { deleteConnection(connectionId: $id) { deletedId } }', {
        id: connections.nodes[0].id,
      })
      await tenant.client.ask(accept, { id })
      assert.match(await (await fetch(`${gateway.url}/metrics`)).text(), /refused_total\{limit="maxConnections"\} \d/)
    })

    test('a request beyond the quota leaves nothing, and its sender gives the connection up', async () => {
      const full = await makeTenant(gateway.url, { policy: { maxConnections: 0 } })
      const peer = await makeTenant(gateway.url)
      const tap = await peer.client.follow({ topics: ['CONNECTION'] })
      const { id, message } = await invite(full)
      const { storageBytes } = await usageOf(full)
      const connectionId = await receive(peer, message)
      const { connection } = await tap.find((event) => event.connection?.state === 'ABANDONED')
      assert.equal(connection.id, connectionId)
      assert.match(connection.errorMessage, /^request_not_accepted: /)
      await tap.close()
      assert.deepEqual(
        [(await usageOf(full)).connections, (await usageOf(full)).storageBytes],
        [0, storageBytes],
        'nothing is left',
      )
      const { invitation } = await full.client.ask('query($id: ID!) { invitation(id: $id) { state } }', { id })
      assert.equal(invitation.state, 'AWAIT_RESPONSE')
      await setPolicy(full, { maxConnections: 1 })
      await receive(await makeTenant(gateway.url), message)
      await eventually(async () => (await usageOf(full)).connections === 1)
    })

    test('who comes by an invitation that another has used gives the connection up, and the inviter hears nothing of it', async () => {
      const [inviter, second] = [await makeTenant(gateway.url), await makeTenant(gateway.url)]
      const { id, message } = await invite(inviter)
      const look = () =>
        inviter.client.ask('query($id: ID!) { invitation(id: $id) { state } connections { nodes { state } } }', { id })
      await receive(await makeTenant(gateway.url), message)
      await eventually(async () => (await look()).connections.nodes[0]?.state === 'COMPLETED')
      const events = '{ events(last: 1) { pageInfo { endCursor } } }'
      const before = await inviter.client.ask(events)
      const tap = await second.client.follow({ topics: ['CONNECTION'] })
      await receive(second, message)
      const { connection } = await tap.find((event) => event.connection?.state === 'ABANDONED')
      assert.match(connection.errorMessage, /^request_not_accepted: /)
      await tap.close()
      assert.deepEqual(await look(), {
        invitation: { state: 'DONE' },
        connections: { nodes: [{ state: 'COMPLETED' }] },
      })
      assert.deepEqual(await inviter.client.ask(events), before)
    })

    for (const [why, inviterThatRefuses] of [
      ['there is no room', () => makeTenant(gateway.url, { policy: { maxConnections: 0 } })],
      ['another has used the invitation', () => makeTenant(gateway.url)],
    ] as const) {
      test(`an outside agent is told by a problem report on the thread of its request that ${why}`, async () => {
        const inviter = await inviterThatRefuses()
        const server = await PeerServer.listen()
        try {
          const { url, firstEnvelope } = server.endpoint(randomUUID())
          const peer = await Peer.create(url)
          const { message } = (await invite(inviter)) as {
            message: { '@id': string; services: { recipientKeys: string[] }[] }
          }
          if (why !== 'there is no room') {
            await receive(await makeTenant(gateway.url), message)
            const states = async () =>
              (await inviter.client.ask('{ connections { nodes { state } } }')).connections.nodes
            await eventually(async () => (await states())[0]?.state === 'COMPLETED')
          }
          const request = peer.connectionRequest(message['@id'])
          const key = keyOfDid(message.services[0]?.recipientKeys[0] ?? '')
          assert.equal((await deliver(gateway.url, peer.pack(request, key))).status, 200)
          const report = peer.open(await firstEnvelope)
          assert.match(report['@type'], /\/connection\/1\.0\/problem-report$/)
          assert.equal((report['~thread'] as { thid: string }).thid, request['@id'])
          assert.equal((report['description'] as { code: string }).code, 'request_not_accepted')
        } finally {
          await server.close()
        }
      })
    }

    test('a wallet grows no larger than it may under 32 requests that race, and deleting goes on', async () => {
      const tenant = await makeTenant(gateway.url)
      await tenant.client.ask(MAKE, { alias: 'first' })
      const { storageBytes: one } = await usageOf(tenant)
      await setPolicy(tenant, { maxStorageBytes: Math.floor(one * 5.5) })
      const codes = await Promise.all(
        Array.from({ length: 32 }, async (_, index) => {
          const { errors } = await clientFor(tenant, index).send(MAKE, { alias: `other` })
          return errors?.[0]?.extensions.code
        }),
      )
      assert.equal(codes.filter((code) => code === undefined).length, 4)
      assert.equal(codes.filter((code) => code === 'QUOTA_EXCEEDED').length, 28)
      assert.ok((await usageOf(tenant)).storageBytes <= one * 5.5)
      await setPolicy(tenant, { maxStorageBytes: 0 })
      const { invitations } = await tenant.client.ask('{ invitations { nodes { id } } }')
      for (const { id } of invitations.nodes) {
        await tenant.client.ask('mutation($id: ID!) { deleteInvitation(invitationId: $id) { deletedId } }', { id })
      }
      assert.equal((await usageOf(tenant)).invitations, 0)
    })

    test('messages to a full wallet wait sealed, and come in order once there is room', async () => {
      const peer = await OutsidePeer.connectTo(await makeTenant(gateway.url))
      const { tenant } = peer
      try {
        await tenant.client.ask(MAKE, { alias: 'x'.repeat(250) })
        await eventually(async () => (await usageOf(tenant)).connections === 1)
        const { storageBytes } = await usageOf(tenant)
        await setPolicy(tenant, { maxStorageBytes: storageBytes, queueMaxMessages: 3 })
        const statuses: number[] = []
        for (const content of ['one', 'two', 'three', 'four']) {
          statuses.push((await peer.post(peer.message(content))).status)
        }
        assert.deepEqual(statuses, [202, 202, 202, 429])
        assert.equal((await usageOf(tenant)).queuedMessages, 3)
        assert.deepEqual(await contents(tenant), [])
        const { invitations } = await tenant.client.ask(
          'query($alias: String) { invitations(filter: {alias: $alias}) { nodes { id } } }',
          { alias: 'x'.repeat(250) },
        )
        await tenant.client.ask('mutation($id: ID!) { deleteInvitation(invitationId: $id) { deletedId } }', {
          id: invitations.nodes[0].id,
        })
        await eventually(async () => (await contents(tenant)).length > 0, 5000)
        await setPolicy(tenant, { maxStorageBytes: null })
        await eventually(async () => (await contents(tenant)).length === 3, 5000)
        assert.deepEqual(await contents(tenant), ['one', 'two', 'three'])
        await eventually(async () => (await usageOf(tenant)).queuedMessages === 0)
        assert.equal((await peer.post(peer.message('five'))).status, 200)
      } finally {
        await peer.close()
      }
    })
  })
}

test('what waits for room in a wallet as the gateway stops is handed over by the next, once there is room', async () => {
  const store = await freshStore('sqlite')
  const port = { PORT: `${await freePort()}` }
  const withRoom = (maxStorageBytes: number | null) => ({
    ...port,
    DEFAULT_POLICY: JSON.stringify({ maxStorageBytes }),
  })
  let gateway = await startGateway(store, port)
  let peer: OutsidePeer | undefined
  try {
    peer = await OutsidePeer.connectTo(await makeTenant(gateway.url))
    const { tenant } = peer
    const { usage } = await tenant.client.ask('{ usage { storageBytes } }')
    await gateway.stop()
    gateway = await startGateway(store, withRoom(usage.storageBytes))
    assert.equal((await peer.post(peer.message('waits'))).status, 202)
    await gateway.stop()
    gateway = await startGateway(store, withRoom(null))
    await eventually(async () => (await contents(tenant)).length === 1)
  } finally {
    await peer?.close()
    await gateway.stop()
    await store.remove()
  }
})

async function contents({ client }: TestTenant): Promise<string[]> {
  const { basicMessages } = await client.ask('{ basicMessages { nodes { content } } }')
  return basicMessages.nodes.map(({ content }: { content: string }) => content)
}
