import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { TestMediator } from '../support/mediator.js'
import { atOnce, eventually, say } from '../support/talk.js'
import { assertNothingLeft } from '../tenancy/raw.js'
import { deleteTenant, resume, suspend } from '../tenancy/states.js'
import { choose, defaultOf } from './mediation-api.js'
import { withoutAddress } from './without-address.js'

/** An invitation of a tenant's to whoever wants to be mediated for. */
async function invitationOf(mediator: TestTenant): Promise<string> {
  const { createInvitation } = await mediator.client.ask(
    'mutation { createInvitation(input: {multiUse: true}) { invitation { url } } }',
  )
  return createInvitation.invitation.url
}

/** What a gateway asks a mediator for at once. */
const IN_ONE_DELIVERY = 100

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
      // Some of them are together more than one message may be.
      const expected = Array.from({ length: 30 }, (_, n) => `while dead ${n}${'.'.repeat(n < 12 ? 90_000 : 0)}`).sort()
      for (const content of expected) await say(bob.client, connection.invitee, content)
      gateway = await startGateway(store, settings)
      await eventually(async () => (await contents(alice)).length >= expected.length)
      assert.deepEqual(await contents(alice), expected)
    })

    if (kind === 'postgres')
      test('goes on to get what comes where one of two instances is killed, within seconds', async (t) => {
        const { settings: others, url: otherUrl } = await withoutAddress({ INSTANCE_ID: 'other' })
        const [alice, bob] = [await makeTenant(url), await makeTenant(outside.url)]
        const connection = await connect(alice, bob)
        const other = await startGateway(store, others)
        try {
          const tap = await alice.client.at(otherUrl).follow()
          // It dies as it asks: what it has not sent is for the other one to send as well.
          outside.process.kill('SIGSTOP')
          await sleep(1500)
          await gateway.kill()
          outside.process.kill('SIGCONT')
          const start = performance.now()
          await say(bob.client, connection.invitee, 'to the one that is left')
          await tap.find(({ message }) => message?.content === 'to the one that is left')
          const took = performance.now() - start
          t.diagnostic(`after ${Math.round(took)} ms`)
          // Well before the lease of the dead one runs out, 15 s: after 4.5 s at most it is taken for dead.
          assert.ok(took < 9000, `it took ${took} ms`)
          await tap.close()
        } finally {
          gateway = await startGateway(store, settings)
          await other.stop()
        }
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
        // Nobody goes on to fetch for one that is gone.
        await deleteTenant(ownUrl, alice)
        await second.stop()
        await assertNothingLeft(alone, [alice], [])
      } finally {
        await second.stop()
        await alone.remove()
      }
    })
  })
}

describe('a gateway without an address behind stock Credo', () => {
  test('gets what can be taken, also behind all that a tenant has no room for', async () => {
    const stock = await TestMediator.start({ QUEUES: 'on', HANDS_OVER_AGAIN: 'on' })
    const [store, outsideStore] = [await freshStore('sqlite'), await freshStore('sqlite')]
    const { settings, url } = await withoutAddress({ MEDIATOR_INVITATION: stock.invitation })
    const [gateway, outside] = [await startGateway(store, settings), await startGateway(outsideStore)]
    try {
      await eventually(() => defaultOf(ApiClient.operator(url)))
      const policy = { queueMaxMessages: 0 }
      const [full, alice, bob] = [
        await makeTenant(url, { policy }),
        await makeTenant(url),
        await makeTenant(outside.url, { policy: { mutationsPerMinute: 10_000, requestsPerMinute: 10_000 } }),
      ]
      const [toFull, toAlice] = [await connect(full, bob), await connect(alice, bob)]
      await suspend(url, full)
      const before = (await stock.told()).forwards
      const began = performance.now()
      const without = Array.from({ length: IN_ONE_DELIVERY + 20 }, (_, n) => `no room ${n}`)
      await atOnce(without.length, 4, (n) => say(bob.client, toFull.invitee, without[n] as string))
      await eventually(async () => (await stock.told()).forwards >= before + without.length, 60_000)
      const tap = await alice.client.follow()
      await say(bob.client, toAlice.invitee, 'behind it')
      await tap.find(({ message }) => message?.content === 'behind it', 60_000)
      await tap.close()
      // It is looked at once a second at most, by two deliveries: as many as usual, and then all.
      const seconds = (performance.now() - began) / 1000
      const { handedOver } = await stock.told()
      assert.ok(handedOver < 2 * (seconds + 2) * without.length, `${handedOver} were handed over in ${seconds} s`)
      // What there was no room for is there still.
      await ApiClient.operator(url).ask(
        'mutation($id: ID!) { updateTenant(input: {tenantId: $id, policy: {queueMaxMessages: 1000}}) { tenant { id } } }',
        { id: full.id },
      )
      await resume(url, full)
      await eventually(async () => {
        const { basicMessages } = await full.client.ask('{ basicMessages(last: 100) { nodes { content } } }')
        return basicMessages.nodes.length === 100
      }, 60_000)
    } finally {
      await Promise.all([gateway.stop(), outside.stop()])
      await Promise.all([store.remove(), outsideStore.remove(), stock.remove()])
    }
  })

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
