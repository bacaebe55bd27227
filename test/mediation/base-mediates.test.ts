import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually, say } from '../support/talk.js'
import { defaultOf } from './mediation-api.js'
import { withoutAddress } from './without-address.js'

const INVITE = 'mutation { createMediatorInvitation { url message } }'
const LIST = '{ mediatedAgents { nodes { connectionId keys } } }'

for (const kind of STORES) {
  describe(`the base wallet as mediator on ${kind}`, () => {
    let stores: TestStore[]
    let gateway: TestGateway
    let edge: TestGateway
    let edgeUrl: string
    let operator: ApiClient
    before(async () => {
      stores = [await freshStore(kind), await freshStore('sqlite')]
      gateway = await startGateway(stores[0] as TestStore, { BASE_MEDIATES: 'on' })
      operator = ApiClient.operator(gateway.url)
      const { url } = (await operator.ask(INVITE)).createMediatorInvitation
      const { settings, url: own } = await withoutAddress({ MEDIATOR_INVITATION: url })
      edge = await startGateway(stores[1] as TestStore, settings)
      edgeUrl = own
    })
    after(async () => {
      await edge?.stop()
      await gateway?.stop()
      for (const store of stores ?? []) await store.remove()
    })

    const hears = async (from: ApiClient, connectionId: string, to: TestTenant, content: string) => {
      const tap = await to.client.follow()
      await say(from, connectionId, content)
      await tap.find(({ message }) => message?.content === content)
      await tap.close()
    }

    test('another gateway, which nobody can reach, is reached through it, until that is taken back', async () => {
      await eventually(() => defaultOf(ApiClient.operator(edgeUrl)))
      const [alice, bob] = [await makeTenant(edgeUrl), await makeTenant(gateway.url)]
      const connection = await connect(alice, bob)
      await hears(bob.client, connection.invitee, alice, 'by the base wallet')
      await hears(alice.client, connection.inviter, bob, 'and back')
      const [agent, ...others] = (await operator.ask(LIST)).mediatedAgents.nodes
      assert.ok(agent.keys > 0)
      assert.deepEqual(others, [])
      // Nothing of it is a tenant's.
      assert.deepEqual((await bob.client.ask(LIST)).mediatedAgents.nodes, [])
      await operator.ask('mutation($id: ID!) { endMediation(connectionId: $id) { connectionId } }', {
        id: agent.connectionId,
      })
      assert.deepEqual((await operator.ask(LIST)).mediatedAgents.nodes, [])
      const tap = await bob.client.follow({ topics: ['DELIVERY'] })
      await say(bob.client, connection.invitee, 'nobody forwards this')
      const told = await tap.find(({ topic }) => topic === 'DELIVERY')
      assert.equal(told.outcome, 'GIVEN_UP')
      await tap.close()
    })
  })
}

test('a base wallet that does not mediate invites nobody', async () => {
  const store = await freshStore('sqlite')
  const gateway = await startGateway(store)
  try {
    const { errors } = await ApiClient.operator(gateway.url).send(INVITE)
    assert.equal(errors?.[0]?.extensions.code, 'CONFLICT')
    assert.match(errors?.[0]?.message ?? '', /BASE_MEDIATES=on/)
  } finally {
    await gateway.stop()
    await store.remove()
  }
})
