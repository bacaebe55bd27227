import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ApiClient, connect, makeTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { TestMediator } from '../support/mediator.js'
import { eventually, invite, say } from '../support/talk.js'
import { defaultOf } from './mediation-api.js'

for (const kind of STORES) {
  describe(`the base wallet's mediator on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let mediator: TestMediator
    let operator: ApiClient
    before(async () => {
      mediator = await TestMediator.start()
      store = await freshStore(kind)
      gateway = await startGateway(store, { MEDIATOR_INVITATION: mediator.invitation })
      operator = ApiClient.operator(gateway.url)
    })
    after(async () => {
      await gateway?.stop()
      await mediator?.remove()
      await store?.remove()
    })

    test('is connected by MEDIATOR_INVITATION, and is the default', async () => {
      const grant = await eventually(() => defaultOf(operator))
      assert.equal(grant.state, 'GRANTED')
      assert.equal(grant.endpoint, mediator.url)
      assert.equal(grant.routingKeys.length, 1)
    })

    test('knows the keys of an invitation before it leaves, and is on the way of all that comes', async () => {
      const grant = await eventually(() => defaultOf(operator))
      const [alice, bob] = [await makeTenant(gateway.url), await makeTenant(gateway.url)]
      const { message } = await invite(alice)
      const [service] = (message as { services: { serviceEndpoint: string; routingKeys: string[] }[] }).services
      assert.equal(service?.serviceEndpoint, mediator.url)
      assert.equal(service?.routingKeys.length, 1)
      assert.equal(grant.endpoint, service?.serviceEndpoint)

      const before = (await mediator.told()).forwards
      const connection = await connect(alice, bob)
      const tap = await bob.client.follow()
      await say(alice.client, connection.inviter, 'through the mediator')
      await tap.find(({ message }) => message?.content === 'through the mediator')
      await tap.close()
      assert.ok((await mediator.told()).forwards >= before + 4)
    })
  })
}
