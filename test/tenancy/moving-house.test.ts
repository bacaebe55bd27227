import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, type StoreKind, startGateway, type TestGateway } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { eventually, say } from '../support/talk.js'
import { exportTenant, importTenant } from './archives.js'
import { resume, stateAt, suspend } from './states.js'

/** Whom orders of a kind are about, by the audit log. */
async function ordersIn(operator: ApiClient, action: string): Promise<(string | null)[]> {
  const log = 'query($action: AuditAction) { auditLog(filter: { action: $action }) { nodes { tenantId } } }'
  const { auditLog } = await operator.ask(log, { action })
  return auditLog.nodes.map(({ tenantId }: { tenantId: string | null }) => tenantId)
}

async function lastEntry(operator: ApiClient, { id }: TestTenant) {
  const query = `query($id: ID!) { auditLog(last: 1, filter: {tenantId: $id}) { nodes { action actor { role id } details } } }`
  return (await operator.ask(query, { id })).auditLog.nodes[0]
}

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
      const [port, peerPort] = [`${await freePort()}`, `${await freePort()}`]
      let peers = await startGateway(peerStore, { PORT: peerPort })
      let second: TestGateway | undefined
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
        // What comes while it is packed waits, and comes along, as what it had to send.
        await suspend(gateway.url, tenant)
        await say(peer.client, ids.invitee, 'while it was packed')
        await waits(1)
        await peers.stop()
        await resume(gateway.url, tenant)
        await hears(tenant, 'while it was packed')
        await say(tenant.client, ids.inviter, 'not sent yet')
        await suspend(gateway.url, tenant)
        const operator = ApiClient.operator(gateway.url)
        const archive = await exportTenant(operator, { tenantId: tenant.id })
        const exported = await lastEntry(operator, tenant)
        assert.equal(exported.action, 'TENANT_EXPORTED')
        assert.deepEqual(await ordersIn(operator, 'TENANT_EXPORT_ORDERED'), [tenant.id])
        await gateway.stop()

        gateway = await startGateway(newStore, { PORT: port })
        if (to === 'postgres') {
          second = await startGateway(newStore, { PUBLIC_URL: gateway.url })
          assert.equal(await stateAt(second.url, tenant), null)
        }
        const answer = await importTenant(ApiClient.operator(gateway.url), archive)
        assert.deepEqual(answer.errors, undefined)
        assert.equal(answer.data?.tenant.id, tenant.id)
        const moved = { ...tenant, client: new ApiClient(gateway.url, { token: answer.data?.token }) }
        const imported = await lastEntry(ApiClient.operator(gateway.url), tenant)
        assert.deepEqual([imported.action, imported.actor], ['TENANT_IMPORTED', { role: 'OPERATOR', id: 'config-1' }])
        assert.deepEqual(imported.details, exported.details)
        assert.deepEqual(await ordersIn(ApiClient.operator(gateway.url), 'TENANT_IMPORT_ORDERED'), [null])
        // Another instance, that has just looked for it in vain, has it at once.
        if (second) {
          const there = moved.client.at(second.url)
          assert.equal((await there.ask('{ connections { nodes { id } } }')).connections.nodes[0].id, ids.inviter)
        }
        const { viewer } = await moved.client.ask('{ viewer { tenant { label state settings } } }')
        assert.equal(viewer.tenant.label, 'Moving')
        assert.equal(viewer.tenant.settings.idleTimeout, 120)
        assert.equal(await hears(moved, 'while it was packed'), ids.inviter)
        peers = await startGateway(peerStore, { PORT: peerPort })
        await say(moved.client, ids.inviter, 'from the new house')
        await hears(peer, 'from the new house')
        const { basicMessages } = await peer.client.ask('{ basicMessages(first: 50) { nodes { content role } } }')
        // What was still to be sent was, once, and before what came after it.
        assert.deepEqual(
          basicMessages.nodes
            .filter(({ role }: { role: string }) => role === 'RECEIVER')
            .map(({ content }: { content: string }) => content),
          ['from the old house', 'not sent yet', 'from the new house'],
        )
        await say(peer.client, ids.invitee, 'welcome')
        assert.equal(await hears(moved, 'welcome'), ids.inviter)
        const { events } = await moved.client.ask(
          '{ events(first: 100) { nodes { __typename tenantId ... on TenantEvent { change } } } }',
        )
        const told = events.nodes.map((event: { __typename: string }) => event.__typename)
        assert.ok(told.filter((name: string) => name === 'ConnectionEvent').length >= 2)
        assert.deepEqual(
          events.nodes.flatMap(({ change }: { change?: string }) => (change ? [change] : [])),
          ['CREATED', 'SUSPENDED', 'RESUMED', 'SUSPENDED', 'RESUMED', 'SUSPENDED', 'CREATED'],
        )
      } finally {
        await Promise.all([gateway.stop(), peers.stop(), second?.stop()])
        await Promise.all([oldStore.remove(), newStore.remove(), peerStore.remove()])
      }
    })
  }
})
