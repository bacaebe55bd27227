import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { TestMediator } from '../support/mediator.js'
import { eventually, say } from '../support/talk.js'
import { choose, defaultOf } from './mediation-api.js'
import { withoutAddress } from './without-address.js'

/** An invitation of a tenant's to whoever wants to be mediated for. */
async function invitationOf(mediator: TestTenant): Promise<string> {
  const { createInvitation } = await mediator.client.ask(
    'mutation { createInvitation(input: {multiUse: true}) { invitation { url } } }',
  )
  return createInvitation.invitation.url
}

const contents = async ({ client }: TestTenant) => {
  const { basicMessages } = await client.ask('{ basicMessages(first: 100) { nodes { content } } }')
  return (basicMessages.nodes as { content: string }[]).map(({ content }) => content).sort()
}

for (const kind of STORES) {
  describe(`a gateway without an address on ${kind}`, () => {
    let outsideStore: TestStore
    let outside: TestGateway
    let store: TestStore
    let gateway: TestGateway
    let settings: Record<string, string>
    let url: string
    let mediator: TestTenant
    before(async () => {
      outsideStore = await freshStore('sqlite')
      outside = await startGateway(outsideStore)
      mediator = await makeTenant(outside.url, { settings: { mediates: true } })
      store = await freshStore(kind)
      ;({ settings, url } = await withoutAddress({ MEDIATOR_INVITATION: await invitationOf(mediator) }))
      gateway = await startGateway(store, settings)
    })
    after(async () => {
      await gateway?.stop()
      await outside?.stop()
      await store?.remove()
      await outsideStore?.remove()
    })

    test('is granted mediation, and gives its address to no one', async () => {
      const grant = await eventually(() => defaultOf(ApiClient.operator(url)))
      assert.equal(grant.state, 'GRANTED')
      assert.ok(grant.endpoint?.startsWith(outside.url))
    })

    test('is reached through its mediator, as it comes', async () => {
      const [alice, bob] = [await makeTenant(url), await makeTenant(outside.url)]
      const connection = await connect(alice, bob)
      const tap = await alice.client.follow()
      await say(bob.client, connection.invitee, 'to nowhere')
      await tap.find(({ message }) => message?.content === 'to nowhere')
      await tap.close()
      const back = await bob.client.follow()
      await say(alice.client, connection.inviter, 'from nowhere')
      await back.find(({ message }) => message?.content === 'from nowhere')
      await back.close()
    })

    test('gets what came while it was dead, each once', async () => {
      const [alice, bob] = [await makeTenant(url), await makeTenant(outside.url)]
      const connection = await connect(alice, bob)
      await gateway.kill()
      const expected = Array.from({ length: 30 }, (_, n) => `while dead ${n}`).sort()
      for (const content of expected) await say(bob.client, connection.invitee, content)
      gateway = await startGateway(store, settings)
      await eventually(async () => (await contents(alice)).length >= expected.length)
      assert.deepEqual(await contents(alice), expected)
    })

    test("has tenants with mediators of their own, of which the base wallet's knows nothing", async () => {
      const alone = await freshStore('sqlite')
      const { settings: own, url: ownUrl } = await withoutAddress()
      const second = await startGateway(alone, own)
      try {
        const [alice, bob] = [await makeTenant(ownUrl), await makeTenant(outside.url)]
        await choose(alice.client, await invitationOf(mediator))
        const connection = await connect(alice, bob)
        const tap = await alice.client.follow()
        await say(bob.client, connection.invitee, 'by her own')
        await tap.find(({ message }) => message?.content === 'by her own')
        await tap.close()
      } finally {
        await second.stop()
        await alone.remove()
      }
    })
  })
}

describe('a gateway without an address behind stock Credo', () => {
  for (const [how, env] of Object.entries<Record<string, string>>({
    'by HTTP, asking': { QUEUES: 'on' },
    'by WebSocket, asking': { QUEUES: 'on', SOCKETS: 'on' },
    'by WebSocket, as it comes': { SOCKETS: 'on' },
  }))
    test(`gets what is for its tenants: ${how}`, async () => {
      const stock = await TestMediator.start(env)
      const [store, outsideStore] = [await freshStore('sqlite'), await freshStore('sqlite')]
      const { settings, url } = await withoutAddress({ MEDIATOR_INVITATION: stock.invitation })
      const [gateway, outside] = [await startGateway(store, settings), await startGateway(outsideStore)]
      try {
        await eventually(() => defaultOf(ApiClient.operator(url)))
        const [alice, bob] = [await makeTenant(url), await makeTenant(outside.url)]
        const connection = await connect(alice, bob)
        const expected = Array.from({ length: 5 }, (_, n) => `by Credo ${n}`)
        for (const content of expected) await say(bob.client, connection.invitee, content)
        await eventually(async () => (await contents(alice)).length >= expected.length)
        assert.deepEqual(await contents(alice), expected)
      } finally {
        await Promise.all([gateway.stop(), outside.stop()])
        await Promise.all([store.remove(), outsideStore.remove(), stock.remove()])
      }
    })
})
