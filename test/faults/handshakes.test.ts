import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AnyEvent, type EventTap, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { assertToldIsTrue } from '../support/ledger.js'
import { atOnce, invite, receive } from '../support/talk.js'

const HANDSHAKES = 64
const AT_ONCE = 32

for (const kind of STORES) {
  describe(`handshakes under pressure on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store, { SESSIONS_MAX: '8', ...(kind === 'postgres' ? { POOL_SIZE: '10' } : {}) })
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    test('all complete between many tenants, more than may be open at once', async () => {
      const tenants = await atOnce(16, 4, () => makeTenant(gateway.url))
      await handshakes((index) => [
        tenants[index % 16] as TestTenant,
        tenants[(index + 1 + Math.floor(index / 16)) % 16] as TestTenant,
      ])
      for (const tenant of tenants) await assertAllCompleted(tenant, (2 * HANDSHAKES) / 16)
    })

    test('all complete between the same two, in both directions', async () => {
      const [one, other] = [await makeTenant(gateway.url), await makeTenant(gateway.url)]
      await handshakes((index) => (index % 2 === 0 ? [one, other] : [other, one]))
      await assertAllCompleted(one, HANDSHAKES)
      await assertAllCompleted(other, HANDSHAKES)
    })
  })
}

async function handshakes(pairOf: (index: number) => [TestTenant, TestTenant]): Promise<void> {
  const tenants = new Set(Array.from({ length: HANDSHAKES }, (_, index) => pairOf(index)).flat())
  const taps = new Map<TestTenant, EventTap>()
  for (const tenant of tenants) taps.set(tenant, await tenant.client.follow({ topics: ['CONNECTION'] }))
  const completed = (tenant: TestTenant, matches: (connection: AnyEvent) => boolean) =>
    taps.get(tenant)?.find(({ connection }) => connection.state === 'COMPLETED' && matches(connection), 60_000)
  await atOnce(HANDSHAKES, AT_ONCE, async (index) => {
    const [inviter, invitee] = pairOf(index)
    const invitation = await invite(inviter)
    const connectionId = await receive(invitee, invitation.message)
    await completed(inviter, ({ invitationId }) => invitationId === invitation.id)
    await completed(invitee, ({ id }) => id === connectionId)
  })
  for (const tap of taps.values()) await tap.close()
}

/** Each connection once, complete, and told so. */
async function assertAllCompleted(tenant: TestTenant, count: number): Promise<void> {
  const events = await assertToldIsTrue(tenant.client)
  const completed = events.filter(({ connection }) => connection?.state === 'COMPLETED')
  assert.equal(new Set(completed.map(({ connection }) => connection.id)).size, count)
  assert.equal(completed.length, count)
  assert.equal(new Set(completed.map(({ connection }) => connection.invitationId)).size, count)
}
