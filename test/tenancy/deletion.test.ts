import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { base58Encode } from '../../src/lib/base58.js'
import { CREATE, createDid, urlOf } from '../dids/did-api.js'
import { LONG_PATIENCE_MS, overSse } from '../security/transports.js'
import { type ApiClient, connect, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { eventually, invite, receive, say } from '../support/talk.js'
import { closeCodeOf, createToken } from '../tokens/token-api.js'
import { assertNothingLeft } from './raw.js'
import { deleteTenant, stateAt, suspend } from './states.js'

const INVITE = 'mutation { createInvitation(input: {}) { invitation { id } } }'
const READ = '{ connections { nodes { id } } }'
const FOLLOW = { query: 'subscription { events(topics: [PING]) { id } }', variables: {} }

const ASK = `mutation($input: RequestProofInput!) { requestProof(input: $input) { proofExchange { threadId } } }`
const EXCHANGES = `query($threadId: ID!) {
  proofExchanges(filter: {threadId: $threadId}) { nodes { id state errorMessage } } }`
const SLOW_DELETES = `
  CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN OLD; END';
  CREATE TRIGGER slow BEFORE DELETE ON items FOR EACH ROW EXECUTE FUNCTION slowly()`

/** When, after a deletion is asked for, the gateway is killed. */
const KILL_AFTER_MS = [5, 25, 50, 15]

async function instances(store: TestStore): Promise<TestGateway[]> {
  const gateways: TestGateway[] = []
  try {
    for (let left = store.kind === 'postgres' ? 2 : 1; left > 0; left--) gateways.push(await startGateway(store))
    return gateways
  } catch (error) {
    await Promise.all(gateways.map((gateway) => gateway.kill()))
    throw error
  }
}

async function onDatabase({ env }: TestStore, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: env['DATABASE_URL'] })
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

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
          const policy = { requestsPerMinute: 10_000, mutationsPerMinute: 10_000, inboundPerMinute: 10_000 }
          const input = { ...wallet, walletKey, policy, eventDispatch: 'BOTH', idempotencyKey: uniqueName('once') }
          const tenant = await makeTenant(here.url, input)
          gone.push(tenant)
          const outside = await OutsidePeer.connectTo(tenant)
          const link = await connect(tenant, stays)
          await say(tenant.client, link.inviter, 'arrives')
          await createToken(tenant.client, { name: 'extra' })
          const hosted = [await createDid(tenant.client, 'web'), await createDid(tenant.client, 'webvh')]
          const files = hosted.map(({ did }, index) => urlOf(did, ['did.json', 'did.jsonl'][index] as string))
          for (const file of files) assert.equal((await fetch(file)).status, 200)
          await outside.close()
          const { connections } = await tenant.client.ask(READ)
          for (const { id } of connections.nodes) await say(tenant.client, id, 'waits in the outbox')
          const later = outside.message('comes later')
          await suspend(here.url, tenant)
          assert.equal((await outside.post(outside.message('waits sealed'))).status, 202)

          await deleteTenant(there.url, tenant, walletKey)
          assert.equal(await stateAt(there.url, tenant), null)
          for (const file of files) assert.equal((await fetch(file)).status, 404)
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
      let gateway = await startGateway(store, env)
      try {
        for (const [round, ms] of KILL_AFTER_MS.entries()) {
          const walletStorage = round % 2 === 0 ? 'PROFILE' : 'STORE'
          const tenant = await makeTenant(gateway.url, { walletStorage, eventDispatch: 'BASE' })
          gone.push(tenant)
          for (let made = 0; made < 5; made++) await tenant.client.ask(INVITE)
          const deleting = deleteTenant(gateway.url, tenant).catch(() => {})
          await sleep(ms)
          await gateway.kill()
          await deleting
          // The last is left to the other instance.
          const isLast = round === KILL_AFTER_MS.length - 1
          if (!other || !isLast) gateway = await startGateway(store, env)
          const { url } = other && isLast ? other : gateway
          const finished = async () => {
            const found = await stateAt(url, tenant)
            assert.ok(found === null || found.state === 'ACTIVE' || found.state === 'DELETING')
            return found?.state !== 'DELETING' && { found }
          }
          const { found } = await eventually(finished, 60_000)
          if (found) await deleteTenant(url, tenant)
        }
      } finally {
        await gateway.stop()
        await other?.stop()
      }
      // What was noted by the one that was killed last goes with its next start.
      if (other) await (await startGateway(store, env)).stop()
      await assertNothingLeft(store, gone, [])
      await store.remove()
    })

    if (kind === 'postgres')
      test('is told to its peers, though a kill comes before it is', async () => {
        const [store, other] = [await freshStore(kind), await freshStore('sqlite')]
        const env = { INSTANCE_ID: 'mortal' }
        const peers = await startGateway(other)
        let gateway = await startGateway(store, env)
        try {
          const [tenant, peer] = [await makeTenant(gateway.url), await makeTenant(peers.url)]
          const link = await connect(tenant, peer)
          const request = { requested_attributes: { who: { name: 'name' } } }
          const input = { connectionId: link.inviter, name: 'Entry', request }
          const { threadId } = (await tenant.client.ask(ASK, { input })).requestProof.proofExchange
          const exchange = async () => (await peer.client.ask(EXCHANGES, { threadId })).proofExchanges.nodes[0]
          await eventually(async () => (await exchange())?.state === 'REQUEST_RECEIVED')
          // What has begun is stopped at the first thing that it takes away.
          await onDatabase(store, SLOW_DELETES)
          const deleting = deleteTenant(gateway.url, tenant).catch(() => {})
          await eventually(async () => (await stateAt(gateway.url, tenant))?.state === 'DELETING')
          await gateway.kill()
          await deleting
          await onDatabase(store, 'DROP TRIGGER slow ON items')
          assert.equal((await exchange()).state, 'REQUEST_RECEIVED')
          gateway = await startGateway(store, env)
          await eventually(async () => (await stateAt(gateway.url, tenant)) === null)
          const { errorMessage } = await eventually(async () => {
            const found = await exchange()
            return found.state === 'ABANDONED' && found
          })
          assert.match(errorMessage, /no longer there/)
          await gateway.stop()
          await assertNothingLeft(store, [tenant], [])
        } finally {
          await Promise.all([gateway.stop(), peers.stop()])
          await Promise.all([store.remove(), other.remove()])
        }
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
          ...[0, 1].map((client) => asking(client, INVITE)),
          asking(1, CREATE, { method: 'web' }),
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
        const patience = sleep(20_000, undefined, { ref: false })
        await Promise.race([Promise.all(ended), patience.then(() => assert.fail(`${ends.length} of 16 ended`))])
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
