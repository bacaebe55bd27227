import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, LONG_PATIENCE_MS, overSse, TRANSPORTS } from '../security/transports.js'
import { ApiClient, connect, type GraphError, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { eventually, say } from '../support/talk.js'
import { createToken } from '../tokens/token-api.js'
import {
  at,
  contents,
  type Derivation,
  isLocked,
  lock,
  makeUnmanaged,
  NEEDS_WALLET,
  newWalletKey,
  UNLOCK,
  type UnmanagedTenant,
  unlock,
  wallet,
} from './unmanaged.js'

const DELETE = 'mutation($input: DeleteTenantInput!) { deleteTenant(input: $input) { deletedTenantId } }'
const LOCKED = { code: 'TENANT_LOCKED' }
const EVENTS = { query: 'subscription { events { id } }', variables: {} }

for (const kind of STORES) {
  describe(`unmanaged wallets on ${kind}`, () => {
    let store: TestStore
    let env: Record<string, string>
    let gateway: TestGateway
    let operator: ApiClient
    let peer: TestTenant
    let acme: UnmanagedTenant

    before(async () => {
      store = await freshStore(kind)
      // Peers know the port: it is the same after a restart.
      env = { PORT: `${await freePort()}` }
      await start()
      peer = await makeTenant(gateway.url)
      acme = await makeUnmanaged(gateway.url)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    async function start(): Promise<void> {
      gateway = await startGateway(store, env)
      operator = ApiClient.operator(gateway.url)
    }

    test('by a raw key or a passphrase: connect, talk, are locked by a restart, and opened by their tokens', async () => {
      const made = await Promise.all(
        (['RAW', 'ARGON2I_MOD', 'ARGON2I_INT'] as Derivation[]).map(async (walletKeyDerivation) => {
          const walletKey = walletKeyDerivation === 'RAW' ? newWalletKey() : `a passphrase, ${walletKeyDerivation} ✓`
          const tenant = await makeUnmanaged(gateway.url, { walletKey, walletKeyDerivation })
          return { tenant, link: await connect(tenant, peer) }
        }),
      )
      for (const { tenant, link } of made) {
        await say(peer.client, link.invitee, 'before')
        await contents(tenant.client, 1)
      }
      await gateway.stop()
      await start()
      for (const { tenant, link } of made) {
        const { client } = tenant
        assert.deepEqual(await wallet(client), { state: 'LOCKED', queuedMessages: 0 })
        await say(peer.client, link.invitee, 'while it is locked')
        await eventually(async () => (await wallet(client)).queuedMessages === 1)
        assert.equal(await isLocked(client), true, 'viewer has not opened it')
        assert.deepEqual(await contents(client, 2), ['before', 'while it is locked'])
        await eventually(async () => (await wallet(client)).queuedMessages === 0)
        await say(client, link.inviter, 'back')
        // A passphrase opens it again by name, too.
        assert.equal(await lock(tenant), 'LOCKED')
        assert.equal(await unlock(tenant), 'ACTIVE')
      }
      // Of many requests that come at once one opens it, and it is told once.
      await gateway.stop()
      await start()
      await Promise.all(Array.from({ length: 30 }, () => acme.client.ask(NEEDS_WALLET)))
      const { events } = await acme.client.ask(
        '{ events(last: 2, topics: [TENANT]) { nodes { ... on TenantEvent { change } } } }',
      )
      assert.deepEqual(events.nodes, [{ change: 'LOCKED' }, { change: 'UNLOCKED' }])
    })

    test('locked by name: refused on every transport and stream, to every token, until they are unlocked', async () => {
      const { token } = await createToken(acme.client, { name: 'another', scopes: ['READ'] })
      const tap = await acme.client.follow()
      const streaming = overSse(acme.client).send(EVENTS, LONG_PATIENCE_MS)
      await sleep(100)
      assert.equal(await lock(acme), 'LOCKED')
      const ended = (await tap.until(() => tap.ended)) as GraphError[]
      assert.deepEqual(ended[0]?.extensions, LOCKED)
      await tap.close()
      const locked = await eventually(async () => (await streaming).errors ?? (await streaming))
      assert.ok(locked, 'the other stream has ended')

      const message = 'The wallet is locked. Unlock it with its key and try again.'
      for (const client of [acme.client, new ApiClient(gateway.url, { token })]) {
        for (const [name, transport] of Object.entries(TRANSPORTS)) {
          const line = transport(client)
          const refused = await line.send({ query: NEEDS_WALLET, variables: {} })
          const [error] = refused.errors ?? []
          assert.deepEqual(
            [error?.message, error?.path, error?.extensions, refused.data],
            [message, ['connections'], LOCKED, null],
            name,
          )
          if (name !== 'HTTP') assert.equal(codeOf(await line.send(EVENTS, LONG_PATIENCE_MS)), 'TENANT_LOCKED', name)
          const told = await line.send({ query: '{ viewer { tenant { state } } }', variables: {} })
          assert.deepEqual(told.data, { viewer: { tenant: { state: 'LOCKED' } } })
          await line.close()
        }
      }
      assert.equal(await unlock(acme), 'ACTIVE')
      await acme.client.ask(NEEDS_WALLET)
    })

    test('a wrong key is one error, whatever is wrong with it, and as slow, whether the wallet is open or locked', async () => {
      const other = await makeUnmanaged(gateway.url, { walletKey: 'right', walletKeyDerivation: 'ARGON2I_INT' })
      const wrong = { code: 'BAD_USER_INPUT', field: 'walletKey' }
      const attempt = async (tenant: TestTenant, key: string) => {
        const begun = performance.now()
        const { data, errors } = await tenant.client.send(UNLOCK, { key })
        const [error] = errors ?? []
        assert.deepEqual([data, error?.message, error?.extensions], [null, 'This key does not open the wallet.', wrong])
        return performance.now() - begun
      }
      const keys = ['', 'x', 'Ü\u0000', 'a'.repeat(5000), newWalletKey(), acme.walletKey.slice(1)]
      for (const key of keys) await attempt(acme, key)
      for (const key of ['', 'wrong']) await attempt(other, key)
      const timed = async () => {
        const times: number[] = []
        for (let n = 0; n < 15; n++) times.push(await attempt(acme, newWalletKey()))
        return times.sort((a, b) => a - b)[7] as number
      }
      const open = await timed()
      await lock(acme)
      await lock(other)
      for (const key of keys) await attempt(acme, key)
      for (const key of ['', 'wrong']) await attempt(other, key)
      const locked = await timed()
      const ratio = Math.max(open, locked) / Math.min(open, locked)
      assert.ok(ratio < 3, `open ${open} ms, locked ${locked} ms`)
      assert.equal(await isLocked(acme.client), true)
      assert.equal(await unlock(acme), 'ACTIVE')
      assert.equal(await unlock(other), 'ACTIVE')
    })

    test('the operator needs the key to make a token or to delete; the token it makes carries it', async () => {
      const tenant = await makeUnmanaged(gateway.url)
      const wrong = { code: 'BAD_USER_INPUT', field: 'input.walletKey' }
      const make = 'mutation($input: CreateTenantTokenInput!) { createTenantToken(input: $input) { token } }'
      for (const locked of [false, true]) {
        if (locked) await lock(tenant)
        for (const query of [make, DELETE]) {
          for (const walletKey of [undefined, 'none', newWalletKey()]) {
            const { errors } = await operator.send(query, { input: { tenantId: tenant.id, walletKey } })
            assert.deepEqual(errors?.[0]?.extensions, wrong)
          }
        }
      }
      const input = { tenantId: tenant.id, walletKey: tenant.walletKey }
      const { token } = await createToken(operator, { ...input, name: 'by the operator' })
      // What was locked by name stays so, also for a token that has the key.
      const client = new ApiClient(gateway.url, { token })
      assert.equal(await client.codeOf(NEEDS_WALLET), 'TENANT_LOCKED')
      await unlock(tenant)
      const own = await createToken(client, { name: 'by the tenant' })
      await new ApiClient(gateway.url, { token: own.token }).ask(NEEDS_WALLET)
      assert.equal((await operator.ask(DELETE, { input })).deleteTenant.deletedTenantId, tenant.id)
      assert.equal(await client.codeOf('{ viewer { role } }'), 'UNAUTHENTICATED')
    })

    test('a managed wallet is never locked', async () => {
      for (const query of ['mutation { lockWallet { tenant { state } } }', UNLOCK]) {
        assert.equal(await peer.client.codeOf(query, query === UNLOCK ? { key: newWalletKey() } : {}), 'CONFLICT')
      }
    })

    test('idle time locks a wallet again, counted from the last request or message; its streams end', async () => {
      const tenant = await makeUnmanaged(gateway.url, { settings: { idleTimeout: 5 } })
      const link = await connect(tenant, peer)
      const tap = await tenant.client.follow()
      const begun = Date.now()
      // It stays open beyond its idle time while messages come, and then while requests do.
      for (let n = 0; n < 2; n++) {
        await sleep(3000)
        await say(peer.client, link.invitee, `message ${n}`)
        await tap.find(({ message }) => message?.content === `message ${n}`)
      }
      await sleep(3000)
      await tenant.client.ask(NEEDS_WALLET)
      const used = Date.now()
      const ended = (await tap.until(() => tap.ended, 15_000)) as GraphError[]
      const idleMs = Date.now() - used
      await tap.close()
      assert.deepEqual(ended[0]?.extensions, LOCKED)
      assert.ok(used - begun > 9000 && idleMs >= 4900 && idleMs < 9000, `locked after ${idleMs} ms`)
      await eventually(() => isLocked(tenant.client))
      await tenant.client.ask(NEEDS_WALLET)
      assert.equal(await isLocked(tenant.client), false)
    })

    if (kind === 'postgres') {
      test('lockWallet holds on every instance at once, and unlockWallet opens for all', async () => {
        const other = await startGateway(store)
        try {
          const there = at(acme, other.url)
          await Promise.all([acme.client.ask(NEEDS_WALLET), there.client.ask(NEEDS_WALLET)])
          const taps = [await acme.client.follow(), await there.client.follow()]
          await lock(acme)
          for (const tap of taps) {
            const ended = (await tap.until(() => tap.ended, 2000)) as GraphError[]
            assert.deepEqual(ended[0]?.extensions, LOCKED)
            await tap.close()
          }
          for (const { client } of [acme, there]) {
            assert.equal(await client.codeOf(NEEDS_WALLET), 'TENANT_LOCKED')
            assert.equal(await isLocked(client), true)
          }
          assert.equal(await unlock(there), 'ACTIVE')
          await eventually(async () => (await acme.client.send(NEEDS_WALLET)).errors === undefined, 2000)
          await there.client.ask(NEEDS_WALLET)
        } finally {
          await other.stop()
        }
      })

      test('it is ACTIVE while one instance has it open, LOCKED once the last has closed it, or was taken for dead', async () => {
        const store = await freshStore(kind)
        const [one, two] = [await startGateway(store), await startGateway(store)]
        try {
          const tenant = await makeUnmanaged(one.url)
          const there = at(tenant, two.url)
          await there.client.ask(NEEDS_WALLET)
          two.process.kill('SIGSTOP')
          assert.equal(await isLocked(tenant.client), false)
          await one.stop()
          const three = await startGateway(store)
          try {
            await eventually(() => isLocked(at(tenant, three.url).client), 40_000)
            // It has the wallet open still, and finds out that it is locked.
            two.process.kill('SIGCONT')
            await eventually(async () => {
              await there.client.ask(NEEDS_WALLET)
              return !(await isLocked(there.client))
            }, 10_000)
            await three.stop()
            assert.equal(await isLocked(there.client), false)
          } finally {
            await three.stop()
          }
        } finally {
          two.process.kill('SIGCONT')
          await Promise.all([one.stop(), two.stop()])
          await store.remove()
        }
      })
    }
  })
}
