import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, type StoreKind, startGateway } from '../support/gateway.js'
import { eventually, say } from '../support/talk.js'
import { freePort } from '../support/tcp-proxy.js'
import { exportTenant, importTenant } from './archives.js'
import { resume, stateAt, suspend } from './states.js'

/** The next message of a peer with this text. */
async function hears(tenant: TestTenant, content: string): Promise<string> {
  return eventually(async () => {
    const { basicMessages } = await tenant.client.ask('{ basicMessages(last: 50) { nodes { content connectionId } } }')
    return basicMessages.nodes.find((message: { content: string }) => message.content === content)?.connectionId
  })
}

const WAYS: { from: StoreKind; to: StoreKind }[] = [
  { from: 'sqlite', to: 'postgres' },
  { from: 'postgres', to: 'sqlite' },
]

describe('a tenant moves house', () => {
  for (const { from, to } of WAYS) {
    test(`from ${from} to ${to}: its peer's messages arrive there and are answered, and nothing is gone`, async () => {
      const [oldStore, newStore, peerStore] = await Promise.all([
        freshStore(from),
        freshStore(to),
        freshStore('sqlite'),
      ])
      const port = `${await freePort()}`
      const peers = await startGateway(peerStore)
      let gateway = await startGateway(oldStore, { PORT: port })
      try {
        const tenant = await makeTenant(gateway.url, { label: 'Moving', settings: { idleTimeout: 120 } })
        const peer = await makeTenant(peers.url)
        const ids = await connect(tenant, peer)
        await say(tenant.client, ids.inviter, 'from the old house')
        await hears(peer, 'from the old house')
        // The places in a queue begin anew in the new house, whatever was handled in the old one.
        const waits = (count: number) =>
          eventually(async () => (await stateAt(gateway.url, tenant))?.queuedMessages === count)
        await suspend(gateway.url, tenant)
        for (const content of ['first', 'second']) await say(peer.client, ids.invitee, content)
        await waits(2)
        await resume(gateway.url, tenant)
        await waits(0)
        // What comes while it is packed waits, and comes along.
        await suspend(gateway.url, tenant)
        await say(peer.client, ids.invitee, 'while it was packed')
        await waits(1)
        const operator = ApiClient.operator(gateway.url)
        const archive = await exportTenant(operator, { tenantId: tenant.id })
        const { auditLog } = await operator.ask(
          'query($id: ID!) { auditLog(last: 1, filter: {tenantId: $id}) { nodes { action } } }',
          { id: tenant.id },
        )
        assert.equal(auditLog.nodes[0].action, 'TENANT_EXPORTED')
        await gateway.stop()

        gateway = await startGateway(newStore, { PORT: port })
        const answer = await importTenant(ApiClient.operator(gateway.url), archive)
        assert.deepEqual(answer.errors, undefined)
        assert.equal(answer.data?.tenant.id, tenant.id)
        const moved = { ...tenant, client: new ApiClient(gateway.url, { token: answer.data?.token }) }
        const { viewer } = await moved.client.ask('{ viewer { tenant { label state settings } } }')
        assert.equal(viewer.tenant.label, 'Moving')
        assert.equal(viewer.tenant.settings.idleTimeout, 120)
        assert.equal(await hears(moved, 'while it was packed'), ids.inviter)
        await say(moved.client, ids.inviter, 'from the new house')
        await hears(peer, 'from the new house')
        await say(peer.client, ids.invitee, 'welcome')
        assert.equal(await hears(moved, 'welcome'), ids.inviter)
        const { events } = await moved.client.ask(
          '{ events(first: 100) { nodes { __typename tenantId ... on TenantEvent { change } } } }',
        )
        const told = events.nodes.map((event: { __typename: string }) => event.__typename)
        assert.ok(told.filter((name: string) => name === 'ConnectionEvent').length >= 2)
        assert.deepEqual(
          events.nodes.flatMap(({ change }: { change?: string }) => (change ? [change] : [])),
          ['CREATED', 'SUSPENDED', 'RESUMED', 'SUSPENDED', 'CREATED'],
        )
      } finally {
        await Promise.all([gateway.stop(), peers.stop()])
        await Promise.all([oldStore.remove(), newStore.remove(), peerStore.remove()])
      }
    })
  }
})
