import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { eventually, say } from '../support/talk.js'

interface Line {
  level: string
  msg: string
  tenantId?: string
  connectionId?: string
  host?: string
  attempts?: number
  requestId?: string
  component?: string
}

/** The lines that a gateway has written since `from`. */
const linesOf = (gateway: TestGateway, from = 0): Line[] =>
  gateway
    .log()
    .slice(from)
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line))

const setLevel = (tenant: TestTenant, logLevel: string | null) =>
  tenant.client.ask('mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { settings } } }', {
    input: { tenantId: tenant.id, settings: { logLevel } },
  })

for (const kind of STORES) {
  describe(`lines of tenants on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let acme: TestTenant
    let globex: TestTenant
    let connection: { inviter: string; invitee: string }

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store, { LOG_LEVEL: 'info', OUTBOX_GIVE_UP: '3s' })
      acme = await makeTenant(gateway.url)
      globex = await makeTenant(gateway.url)
      connection = await connect(acme, globex)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    /** Each says something to the other, which both work on. */
    const work = async () => {
      await say(acme.client, connection.inviter, 'hello')
      await say(globex.client, connection.invitee, 'hello')
    }

    test('carry the tenant’s id, whatever is done for it', async () => {
      const tenants = [acme, globex]
      for (const tenant of tenants) await setLevel(tenant, 'trace')
      await work()
      const from = gateway.log().length
      // Both at once: talk, a message that cannot be opened, one that cannot be handled, one that nobody takes.
      await Promise.all(
        tenants.map(async (tenant) => {
          const peer = await OutsidePeer.connectTo(tenant)
          await peer.post(
            Buffer.from(
              peer
                .message('x')
                .toString()
                .replace(/"tag":"..../, '"tag":"AAAA'),
            ),
          )
          await peer.close()
          await work()
        }),
      )
      await eventually(async () =>
        tenants.every(({ id }) => linesOf(gateway, from).some((line) => line.tenantId === id)),
      )
      const lines = linesOf(gateway, from)
      assert.ok(lines.length > 20, `${lines.length} lines`)
      const ids = tenants.map(({ id }) => id)
      assert.deepEqual(
        lines.filter(({ tenantId }) => !ids.includes(tenantId ?? '')),
        [],
      )
      for (const tenant of tenants) await setLevel(tenant, null)
    })

    test('tell which peer does not take messages, of whose connection', async () => {
      const peer = await OutsidePeer.connectTo(acme)
      await peer.close()
      const { connections } = await acme.client.ask('{ connections(last: 1) { nodes { id } } }')
      const id = connections.nodes[0].id
      await say(acme.client, id, 'is there anybody')
      const found = await eventually(async () => {
        const lines = linesOf(gateway).filter(({ connectionId }) => connectionId === id)
        return lines.some(({ msg }) => msg === 'An outbound message was given up') && lines
      })
      const [first] = found
      assert.equal(first?.msg, 'A peer does not take messages')
      assert.equal(first?.attempts, 3)
      for (const line of found) {
        assert.equal(line.tenantId, acme.id)
        assert.match(line.host ?? '', /^127\.0\.0\.1:\d+$/)
      }
    })

    test('are more or less than the gateway’s as the tenant has set, on every instance within a second', async () => {
      const other = kind === 'postgres' ? await startGateway(store, { LOG_LEVEL: 'info' }) : gateway
      try {
        const there = { acme: acme.client.at(other.url), globex: globex.client.at(other.url) }
        const talk = async () => {
          const from = other.log().length
          await say(there.acme, connection.inviter, 'hello')
          await say(there.globex, connection.invitee, 'hello')
          await sleep(200)
          return linesOf(other, from)
        }
        const quiet = await talk()
        assert.deepEqual(
          quiet.filter(({ level }) => level === 'debug' || level === 'trace'),
          [],
        )

        await setLevel(acme, 'debug')
        await sleep(1000)
        const detailed = (await talk()).filter(({ level }) => level === 'debug')
        assert.ok(detailed.length > 0, 'there are lines that the gateway does not write of others')
        assert.deepEqual(new Set(detailed.map(({ tenantId }) => tenantId)), new Set([acme.id]))

        await setLevel(acme, null)
        await sleep(1000)
        assert.deepEqual(
          (await talk()).filter(({ level }) => level === 'debug'),
          [],
        )
      } finally {
        if (other !== gateway) await other.stop()
      }
    })

    test('end where a tenant wants none, and those of others go on', async () => {
      await setLevel(acme, 'silent')
      const from = gateway.log().length
      for (const tenant of [acme, globex]) {
        const peer = await OutsidePeer.connectTo(tenant)
        await peer.close()
        const { connections } = await tenant.client.ask('{ connections(last: 1) { nodes { id } } }')
        await say(tenant.client, connections.nodes[0].id, 'is there anybody')
      }
      await eventually(async () => linesOf(gateway, from).some(({ msg }) => msg === 'An outbound message was given up'))
      await sleep(500)
      const of = (tenant: TestTenant) => linesOf(gateway, from).filter(({ tenantId }) => tenantId === tenant.id)
      assert.equal(of(acme).length, 0)
      assert.ok(of(globex).length > 0)
      await setLevel(acme, null)
    })
  })
}
