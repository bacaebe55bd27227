import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { keyOfDid } from '../../bench/peer.js'
import { type AnyEvent, ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { TestMediator } from '../support/mediator.js'
import { atOnce, eventually, invite, receive } from '../support/talk.js'
import { defaultOf, serviceOf } from './mediation-api.js'

const HANDSHAKES = 100

describe('a mediator that is killed', () => {
  let store: TestStore
  let gateway: TestGateway
  let mediator: TestMediator
  before(async () => {
    mediator = await TestMediator.start()
    store = await freshStore('sqlite')
    gateway = await startGateway(store, { MEDIATOR_INVITATION: mediator.invitation })
    await eventually(() => defaultOf(ApiClient.operator(gateway.url)))
  })
  after(async () => {
    await gateway?.stop()
    await mediator?.remove()
    await store?.remove()
  })

  test('and started again in the midst of 100 handshakes ends none of them', async () => {
    const tenants = await atOnce(10, 4, () => makeTenant(gateway.url))
    const taps = await Promise.all(tenants.map((tenant) => tenant.client.follow({ topics: ['CONNECTION'] })))
    const completed = () =>
      taps.reduce((sum, { events }) => sum + events.filter((event) => event.connection.state === 'COMPLETED').length, 0)
    const begun = atOnce(HANDSHAKES, 8, async (index) => {
      const inviter = tenants[index % 10] as TestTenant
      const invitee = tenants[(index + 1 + Math.floor(index / 10)) % 10] as TestTenant
      const { message } = await again(() => invite(inviter))
      await again(() => receive(invitee, message))
    })
    await eventually(async () => completed() >= 20, 120_000)
    await mediator.kill()
    assert.ok(completed() < 2 * HANDSHAKES, 'it was killed too late')
    await mediator.start()
    await begun
    await eventually(async () => completed() === 2 * HANDSHAKES, 200_000)
    for (const tap of taps) {
      const done = tap.events.filter((event: AnyEvent) => event.connection.state === 'COMPLETED')
      assert.equal(new Set(done.map((event: AnyEvent) => event.connection.id)).size, done.length)
      await tap.close()
    }
    assert.equal((await mediator.told()).atOnce <= 1, true)
  })

  test('leaves no key behind that it does not know', async () => {
    const tenant = await makeTenant(gateway.url)
    await mediator.kill()
    const create = 'mutation { createInvitation(input: {}) { invitation { id } } }'
    assert.equal(await tenant.client.codeOf(create), 'PEER_UNREACHABLE')
    assert.deepEqual((await tenant.client.ask('{ invitations { nodes { id } } }')).invitations.nodes, [])
    await mediator.start()
    const { message } = await again(() => invite(tenant))
    assert.ok((await mediator.told()).keys.includes(keyOfDid(serviceOf(message).recipientKeys[0] ?? '')))
  })
})

/** While the mediator is away new keys are not to be had: whoever asks is told so, and asks again. */
function again<T>(work: () => Promise<T>): Promise<T> {
  return eventually(work as () => Promise<T | undefined>, 60_000) as Promise<T>
}
