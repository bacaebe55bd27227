import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { base58Encode } from '../../src/lib/base58.js'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'

const newKey = () => base58Encode(randomBytes(32))

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

      const key = newKey()
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

    test('a profile takes no key of its own', async () => {
      const tenant = await makeTenant(gateway.url)
      const answer = await operator.send(ROTATE, { input: { tenantId: tenant.id, newWalletKey: newKey() } })
      assert.deepEqual(answer.errors?.[0]?.extensions, { code: 'BAD_USER_INPUT', field: 'input.newWalletKey' })
    })
  })
}
