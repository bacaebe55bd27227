import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { CommitProxy, LOSSES, type Loss } from '../support/commit-proxy.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { createToken } from '../tokens/token-api.js'
import { exportTenant, importTenant } from './archives.js'
import { deleteTenant, stateAt } from './states.js'
import { makeUnmanaged, newWalletKey } from './unmanaged.js'

const INVITE = 'mutation { createInvitation(input: {}) { invitation { id } } }'
const INVITATIONS = '{ invitations(last: 100) { nodes { id } } }'
const MOVE = 'mutation($input: MoveWalletInput!) { moveWallet(input: $input) { token } }'
/** More than any of what is done here commits. */
const COMMITS_MAX = 30
/** Enough for a wallet that is not let go at once. */
const IN_A_ROW = 4

describe('where the connection breaks in a commit, and nobody hears whether it took place,', () => {
  let store: TestStore
  let proxy: CommitProxy
  let gateway: TestGateway
  let operator: ApiClient

  before(async () => {
    store = await freshStore('postgres')
    proxy = await CommitProxy.to(store.env['DATABASE_URL'] as string)
    gateway = await startGateway(store, { DATABASE_URL: proxy.url })
    operator = ApiClient.operator(gateway.url)
  })
  after(async () => {
    await gateway?.stop()
    await proxy?.close()
    await store?.remove()
  })

  /** Does something again and again, each time with the next of its commits lost. @returns how often one was */
  async function loseEach<T>(
    loss: Loss,
    work: (hit: number) => Promise<T>,
    check: (result: T) => Promise<void>,
    times = 1,
  ): Promise<number> {
    for (let hit = 0; hit < COMMITS_MAX; hit++) {
      proxy.lose(loss, hit, times)
      const result = await work(hit)
      const lost = proxy.stopLosing()
      await check(result)
      if (lost === 0) return hit
    }
    throw new Error('It never ends without a loss')
  }

  const invite = (client: ApiClient) =>
    eventually(async () => (await client.ask(INVITE)).createInvitation.invitation.id)

  /** It has all its invitations, and takes another. */
  async function assertWhole({ client }: TestTenant, invitations: string[]): Promise<void> {
    invitations.push(await invite(client))
    const { nodes } = (await client.ask(INVITATIONS)).invitations
    assert.deepEqual(
      nodes.map(({ id }: { id: string }) => id),
      invitations,
    )
  }

  for (const loss of LOSSES) {
    test(`a wallet that moves is whole, in its old place or the new one, where the ${loss} is lost`, async () => {
      const tenant = await makeTenant(gateway.url)
      const invitations = [await invite(tenant.client)]
      const move = (hit: number) => {
        const walletStorage = hit % 2 === 0 ? 'STORE' : 'PROFILE'
        return operator.send(MOVE, { input: { tenantId: tenant.id, keyMode: 'MANAGED', walletStorage } })
      }
      const losses = await loseEach(loss, move, () => assertWhole(tenant, invitations))
      assert.ok(losses > 3, `${losses} were lost`)
    })

    test(`a wallet is written again after its export where the ${loss} is lost, and those after it`, async () => {
      const tenant = await makeTenant(gateway.url)
      const invitations = [await invite(tenant.client)]
      const make = () => exportTenant(operator, { tenantId: tenant.id }).catch(() => {})
      // What the first one notes besides, the others need not.
      await make()
      const losses = await loseEach(loss, make, () => assertWhole(tenant, invitations), IN_A_ROW)
      assert.ok(losses > 2, `${losses} were lost`)
    })

    for (const keyMode of ['MANAGED', 'UNMANAGED']) {
      test(`an import leaves a ${keyMode} tenant with its wallet, or nothing, where the ${loss} is lost`, async () => {
        const tenant = await makeTenant(gateway.url)
        const invitations = [await invite(tenant.client)]
        const archive = await exportTenant(operator, { tenantId: tenant.id })
        await deleteTenant(gateway.url, tenant)
        const walletKey = keyMode === 'UNMANAGED' ? newWalletKey() : undefined
        const take = () => importTenant(operator, archive, { keyMode, walletKey }).catch(() => undefined)
        const losses = await loseEach(loss, take, async (answer) => {
          const found = await eventually(async () => ({ tenant: await stateAt(gateway.url, tenant) }))
          if (!found.tenant) return assert.equal(answer?.data, undefined)
          const token = await eventually(
            async () => (await createToken(operator, { tenantId: tenant.id, walletKey })).token,
          )
          await assertWhole({ ...tenant, client: new ApiClient(gateway.url, { token }) }, [...invitations])
          await deleteTenant(gateway.url, tenant, walletKey)
        })
        assert.ok(losses > 3, `${losses} were lost`)
      })
    }
  }

  test('an unmanaged wallet moves, and its token is answered, where the answer of that commit is lost', async () => {
    const tenant = await makeUnmanaged(gateway.url)
    const invitations = [await invite(tenant.client)]
    let { walletKey, client } = tenant
    let refused = 0
    let next = ''
    const move = () => {
      next = newWalletKey()
      const input = { tenantId: tenant.id, keyMode: 'UNMANAGED', walletKey, newWalletKey: next }
      return operator.send<{ moveWallet: { token: string } | null }>(MOVE, { input })
    }
    const losses = await loseEach('answer', move, async ({ data }) => {
      if (data?.moveWallet) {
        walletKey = next
        client = new ApiClient(gateway.url, { token: data.moveWallet.token })
      } else refused += 1
      // What was refused has not taken place: the token before holds.
      await assertWhole({ ...tenant, client }, invitations)
    })
    assert.ok(refused < losses, `${refused} of ${losses} were refused`)
  })
})
