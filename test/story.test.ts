import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect, makeTenant, type TestTenant } from './support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from './support/gateway.js'

for (const kind of STORES) {
  describe(`two tenants on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let acme: TestTenant
    let globex: TestTenant
    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      acme = await makeTenant(gateway.url)
      globex = await makeTenant(gateway.url)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    test('connect, and a message reaches the other', async () => {
      const { inviter, invitee } = await connect(acme, globex)
      const tap = await acme.client.follow()
      await globex.client.ask(
        'mutation($id: ID!) { sendBasicMessage(input: {connectionId: $id, content: "hello"}) { message { id } } }',
        { id: invitee },
      )
      const event = await tap.find(({ topic }) => topic === 'BASIC_MESSAGE')
      assert.equal(event.message.content, 'hello')
      assert.equal(event.message.connectionId, inviter)
      await tap.close()
    })

    test('the log of a tenant begins with its creation, also where nobody has looked before', async () => {
      const { client } = await makeTenant(gateway.url)
      await client.ask('mutation { createDid(input: {method: "key"}) { did { did } } }')
      const { events } = await client.ask('{ events(first: 2) { nodes { topic } } }')
      assert.deepEqual(
        events.nodes.map(({ topic }: { topic: string }) => topic),
        ['TENANT', 'DID'],
      )
    })

    test('says that it is not ready while it stops, and stops with exit code 0', async () => {
      const stopped = gateway.stop()
      let status = 200
      while (status === 200) status = (await fetch(`${gateway.url}/health/ready`)).status
      assert.equal(status, 503)
      assert.equal(await stopped, 0)
    })
  })
}
