import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import { ApiClient, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, JWT_SECRET, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { resume, suspend } from '../tenancy/states.js'
import { CREATE_TOKEN, closeCodeOf, createToken, isHeld, REVOKE_TOKEN, tokenIdOf } from './token-api.js'

const TOKENS = 'viewer { token { id name scopes } tenant { tokens { id name scopes lastUsedAt } } }'
const UPDATE = 'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }'
const HOUR_S = 3600

for (const kind of STORES) {
  describe(`tokens, on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let operator: ApiClient
    let acme: TestTenant

    before(async () => {
      store = await freshStore(kind)
      Object.assign(store.env, { TOKEN_TTL: '1h', TOKEN_TTL_MAX: '1d' })
      gateway = await startGateway(store)
      operator = ApiClient.operator(gateway.url)
      acme = await makeTenant(gateway.url)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    const bearer = (token: string) => new ApiClient(gateway.url, { token })
    const refusalOf = async (caller: ApiClient, input: object) =>
      (await caller.send(CREATE_TOKEN, { input })).errors?.[0]?.extensions

    test('a tenant has one primary token: a new one ends the old one at once, and its streams', async () => {
      const tenant = await makeTenant(gateway.url)
      const named = await createToken(operator, { tenantId: tenant.id, name: 'beside' })
      const tap = await tenant.client.follow()
      const { token, info } = await createToken(operator, { tenantId: tenant.id })
      assert.equal(info.name, null)
      assert.equal(await isHeld(tenant.client), false)
      assert.equal(await closeCodeOf(tap), 4403)
      assert.equal(await isHeld(bearer(named.token)), true)
      const { viewer } = await bearer(token).ask(`{ ${TOKENS} }`)
      assert.deepEqual(viewer.token, { id: info.id, name: null, scopes: ['READ', 'WRITE', 'MANAGE'] })
      const names = viewer.tenant.tokens.map(({ name }: { name: string | null }) => name)
      assert.deepEqual(names.sort(), ['beside', null].sort())
    })

    test('a name is given once, and free again when its token has ended', async () => {
      const input = { tenantId: acme.id, name: uniqueName('named') }
      const { token, info } = await createToken(operator, input)
      assert.deepEqual(await refusalOf(operator, input), { code: 'CONFLICT', field: 'input.name' })
      await operator.ask(REVOKE_TOKEN, { tenantId: acme.id, tokenId: info.id })
      assert.equal(await isHeld(bearer(token)), false)
      const short = await createToken(operator, { ...input, expiresIn: 1 })
      await eventually(async () => Date.parse(short.info.expiresAt as string) < Date.now())
      await createToken(operator, input)
    })

    test('a token lives as long as is asked for, at most as long as is allowed', async () => {
      const lifeOf = async (expiresIn?: number) => {
        const { token } = await createToken(operator, { tenantId: acme.id, name: uniqueName('life'), expiresIn })
        const { iat = 0, exp = 0 } = decodeJwt(token)
        return exp - iat
      }
      assert.equal(await lifeOf(), HOUR_S)
      assert.equal(await lifeOf(24 * HOUR_S), 24 * HOUR_S)
      for (const expiresIn of [24 * HOUR_S + 1, 0, -1, null]) {
        for (const caller of [operator, acme.client]) {
          const refusal = await refusalOf(caller, { tenantId: acme.id, name: uniqueName('long'), expiresIn })
          assert.deepEqual(refusal, { code: 'BAD_USER_INPUT', field: 'input.expiresIn' })
        }
      }
    })

    test('a token that ends closes its streams and is refused', async () => {
      const { token, info } = await createToken(operator, {
        tenantId: acme.id,
        name: uniqueName('short'),
        expiresIn: 2,
      })
      const tap = await bearer(token).follow()
      assert.equal(await closeCodeOf(tap), 4403)
      assert.ok(Date.now() >= Date.parse(info.expiresAt as string))
      assert.equal(await isHeld(bearer(token)), false)
    })

    test('a tenant with MANAGE makes and revokes its own, within its scopes and in its own name only', async () => {
      const { token } = await createToken(operator, {
        tenantId: acme.id,
        name: uniqueName('manager'),
        scopes: ['MANAGE', 'READ'],
      })
      const manager = bearer(token)
      const made = await createToken(manager, { name: uniqueName('reader'), scopes: ['READ'], expiresIn: 60 })
      assert.deepEqual(made.info.scopes, ['READ'])
      const reader = bearer(made.token)
      await reader.ask('{ connections { nodes { id } } }')
      assert.equal(await reader.codeOf('mutation { createInvitation(input: {}) { invitation { id } } }'), 'FORBIDDEN')
      assert.equal(await reader.codeOf(REVOKE_TOKEN, { tokenId: made.info.id }), 'FORBIDDEN')
      for (const scopes of [['WRITE'], ['READ', 'WRITE'], null]) {
        assert.equal((await refusalOf(manager, { name: uniqueName('wide'), scopes }))?.code, 'FORBIDDEN')
      }
      assert.equal((await refusalOf(manager, { name: uniqueName('none'), scopes: [] }))?.code, 'BAD_USER_INPUT')

      // Another's is answered like none at all.
      const other = await makeTenant(gateway.url)
      const foreign = tokenIdOf(other.client.credentials.token as string)
      assert.equal((await refusalOf(manager, { tenantId: other.id, scopes: ['READ'] }))?.code, 'NOT_FOUND')
      assert.equal(await manager.codeOf(REVOKE_TOKEN, { tokenId: foreign }), 'NOT_FOUND')
      assert.equal(await manager.codeOf(REVOKE_TOKEN, { tenantId: other.id, tokenId: foreign }), 'NOT_FOUND')
      assert.equal(await isHeld(other.client), true)

      await manager.ask(REVOKE_TOKEN, { tokenId: made.info.id })
      assert.equal(await isHeld(reader), false)
      await manager.ask(REVOKE_TOKEN, { tokenId: tokenIdOf(token) })
      assert.equal(await isHeld(manager), false)
    })

    test('a tenant sees its tokens in whatever state it is, by a token of whatever scopes', async () => {
      const tenant = await makeTenant(gateway.url)
      const { token } = await createToken(tenant.client, { name: 'manager', scopes: ['MANAGE'] })
      const seen = () => bearer(token).ask('{ viewer { tenant { state tokens { name } } } }')
      const tokens = [{ name: null }, { name: 'manager' }]
      assert.deepEqual((await seen()).viewer.tenant, { state: 'ACTIVE', tokens })
      await suspend(gateway.url, tenant)
      assert.deepEqual((await seen()).viewer.tenant, { state: 'SUSPENDED', tokens })
    })

    // One store does: what is counted is in the tenant's record in either.
    if (kind === 'sqlite')
      test('a tenant has at most 1,000 of them at once', async () => {
        const tenant = await makeTenant(gateway.url)
        const make = (name: string, expiresIn?: number) => createToken(tenant.client, { name, expiresIn })
        await make('short', 1)
        for (let first = 0; first < 998; first += 500) {
          await Promise.all(Array.from({ length: Math.min(500, 998 - first) }, (_, index) => make(`${first + index}`)))
        }
        // One that has ended does not count.
        const { info } = await eventually(() => make('last').catch(() => undefined))
        assert.equal((await refusalOf(tenant.client, { name: 'beyond' }))?.code, 'QUOTA_EXCEEDED')
        await tenant.client.ask(REVOKE_TOKEN, { tokenId: info.id })
        await make('again')
        const { token } = await createToken(tenant.client, {})
        assert.equal(await isHeld(bearer(token)), true)
      })

    test('a token made again by the same idempotency key is the same', async () => {
      const input = { name: uniqueName('again'), idempotencyKey: uniqueName('key') }
      const create = async () =>
        (
          await operator.ask('mutation($input: CreateTenantInput!) { createTenant(input: $input) { token } }', {
            input,
          })
        ).createTenant.token
      const token = await create()
      assert.equal(await create(), token)
    })

    test('when a token was last used is told, and not forgotten by a restart', async () => {
      const { token, info } = await createToken(operator, { tenantId: acme.id, name: uniqueName('used') })
      assert.equal(info.lastUsedAt, null)
      const lastUse = async () => {
        const { tenant } = await operator.ask('query($id: ID!) { tenant(id: $id) { tokens { id lastUsedAt } } }', {
          id: acme.id,
        })
        return tenant.tokens.find(({ id }: { id: string }) => id === info.id).lastUsedAt
      }
      assert.equal(await lastUse(), null)
      const begun = Math.floor(Date.now() / 1000) * 1000
      await bearer(token).ask('{ viewer { role } }')
      const used = await lastUse()
      assert.ok(Date.parse(used) >= begun && Date.parse(used) <= Date.now())
      await restart()
      assert.equal(await lastUse(), used)
    })

    test('the token that a tenant was made with is held after a restart, whatever was changed of the tenant first', async () => {
      const tenants = await Promise.all(Array.from({ length: 4 }, () => makeTenant(gateway.url)))
      const [, renamed, resumed, given] = tenants as [TestTenant, TestTenant, TestTenant, TestTenant]
      await operator.ask(UPDATE, { input: { tenantId: renamed.id, label: 'another' } })
      // What changes nothing tells of nothing.
      await resume(gateway.url, resumed)
      const { token } = await createToken(operator, { tenantId: given.id, name: 'second' })
      await restart()
      for (const { client } of tenants) assert.equal(await isHeld(client.at(gateway.url)), true)
      assert.equal(await isHeld(bearer(token)), true)
    })

    test('the secret can be changed without a gap: the first signs, all verify, one that is gone does not', async () => {
      const next = 'the-next-secret-of-at-least-32-bytes-01'
      const old = acme.client.credentials.token as string
      await restart({ JWT_SECRET: `${next},${JWT_SECRET}` })
      assert.equal(await isHeld(bearer(old)), true)
      const { token } = await createToken(operator, { tenantId: acme.id, name: uniqueName('next') })
      assert.equal(await isHeld(bearer(token)), true)
      await restart({ JWT_SECRET: next })
      assert.equal(await isHeld(bearer(old)), false)
      assert.equal(await isHeld(bearer(token)), true)
    })

    async function restart(env: Record<string, string> = {}): Promise<void> {
      await gateway.stop()
      gateway = await startGateway(store, env)
      operator = ApiClient.operator(gateway.url)
    }
  })
}
