import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually, say } from '../support/talk.js'

const FIELDS = `tenantId connections invitations basicMessages dids events queuedMessages openSubscriptions storageBytes
  lastActivityAt requestsPerMinute { used limit } mutationsPerMinute { used limit } inboundPerMinute { used limit }`
const OWN = `{ usage { ${FIELDS} } }`
const OF = `query($id: ID) { usage(tenantId: $id) { ${FIELDS} } }`

for (const kind of STORES) {
  describe(`usage on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let operator: ApiClient
    let acme: TestTenant

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      operator = ApiClient.operator(gateway.url)
      acme = await makeTenant(gateway.url, { policy: { mutationsPerMinute: 100 } })
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    test('counts what a tenant has and does, the same for itself and for the operator', async () => {
      const begin = Date.now()
      const peer = await makeTenant(gateway.url)
      const link = await connect(acme, peer)
      await say(acme.client, link.inviter, 'hello')
      await acme.client.ask('mutation { createDid(input: {method: "key"}) { did { did } } }')
      const tap = await acme.client.follow()
      const { usage } = await acme.client.ask(OWN)
      assert.equal(usage.tenantId, acme.id)
      assert.deepEqual([usage.connections, usage.invitations, usage.basicMessages, usage.dids], [1, 1, 1, 1])
      const { events } = await acme.client.ask('{ events(first: 100) { nodes { id } } }')
      assert.equal(usage.events, events.nodes.length)
      assert.deepEqual([usage.queuedMessages, usage.openSubscriptions], [0, 1])
      assert.ok(usage.storageBytes > 1000)
      assert.ok(Date.parse(usage.lastActivityAt) >= begin - 1000 && Date.parse(usage.lastActivityAt) <= Date.now())
      assert.deepEqual(usage.requestsPerMinute, { used: null, limit: null })
      assert.deepEqual(usage.mutationsPerMinute, { used: 3, limit: 100 })
      const asOperator = (await operator.ask(OF, { id: acme.id })).usage
      assert.deepEqual({ ...asOperator, lastActivityAt: null }, { ...usage, lastActivityAt: null })
      await tap.close()
    })

    test('is the tenant’s own, and an operator names whose', async () => {
      const other = await makeTenant(gateway.url)
      for (const id of [acme.id, '00000000-0000-4000-8000-000000000000']) {
        const { errors } = await other.client.send(OF, { id })
        assert.equal(errors?.[0]?.extensions.code, 'NOT_FOUND')
      }
      assert.equal((await other.client.ask(OF, { id: other.id })).usage.connections, 0)
      assert.equal(await operator.codeOf(OWN), 'BAD_USER_INPUT')
    })

    test('of a locked wallet says what is known without it', async () => {
      const walletKey = 'a passphrase of some length'
      const locked = await makeTenant(gateway.url, {
        keyMode: 'UNMANAGED',
        walletKey,
        walletKeyDerivation: 'ARGON2I_INT',
        policy: { maxConnections: 5 },
      })
      assert.equal((await locked.client.ask(OWN)).usage.connections, 0)
      await locked.client.ask('mutation { lockWallet { tenant { state } } }')
      await eventually(async () => (await operator.ask(OF, { id: locked.id })).usage.connections === null)
      const { usage } = await operator.ask(OF, { id: locked.id })
      assert.deepEqual([usage.storageBytes, usage.events, usage.queuedMessages], [null, null, 0])
      assert.ok(usage.lastActivityAt)
      assert.equal((await locked.client.ask(OWN)).usage.tenantId, locked.id)
    })
  })
}
