import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { base58Encode } from '../../src/lib/base58.js'
import { codeOf, LONG_PATIENCE_MS, overSse, overWs } from '../security/transports.js'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { Front } from '../support/front.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { assertToldIsTrue, readAll } from '../support/ledger.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { eventually, say } from '../support/talk.js'
import { closeCodeOf, createToken, isHeld, REVOKE_TOKEN } from '../tokens/token-api.js'
import { resume, stateAt, suspend } from './states.js'

const FOLLOW = { query: 'subscription { events(topics: [PING]) { id } }', variables: {} }
const STATE = '{ viewer { role tenant { state queuedMessages } } }'
const INVITE = 'mutation { createInvitation(input: {}) { invitation { id } } }'
const LOCK = 'mutation { lockWallet { tenant { state } } }'
const UNLOCK = 'mutation($key: String!) { unlockWallet(walletKey: $key) { tenant { state } } }'

/** How long what is open elsewhere may take to end (ms); 100 ms on a machine that does nothing else. */
const AT_ONCE_MS = 1000

const contentsOf = async (client: ApiClient): Promise<string[]> =>
  (await readAll(client, 'basicMessages')).map(({ content }) => content)

const byNumber = (one: string, other: string) => Number(one.split(' ')[1]) - Number(other.split(' ')[1])

