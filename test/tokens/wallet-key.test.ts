import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT } from 'jose'
import { base58Decode, base58Encode } from '../../src/lib/base58.js'
import { ApiClient, uniqueName } from '../support/client.js'
import { freshStore, JWT_SECRET, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { TestIssuer } from './issuer.js'
import { createToken, isHeld } from './token-api.js'

const WALLET = '{ connections { nodes { id } } }'
const CREATE = 'mutation($input: CreateTenantInput!) { createTenant(input: $input) { token tenant { id state } } }'
const NEXT_SECRET = 'the-next-secret-of-at-least-32-bytes-01'

for (const kind of STORES) {
  describe(`the key of a wallet in its tokens, on ${kind}`, () => {
    const walletKey = base58Encode(randomBytes(32))
    const input = {
      name: uniqueName('own'),
      keyMode: 'UNMANAGED',
      walletStorage: 'STORE',
      walletKey,
      idempotencyKey: 'k',
    }
    let issuer: TestIssuer
    let store: TestStore
    let gateway: TestGateway
    let tenantId: string
    let token: string
    let log = ''

    before(async () => {
      issuer = await TestIssuer.start()
      store = await freshStore(kind)
      Object.assign(store.env, { OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: 'tenantry' })
      gateway = await startGateway(store)
      const { createTenant } = await ApiClient.operator(gateway.url).ask(CREATE, { input })
      token = createTenant.token
      tenantId = createTenant.tenant.id
    })
    after(async () => {
      await gateway?.stop()
      await issuer?.stop()
      await store?.remove()
    })

    const bearer = (jwt: string) => new ApiClient(gateway.url, { token: jwt })
    const codeOf = async (jwt: string) => (await bearer(jwt).send(WALLET)).errors?.[0]?.extensions.code
    /** What only the gateway could sign, so that nothing but the seal is left to refuse it. */
    const signed = (claims: JWTPayload) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(new TextEncoder().encode(JWT_SECRET))

    test('cannot be read there, and is the same each time that the token is made', async () => {
      const { wallet_key: sealed, ...claims } = decodeJwt(token)
      assert.deepEqual(Object.keys(claims).sort(), ['exp', 'iat', 'jti', 'sub'])
      assert.deepEqual(decodeProtectedHeader(sealed as string), { alg: 'dir', enc: 'A256GCM' })
      const texts = [token, JSON.stringify(decodeJwt(token)), ...(sealed as string).split('.')]
      const bytes = texts.map((text) => Buffer.concat([Buffer.from(text), Buffer.from(text, 'base64url')]))
      for (const secret of [Buffer.from(walletKey), Buffer.from(base58Decode(walletKey))]) {
        assert.ok(bytes.every((found) => !found.includes(secret)))
      }
      const { createTenant } = await ApiClient.operator(gateway.url).ask(CREATE, { input })
      assert.equal(createTenant.token, token)
    })

    test('opens the wallet from its own token after a restart, and from no other', async () => {
      const made = await createToken(ApiClient.operator(gateway.url), { tenantId, name: 'other', walletKey })
      await restart()
      const own = decodeJwt(token)
      const { wallet_key: foreign } = decodeJwt(made.token)
      assert.notEqual(own['wallet_key'], foreign)
      for (const wallet_key of [foreign, undefined, 'a.b.c.d.e', 1]) {
        const jwt = await signed({ ...own, wallet_key })
        assert.equal(await isHeld(bearer(jwt)), true)
        assert.equal(await codeOf(jwt), 'TENANT_LOCKED')
      }
      assert.equal(await codeOf(made.token), undefined)
    })

    test('is in a token that the tenant made of one that has it, and opens by a secret that no longer signs', async () => {
      const { token: made } = await createToken(bearer(token), { name: 'made by itself', scopes: ['READ'] })
      await restart({ JWT_SECRET: `${NEXT_SECRET},${JWT_SECRET}` })
      assert.equal(await codeOf(made), undefined)
    })

    test('is gone with its secret, and in no outside token: the wallet stays locked until it is given', async () => {
      await restart({ JWT_SECRET: NEXT_SECRET })
      assert.equal(await codeOf(token), 'UNAUTHENTICATED')
      const outside = await issuer.sign({ tenant: tenantId, scope: 'tenantry:read tenantry:write tenantry:manage' })
      assert.equal(await codeOf(outside), 'TENANT_LOCKED')
      const make = 'mutation { createTenantToken(input: {name: "outside"}) { token } }'
      assert.equal(await bearer(outside).codeOf(make), 'BAD_USER_INPUT')
      const unlock = 'mutation($key: String!) { unlockWallet(walletKey: $key) { tenant { state } } }'
      const { unlockWallet } = await bearer(outside).ask(unlock, { key: walletKey })
      assert.equal(unlockWallet.tenant.state, 'ACTIVE')
      assert.equal(await codeOf(outside), undefined)
    })

    test('is not in the log', () => {
      assert.equal((log + gateway.log()).includes(walletKey), false)
    })

    async function restart(env: Record<string, string> = {}): Promise<void> {
      await gateway.stop()
      log += gateway.log()
      gateway = await startGateway(store, env)
    }
  })
}
