import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { base58Encode } from '../../src/lib/base58.js'
import { LONG_PATIENCE_MS, overSse } from '../security/transports.js'
import { type ApiClient, connect, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { eventually, invite, receive, say } from '../support/talk.js'
import { closeCodeOf, createToken } from '../tokens/token-api.js'
import { findInBase, findInRedis, readRaw } from './raw.js'
import { deleteTenant, stateAt, suspend } from './states.js'

const INVITE = 'mutation { createInvitation(input: {}) { invitation { id } } }'
const READ = '{ connections { nodes { id } } }'
const FOLLOW = { query: 'subscription { events(topics: [PING]) { id } }', variables: {} }

/** Fails where anything of tenants is left, but what outlives them. No gateway may run. */
async function assertNothingLeft(store: TestStore, gone: TestTenant[], staying: TestTenant[]): Promise<void> {
  const { profiles, stores, strays } = await readRaw(store)
  assert.deepEqual(profiles.toSorted(), ['base', ...staying.map(({ id }) => id)].toSorted())
  assert.deepEqual(stores, [])
  assert.equal(strays, 0)
  const words = gone.flatMap(({ id, name }) => [id, name])
  assert.deepEqual(await findInBase(store, words), [])
  for (const { id } of gone) assert.deepEqual(await findInRedis(store, id), [])
}

const instances = (store: TestStore): Promise<TestGateway[]> =>
  Promise.all(Array.from({ length: store.kind === 'postgres' ? 2 : 1 }, () => startGateway(store)))

for (const kind of STORES) {
  describe(`the deletion of a tenant on ${kind}`, () => {
    test('leaves nothing of it, whatever it had and wherever its wallet was', async () => {
      const store = await freshStore(kind)
      const gateways = await instances(store)
      const [here, there] = [gateways[0] as TestGateway, gateways.at(-1) as TestGateway]
      const gone: TestTenant[] = []
      const stays = await makeTenant(here.url)
      try {
        for (const wallet of [{}, { walletStorage: 'STORE' }, { keyMode: 'UNMANAGED' }]) {
          const walletKey = 'keyMode' in wallet ? base58Encode(randomBytes(32)) : undefined
          const input = { ...wallet, walletKey, eventDispatch: 'BOTH', idempotencyKey: uniqueName('once') }
          const tenant = await makeTenant(here.url, input)
          gone.push(tenant)
          const outside = await OutsidePeer.connectTo(tenant)
          const link = await connect(tenant, stays)
          await say(tenant.client, link.inviter, 'arrives')
          await createToken(tenant.client, { name: 'extra' })
          await outside.close()
          const { connections } = await tenant.client.ask(READ)
          for (const { id } of connections.nodes) await say(tenant.client, id, 'waits in the outbox')
          const later = outside.message('comes later')
          await suspend(here.url, tenant)
          assert.equal((await outside.post(outside.message('waits sealed'))).status, 202)

          await deleteTenant(there.url, tenant, walletKey)
          assert.equal(await stateAt(there.url, tenant), null)
          for (const { url } of gateways) {
            await eventually(
              async () => (await tenant.client.at(url).codeOf('{ viewer { role } }')) === 'UNAUTHENTICATED',
            )
            assert.equal((await outside.post(later, url)).status, 404)
          }
        }
        // One that has MANAGE deletes itself.
        const itself = await makeTenant(here.url)
        gone.push(itself)
        await connect(itself, stays)
        const remove = 'mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }'
        assert.equal((await itself.client.ask(remove, { id: itself.id })).deleteTenant.deletedTenantId, itself.id)
        assert.equal(await itself.client.codeOf('{ viewer { role } }'), 'UNAUTHENTICATED')
      } finally {
        await Promise.all(gateways.map((gateway) => gateway.stop()))
      }
      await assertNothingLeft(store, gone, [stays])
      await store.remove()
    })

    test('that a kill has cut is finished by the next start, or by another instance', async () => {
      const store = await freshStore(kind)
      const env = { INSTANCE_ID: 'mortal' }
      const other = kind === 'postgres' ? await startGateway(store) : undefined
      const gone: TestTenant[] = []
      let gateway: TestGateway | undefined
      try {
        for (let round = 0; round < 5; round++) {
          gateway = await startGateway(store, env)
          const storage = round % 2 === 0 ? 'PROFILE' : 'STORE'
          const tenant = await makeTenant(gateway.url, { walletStorage: storage, eventDispatch: 'BASE' })
          gone.push(tenant)
          for (let made = 0; made < 5; made++) await tenant.client.ask(INVITE)
          const deleting = deleteTenant(gateway.url, tenant).catch(() => {})
          await sleep(4 + round * 12)
          await gateway.kill()
          await deleting
          // The last is left to the other instance.
          if (!other || round < 4) gateway = await startGateway(store, env)
          const { url } = other && round === 4 ? other : gateway
          const finished = async () => {
            const found = await stateAt(url, tenant)
            assert.ok(found === null || found.state === 'ACTIVE' || found.state === 'DELETING')
            return found?.state !== 'DELETING' && { found }
          }
          const { found } = await eventually(finished, 60_000)
          if (found) await deleteTenant(url, tenant)
          if (!other || round < 4) await gateway.stop()
        }
      } finally {
        await gateway?.kill()
        await other?.stop()
      }
      // What was noted by the one that was killed last goes with its next start.
      const last = await startGateway(store, env)
      await last.stop()
      await assertNothingLeft(store, gone, [])
      await store.remove()
    })

    test('while 16 clients use it: each gets an end within seconds, and nothing is left', async (t) => {
      const store = await freshStore(kind)
      const gateways = await instances(store)
      const urls = gateways.map(({ url }) => url)
      const stays = await makeTenant(urls[0] as string)
      const tenant = await makeTenant(urls[0] as string, { eventDispatch: 'BOTH' })
      const outside = await OutsidePeer.connectTo(tenant)
      const ends: number[] = []
      const codes = new Set<string>()
      try {
        const link = await connect(tenant, stays)
        const at = (client: number) => tenant.client.at(urls[client % urls.length] as string)
        /** Asks until it is told that the tenant is gone. */
        const asking = async (client: number, query: string, variables?: object) => {
          for (;;) {
            const code = (await at(client).send(query, variables)).errors?.[0]?.extensions.code
            if (code) codes.add(code)
            if (code === 'UNAUTHENTICATED') return
          }
        }
        const shakingHands = async (client: ApiClient) => {
          for (;;) {
            try {
              const { message } = await invite({ ...tenant, client })
              await receive(stays, message)
            } catch (error) {
              if (String(error).includes('UNAUTHENTICATED')) return
            }
          }
        }
        const posting = async (client: number) => {
          for (let n = 0; ; n++) {
            const { status } = await outside.post(outside.message(`${client}.${n}`), at(client).url)
            codes.add(`${status}`)
            if (status === 404) return
          }
        }
        const send = `mutation($id: ID!) { sendBasicMessage(input: {connectionId: $id, content: "x"}) { message { id } } }`
        const taps = await Promise.all([0, 1, 2].map((client) => at(client).follow()))
        const clients = [
          ...[0, 1, 2].map((client) => asking(client, READ)),
          ...[0, 1, 2].map((client) => asking(client, INVITE)),
          asking(0, send, { id: link.inviter }),
          ...taps.map(async (tap) => assert.equal(await closeCodeOf(tap, 60_000), 4403)),
          ...[0, 1].map(async (client) => {
            const { errors } = await overSse(at(client)).send(FOLLOW, 6 * LONG_PATIENCE_MS)
            assert.equal(errors?.[0]?.extensions.code, 'UNAUTHENTICATED')
          }),
          ...[0, 1].map((client) => posting(client)),
          ...[0, 1].map((client) => shakingHands(at(client))),
        ]
        assert.equal(clients.length, 16)
        const ended = clients.map((client) => client.then(() => ends.push(performance.now())))
        await sleep(1000)
        const start = performance.now()
        await deleteTenant(urls[0] as string, tenant)
        const deleted = performance.now() - start
        await Promise.race([Promise.all(ended), sleep(20_000).then(() => assert.fail(`${ends.length} of 16 ended`))])
        const last = Math.max(...ends) - start
        t.diagnostic(`deleted after ${Math.round(deleted)} ms, the last client ended after ${Math.round(last)} ms`)
        t.diagnostic(`answers: ${[...codes].join(' ')}`)
      } finally {
        await outside.close()
        await Promise.all(gateways.map((gateway) => gateway.stop()))
      }
      await assertNothingLeft(store, [tenant], [stays])
      await store.remove()
    })
  })
}