for (const kind of STORES) {
  describe(`a suspended tenant on ${kind}`, () => {
    let store: TestStore
    let peerStore: TestStore
    let here: TestGateway
    /** Another instance, where the store can have two. */
    let there: TestGateway
    let front: Front
    let peerGateway: TestGateway
    let peer: TestTenant

    before(async () => {
      store = await freshStore(kind)
      here = await startGateway(store)
      there = kind === 'postgres' ? await startGateway(store) : here
      front = await Front.open()
      peerStore = await freshStore('sqlite')
      peerGateway = await startGateway(peerStore, { PUBLIC_URL: front.url, LOCAL_DELIVERY: 'off' })
      front.target = `http://127.0.0.1:${/"port":(\d+)/.exec(peerGateway.log())?.[1]}`
      peer = await makeTenant(front.target)
    })
    after(async () => {
      await Promise.all([here?.stop(), there?.stop(), peerGateway?.stop()])
      await front?.down()
      await Promise.all([store?.remove(), peerStore?.remove()])
    })
    beforeEach(() => {
      front.mode = 'pass'
      front.decide = undefined
    })

    test('is refused at once on every instance and transport, and what is open ends; only viewer answers', async (t) => {
      const tenant = await makeTenant(here.url)
      const extra = await createToken(ApiClient.operator(here.url), { tenantId: tenant.id, name: 'extra' })
      for (const { url } of new Set([here, there])) {
        const client = tenant.client.at(url)
        const [tap, sse] = [await client.follow(), overSse(client).send(FOLLOW, LONG_PATIENCE_MS)]
        await sleep(200)
        assert.equal(await suspend(here.url, tenant), 'SUSPENDED')
        const start = performance.now()
        while ((await client.send(INVITE)).errors?.[0]?.extensions.code !== 'TENANT_SUSPENDED') {}
        const refused = performance.now() - start
        assert.equal(await closeCodeOf(tap), 4403)
        assert.equal(codeOf(await sse), 'TENANT_SUSPENDED')
        const ended = performance.now() - start
        t.diagnostic(`refused after ${Math.round(refused)} ms, all ended after ${Math.round(ended)} ms`)
        assert.ok(ended < AT_ONCE_MS, `${refused}, ${ended}`)

        assert.equal(await client.codeOf('{ connections { nodes { id } } }'), 'TENANT_SUSPENDED')
        assert.equal(await client.codeOf('{ events { nodes { id } } }'), 'TENANT_SUSPENDED')
        assert.equal(await client.codeOf('mutation { createTenantToken(input: {}) { token } }'), 'TENANT_SUSPENDED')
        const remove = 'mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }'
        assert.equal(await client.codeOf(remove, { id: tenant.id }), 'TENANT_SUSPENDED')
        assert.deepEqual((await client.ask(STATE)).viewer.tenant, { state: 'SUSPENDED', queuedMessages: 0 })
        const socket = overWs(client)
        assert.equal((await socket.send({ query: STATE, variables: {} })).closed, 4403)
        await socket.close()
        assert.equal(codeOf(await overSse(client).send(FOLLOW, LONG_PATIENCE_MS)), 'TENANT_SUSPENDED')

        assert.equal(await resume(there.url, tenant), 'ACTIVE')
        await eventually(async () => (await client.ask(INVITE)).createInvitation)
        await (await client.follow()).close()
      }
      await suspend(here.url, tenant)
      const other = new ApiClient(there.url, { token: extra.token })
      assert.equal(await isHeld(other), true)
      await ApiClient.operator(here.url).ask(REVOKE_TOKEN, { tenantId: tenant.id, tokenId: extra.info.id })
      await eventually(async () => !(await isHeld(other)))
    })

    test('sends nothing from any instance, and goes on in order when it is resumed', async () => {
      const tenant = await makeTenant(here.url)
      const link = await connect(tenant, peer)
      const contents = Array.from({ length: 6 }, (_, index) => `kept ${index}`)
      front.mode = { status: 503 }
      for (const content of contents) await say(tenant.client, link.inviter, content)
      await eventually(async () => front.requests.length > 0)
      await suspend(there.url, tenant)
      await sleep(AT_ONCE_MS)
      front.mode = 'pass'
      front.requests.length = 0
      await sleep(2500)
      assert.equal(front.requests.length, 0, 'something left while the tenant was suspended')
      await resume(there.url, tenant)
      await eventually(async () => (await contentsOf(peer.client)).includes('kept 5'))
      assert.deepEqual(
        (await contentsOf(peer.client)).filter((content) => contents.includes(content)),
        contents,
      )
    })

    test('keeps what comes for it within its limits, and handles it in order when it is resumed', async () => {
      const outside = await OutsidePeer.connectTo(await makeTenant(here.url, { policy: { queueMaxMessages: 5 } }))
      const { tenant } = outside
      try {
        await suspend(here.url, tenant)
        const envelopes = Array.from({ length: 6 }, (_, index) => outside.message(`sealed ${index}`))
        const statuses = []
        for (const envelope of envelopes.slice(0, 5)) statuses.push((await outside.post(envelope)).status)
        statuses.push((await outside.post(envelopes[0] as Buffer)).status)
        assert.deepEqual(statuses, [202, 202, 202, 202, 202, 202])
        const full = await outside.post(envelopes[5] as Buffer)
        assert.equal(full.status, 429)
        assert.ok(Number(full.headers.get('retry-after')) > 0)
        assert.deepEqual(await stateAt(there.url, tenant), { state: 'SUSPENDED', queuedMessages: 5 })
        await resume(there.url, tenant)
        await eventually(async () => (await stateAt(here.url, tenant))?.queuedMessages === 0)
        assert.equal((await outside.post(envelopes[5] as Buffer)).status, 200)
        const contents = Array.from({ length: 6 }, (_, index) => `sealed ${index}`)
        assert.deepEqual(await contentsOf(tenant.client), contents)
        await assertToldIsTrue(tenant.client)
      } finally {
        await outside.close()
      }
    })

    test('stops in the midst of handling what has waited, and goes on where it stopped', async () => {
      const outside = await OutsidePeer.connectTo(await makeTenant(here.url))
      const { tenant } = outside
      try {
        await suspend(here.url, tenant)
        const contents = Array.from({ length: 120 }, (_, index) => `drained ${index}`)
        for (const content of contents) assert.equal((await outside.post(outside.message(content))).status, 202)
        let stops = 0
        for (let round = 0; round < 20 && stops < 2; round++) {
          await resume(here.url, tenant)
          await sleep(20 * round)
          await suspend(there.url, tenant)
          await sleep(AT_ONCE_MS / 5)
          const left = (await stateAt(here.url, tenant))?.queuedMessages ?? 0
          if (left === 0) break
          if (left < contents.length) stops += 1
          await sleep(AT_ONCE_MS / 5)
          assert.equal((await stateAt(here.url, tenant))?.queuedMessages, left)
        }
        assert.ok(stops > 0, 'it was never stopped in the midst')
        await resume(there.url, tenant)
        await eventually(async () => (await stateAt(here.url, tenant))?.queuedMessages === 0)
        assert.deepEqual(await contentsOf(tenant.client), contents)
        await assertToldIsTrue(tenant.client)
      } finally {
        await outside.close()
      }
    })

    test('suspended and resumed again and again under traffic: nothing is lost, and nothing comes twice', async () => {
      const outside = await OutsidePeer.connectTo(await makeTenant(here.url))
      const { tenant } = outside
      const link = await connect(tenant, peer)
      const urls = [here.url, there.url]
      let going = true
      try {
        const taken: string[] = []
        const post = async (index: number) => {
          const envelope = outside.message(`in ${index}`)
          for (;;) {
            const at = Object.assign(Object.create(outside), {
              tenant: { ...tenant, client: tenant.client.at(urls[index % 2] as string) },
            }) as OutsidePeer
            const { status } = await at.post(envelope)
            if (status === 200 || status === 202) return void taken.push(`in ${index}`)
            assert.equal(status, 503)
          }
        }
        const accepted: string[] = []
        const inbound = (async () => {
          for (let index = 0; going; index++) await post(index)
        })()
        const outbound = (async () => {
          for (let index = 0; going; index++) {
            const client = tenant.client.at(urls[index % 2] as string)
            const query = `mutation($connectionId: ID!, $content: String!) {
            sendBasicMessage(input: {connectionId: $connectionId, content: $content}) { message { id } } }`
            const { errors } = await client.send(query, { connectionId: link.inviter, content: `out ${index}` })
            if (errors) assert.equal(errors[0]?.extensions.code, 'TENANT_SUSPENDED')
            else accepted.push(`out ${index}`)
          }
        })()
        const following = (async () => {
          while (going)
            await tenant.client
              .at(urls[Math.floor(Math.random() * 2)] as string)
              .follow()
              .then((tap) => tap.close())
        })()
        for (let round = 0; round < 30; round++) {
          await suspend(urls[round % 2] as string, tenant)
          await sleep(Math.random() * 60)
          await resume(urls[Math.floor(Math.random() * 2)] as string, tenant)
          await sleep(Math.random() * 100)
        }
        going = false
        await Promise.all([inbound, outbound, following])
        assert.ok(taken.length > 5 && accepted.length > 5, `${taken.length} in, ${accepted.length} out`)
        await eventually(async () => (await stateAt(here.url, tenant))?.queuedMessages === 0)
        const own = await contentsOf(tenant.client)
        const came = own.filter((content) => content.startsWith('in '))
        // Where two take them, which of them was first is known to neither.
        if (kind === 'postgres') came.sort(byNumber)
        assert.deepEqual(came, taken)
        await eventually(async () => (await contentsOf(peer.client)).includes(accepted.at(-1) as string), 40_000)
        assert.deepEqual(
          (await contentsOf(peer.client)).filter((content) => content.startsWith('out ')),
          accepted,
        )
        await assertToldIsTrue(tenant.client)
      } finally {
        going = false
        await outside.close()
      }
    })

    test('with an unmanaged wallet: locked it stays locked, open it goes on', async () => {
      const walletKey = base58Encode(randomBytes(32))
      const outside = await OutsidePeer.connectTo(await makeTenant(here.url, { keyMode: 'UNMANAGED', walletKey }))
      const { tenant } = outside
      const waits = async (content: string) => assert.equal((await outside.post(outside.message(content))).status, 202)
      try {
        await suspend(there.url, tenant)
        await waits('while open')
        await resume(there.url, tenant)
        await eventually(async () => (await stateAt(here.url, tenant))?.queuedMessages === 0)
        assert.deepEqual(await contentsOf(tenant.client), ['while open'])

        await tenant.client.ask(LOCK)
        await waits('while locked')
        await suspend(there.url, tenant)
        await waits('while suspended too')
        await eventually(async () => (await tenant.client.codeOf(UNLOCK, { key: walletKey })) === 'TENANT_SUSPENDED')
        await resume(there.url, tenant)
        await eventually(async () => (await stateAt(here.url, tenant))?.state === 'LOCKED')
        assert.equal((await stateAt(here.url, tenant))?.queuedMessages, 2)
        await waits('while locked again')
        await eventually(async () => (await tenant.client.ask(UNLOCK, { key: walletKey })).unlockWallet)
        await eventually(async () => (await stateAt(here.url, tenant))?.queuedMessages === 0)
        const contents = ['while open', 'while locked', 'while suspended too', 'while locked again']
        assert.deepEqual(await contentsOf(tenant.client), contents)
      } finally {
        await outside.close()
      }
    })
  })

  test(`kill -9 as a tenant is resumed: what waited goes on by itself after the start, on ${kind}`, async () => {
    const store = await freshStore(kind)
    const env = { INSTANCE_ID: 'the-only-one' }
    let gateway = await startGateway(store, env)
    const outside = await OutsidePeer.connectTo(await makeTenant(gateway.url))
    try {
      const { tenant } = outside
      const at = () =>
        Object.assign(Object.create(outside), { tenant: { ...tenant, client: tenant.client.at(gateway.url) } })
      const contents: string[] = []
      for (let round = 0; round < 2; round++) {
        await suspend(gateway.url, tenant)
        for (let index = 0; index < 5; index++) {
          contents.push(`${round}.${index}`)
          assert.equal((await at().post(outside.message(contents.at(-1) as string))).status, 202)
        }
        // Whatever was noted of the tenant's work before is done with.
        await gateway.stop()
        gateway = await startGateway(store, env)
        await resume(gateway.url, tenant)
        await gateway.kill()
        gateway = await startGateway(store, env)
        await eventually(async () => (await stateAt(gateway.url, tenant))?.queuedMessages === 0)
        assert.deepEqual(await contentsOf(tenant.client.at(gateway.url)), contents)
      }
    } finally {
      await outside.close()
      await gateway.stop()
      await store.remove()
    }
  })
}
