import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient, connect, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { createToken, isHeld } from '../tokens/token-api.js'
import { makeUnmanaged, newWalletKey } from './unmanaged.js'

const ROTATE =
  'mutation($input: RotateWalletKeyInput!) { rotateWalletKey(input: $input) { token tenant { state keyMode walletStorage } } }'
const MOVE =
  'mutation($input: MoveWalletInput!) { moveWallet(input: $input) { token tenant { state keyMode walletStorage } } }'
const SEND = 'mutation($input: SendBasicMessageInput!) { sendBasicMessage(input: $input) { message { id } } }'

for (const kind of STORES) {
  describe(`moving wallets on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let operator: ApiClient
    let peer: TestTenant

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      operator = ApiClient.operator(gateway.url)
      peer = await makeTenant(gateway.url)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    /** The same tenant with another token. */
    const as = (tenant: TestTenant, token: string): TestTenant => ({
      ...tenant,
      client: new ApiClient(gateway.url, { token }),
    })

    /** Messages go both ways over a connection that was there before. */
    async function assertTalks(tenant: TestTenant, ids: { inviter: string; invitee: string }, word: string) {
      const [there, here] = await Promise.all([peer.client.follow(), tenant.client.follow()])
      try {
        await tenant.client.ask(SEND, { input: { connectionId: ids.inviter, content: `${word} out` } })
        await there.find((event) => event.message?.content === `${word} out`)
        await peer.client.ask(SEND, { input: { connectionId: ids.invitee, content: `${word} in` } })
        await here.find((event) => event.message?.content === `${word} in`)
      } finally {
        await Promise.all([there.close(), here.close()])
      }
    }

    test('a managed wallet becomes unmanaged, gets other keys, and comes back, its connections working', async () => {
      let tenant = await makeTenant(gateway.url)
      const ids = await connect(tenant, peer)
      await assertTalks(tenant, ids, 'first')

      const key = newWalletKey()
      const out = await operator.ask(MOVE, { input: { tenantId: tenant.id, keyMode: 'UNMANAGED', newWalletKey: key } })
      assert.deepEqual(out.moveWallet.tenant, { state: 'ACTIVE', keyMode: 'UNMANAGED', walletStorage: 'STORE' })
      assert.equal(await tenant.client.codeOf('{ connections { nodes { id } } }'), 'UNAUTHENTICATED')
      tenant = as(tenant, out.moveWallet.token)
      await assertTalks(tenant, ids, 'unmanaged')
      await tenant.client.ask('mutation { lockWallet { tenant { state } } }')
      await tenant.client.ask('mutation($key: String!) { unlockWallet(walletKey: $key) { tenant { state } } }', { key })

      const rotated = await tenant.client.ask(ROTATE, {
        input: { newWalletKey: 'a passphrase', newWalletKeyDerivation: 'ARGON2I_INT' },
      })
      const renewed = as(tenant, rotated.rotateWalletKey.token)
      assert.equal(await tenant.client.codeOf('{ viewer { role } }'), 'UNAUTHENTICATED')
      await assertTalks(renewed, ids, 'rotated')
      await renewed.client.ask('mutation { lockWallet { tenant { state } } }')
      const unlock = 'mutation($key: String!) { unlockWallet(walletKey: $key) { tenant { state } } }'
      assert.equal(await renewed.client.codeOf(unlock, { key }), 'BAD_USER_INPUT')
      await renewed.client.ask(unlock, { key: 'a passphrase' })

      const back = { tenantId: tenant.id, keyMode: 'MANAGED' }
      assert.equal(await operator.codeOf(MOVE, { input: back }), 'BAD_USER_INPUT')
      assert.equal(await operator.codeOf(MOVE, { input: { ...back, walletKey: key } }), 'BAD_USER_INPUT')
      const home = await operator.ask(MOVE, { input: { ...back, walletKey: 'a passphrase' } })
      assert.deepEqual(home.moveWallet, {
        token: null,
        tenant: { state: 'ACTIVE', keyMode: 'MANAGED', walletStorage: 'PROFILE' },
      })
      await assertTalks(renewed, ids, 'home')
      const { basicMessages } = await renewed.client.ask('{ basicMessages(first: 100) { nodes { content } } }')
      assert.deepEqual(
        basicMessages.nodes.map(({ content }: { content: string }) => content),
        ['first', 'unmanaged', 'rotated', 'home'].flatMap((word) => [`${word} out`, `${word} in`]),
      )
    })

    for (const walletStorage of ['PROFILE', 'STORE']) {
      test(`a managed ${walletStorage} gets a new key while it is written to; nothing is lost`, async () => {
        const tenant = await makeTenant(gateway.url, { walletStorage })
        const ids = await connect(tenant, peer)
        const sent: string[] = []
        let moving = true
        const writers = [1, 2, 3].map(async (writer) => {
          for (let n = 0; n < 33 && (moving || n < 5); n++) {
            const content = `${writer}-${n}`
            await tenant.client.ask(SEND, { input: { connectionId: ids.inviter, content } })
            sent.push(content)
          }
        })
        await sleep(100)
        for (let round = 0; round < 2; round++) {
          const { rotateWalletKey } = await operator.ask(ROTATE, { input: { tenantId: tenant.id } })
          assert.deepEqual(rotateWalletKey, {
            token: null,
            tenant: { state: 'ACTIVE', keyMode: 'MANAGED', walletStorage },
          })
        }
        moving = false
        await Promise.all(writers)
        const { basicMessages } = await tenant.client.ask('{ basicMessages(first: 100) { nodes { content } } }')
        const kept = basicMessages.nodes.map(({ content }: { content: string }) => content)
        assert.deepEqual(kept.toSorted(), sent.toSorted())
        const { events } = await tenant.client.ask('{ events(last: 100, topics: [BASIC_MESSAGE]) { nodes { id } } }')
        assert.equal(new Set(events.nodes.map(({ id }: { id: string }) => id)).size, events.nodes.length)
        assert.equal(events.nodes.length, sent.length)
      })
    }

    test('a tenant gets a token with every scope only for one that has them all', async () => {
      const managed = await makeTenant(gateway.url)
      const unmanaged = await makeUnmanaged(gateway.url)
      const refused: [TestTenant, string, Record<string, unknown>][] = [
        [managed, MOVE, { keyMode: 'UNMANAGED' }],
        [unmanaged, ROTATE, {}],
        [unmanaged, MOVE, { keyMode: 'UNMANAGED' }],
      ]
      for (const scopes of [['MANAGE'], ['READ', 'MANAGE']]) {
        for (const [{ client }, mutation, input] of refused) {
          const narrow = await createToken(client, { name: uniqueName('narrow'), scopes })
          const caller = new ApiClient(gateway.url, { token: narrow.token })
          assert.equal(
            await caller.codeOf(mutation, { input: { ...input, newWalletKey: newWalletKey() } }),
            'FORBIDDEN',
          )
          assert.deepEqual([await isHeld(caller), await isHeld(client)], [true, true])
        }
      }
      // Where no token is made, MANAGE is enough.
      const { token } = await createToken(managed.client, { name: 'manager', scopes: ['MANAGE'] })
      const { rotateWalletKey } = await new ApiClient(gateway.url, { token }).ask(ROTATE, { input: {} })
      assert.equal(rotateWalletKey.token, null)
      assert.equal(await isHeld(managed.client), true)
    })

    test('a profile takes no key of its own', async () => {
      const tenant = await makeTenant(gateway.url)
      const answer = await operator.send(ROTATE, { input: { tenantId: tenant.id, newWalletKey: newWalletKey() } })
      assert.deepEqual(answer.errors?.[0]?.extensions, { code: 'BAD_USER_INPUT', field: 'input.newWalletKey' })
    })
  })
}
