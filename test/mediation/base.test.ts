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

    test('is in the audit log, with who chose it', async () => {
      const { id: mediatorId } = await eventually(() => defaultOf(operator))
      const sync = 'mutation($id: ID!) { syncMediator(grantId: $id) { mediationGrant { id } } }'
      const choice = 'mutation($id: ID) { setDefaultMediator(grantId: $id) { mediationGrant { id } } }'
      await operator.ask(sync, { id: mediatorId })
      await operator.ask(choice, { id: null })
      await operator.ask(choice, { id: mediatorId })
      // What is known already is connected to no second time.
      await operator.ask('mutation($url: String!) { connectMediator(invitationUrl: $url) { mediationGrant { id } } }', {
        url: mediator.invitation,
      })
      const { auditLog } = await operator.ask(
        '{ auditLog(last: 100) { nodes { action tenantId actor { role } details } } }',
      )
      const told = auditLog.nodes.filter(({ action }: { action: string }) => action.startsWith('MEDIATOR_'))
      const entry = (action: string, role: string, id: string | null) => ({
        action,
        tenantId: null,
        actor: { role },
        details: { mediatorId: id },
      })
      assert.deepEqual(told, [
        entry('MEDIATOR_CONNECTED', 'GATEWAY', mediatorId),
        entry('MEDIATOR_SYNCED', 'OPERATOR', mediatorId),
        entry('MEDIATOR_CHOSEN', 'OPERATOR', null),
        entry('MEDIATOR_CHOSEN', 'OPERATOR', mediatorId),
      ])
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
