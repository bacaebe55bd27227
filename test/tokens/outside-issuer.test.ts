import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JWTPayload } from 'jose'
import { overSse } from '../security/transports.js'
import { ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, JWT_SECRET, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { TestIssuer } from './issuer.js'
import { closeCodeOf, isHeld } from './token-api.js'

const ALL = 'openid tenantry:read tenantry:write tenantry:manage'

for (const kind of STORES) {
  describe(`tokens of an outside issuer, on ${kind}`, () => {
    let issuer: TestIssuer
    let store: TestStore
    let gateway: TestGateway
    let operator: ApiClient
    let acme: TestTenant

    before(async () => {
      issuer = await TestIssuer.start()
      store = await freshStore(kind)
      gateway = await startGateway(store, {
        OIDC_ISSUER: issuer.url,
        OIDC_AUDIENCE: 'tenantry',
        FAILED_ATTEMPTS_MAX: '1000',
      })
      operator = ApiClient.operator(gateway.url)
      acme = await makeTenant(gateway.url)
    })
    after(async () => {
      await gateway?.stop()
      await issuer?.stop()
      await store?.remove()
    })

    const bearer = (token: string) => new ApiClient(gateway.url, { token })
    const callerWith = async (claims: JWTPayload, header?: Record<string, unknown>) =>
      bearer(await issuer.sign({ tenant: acme.id, scope: ALL, ...claims }, header))

    test('speak for the tenant that they name, by its id or by its name', async () => {
      for (const tenant of [acme.id, acme.name]) {
        const caller = await callerWith({ tenant })
        const { viewer } = await caller.ask('{ viewer { role tenant { id } token { id } } }')
        assert.deepEqual(viewer, { role: 'TENANT', tenant: { id: acme.id }, token: null })
      }
      const other = await makeTenant(gateway.url)
      const { viewer } = await (await callerWith({ tenant: other.name })).ask('{ viewer { tenant { id } } }')
      assert.equal(viewer.tenant.id, other.id)
      // A tenant that is called as another's id is not that other.
      const impostor = await makeTenant(gateway.url, { name: acme.id })
      const named = await (await callerWith({ tenant: acme.id })).ask('{ viewer { tenant { id } } }')
      assert.notEqual(named.viewer.tenant.id, impostor.id)
    })

    test('allow what their scopes say, and nothing without', async () => {
      const read = '{ connections { nodes { id } } }'
      const write = 'mutation { createInvitation(input: {}) { invitation { id } } }'
      const manage = 'mutation { createTenantToken(input: {name: "made outside", scopes: [READ]}) { token } }'
      const cases: [unknown, (string | undefined)[]][] = [
        [ALL, [undefined, undefined, undefined]],
        ['tenantry:read', [undefined, 'FORBIDDEN', 'FORBIDDEN']],
        [
          ['tenantry:write', 'other'],
          ['FORBIDDEN', undefined, 'FORBIDDEN'],
        ],
        ['openid read tenantry:everything tenantry:', ['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']],
        [undefined, ['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']],
        [{ 'tenantry:read': true }, ['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']],
      ]
      for (const [scope, expected] of cases) {
        const caller = await callerWith({ scope })
        const codes = []
        for (const operation of [read, write, manage]) {
          codes.push((await caller.send(operation)).errors?.[0]?.extensions.code)
        }
        assert.deepEqual(codes, expected, JSON.stringify(scope))
        assert.equal(await isHeld(caller), true)
      }
    })

    test('are refused when anything is wrong with them, all in one way', async () => {
      const now = Math.floor(Date.now() / 1000)
      const gone = await makeTenant(gateway.url)
      await operator.ask('mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }', {
        id: gone.id,
      })
      const right = await issuer.sign({ tenant: acme.id, scope: ALL })
      const [header, claims, signature] = right.split('.') as [string, string, string]
      const headerOf = (fields: object) => Buffer.from(JSON.stringify(fields)).toString('base64url')
      const stranger = await TestIssuer.start()
      const unbound = headerOf({ alg: 'HS256', kid: 'first' })
      const wrong: Record<string, ApiClient> = {
        'alg none': bearer(`${headerOf({ alg: 'none' })}.${claims}.`),
        'alg none with a signature': bearer(`${headerOf({ alg: 'none', kid: 'first' })}.${claims}.${signature}`),
        'HS256 by the public key': bearer(hmacBy(JSON.stringify(issuer.keys[0]), `${unbound}.${claims}`)),
        'HS256 by its modulus': bearer(
          hmacBy(Buffer.from(issuer.keys[0]?.n as string, 'base64url'), `${unbound}.${claims}`),
        ),
        "HS256 by the gateway's secret": bearer(hmacBy(JWT_SECRET, `${unbound}.${claims}`)),
        'a changed claim': bearer(
          `${header}.${Buffer.from(JSON.stringify({ iss: issuer.url, tenant: acme.id, exp: now + 9 })).toString('base64url')}.${signature}`,
        ),
        "a stranger's key": bearer(await stranger.sign({ iss: issuer.url, tenant: acme.id })),
        'a key nobody knows': await callerWith({}, { kid: 'unknown' }),
        'another audience': await callerWith({ aud: 'other' }),
        'no audience': await callerWith({ aud: undefined }),
        'another issuer': await callerWith({ iss: `${issuer.url}/` }),
        'no issuer': await callerWith({ iss: undefined }),
        'its end is past': await callerWith({ exp: now - 1 }),
        'no end': await callerWith({ exp: undefined }),
        'not yet': await callerWith({ nbf: now + 120 }),
        'no subject': await callerWith({ sub: undefined }),
        'bound to a key': await callerWith({ cnf: { jkt: 'x' } }),
        'no tenant': await callerWith({ tenant: undefined }),
        'an unknown tenant': await callerWith({ tenant: '00000000-0000-4000-8000-000000000000' }),
        'an empty tenant': await callerWith({ tenant: '' }),
        'several tenants': await callerWith({ tenant: [acme.id] }),
        'a deleted tenant': await callerWith({ tenant: gone.id }),
        'a deleted tenant by name': await callerWith({ tenant: gone.name }),
      }
      await stranger.stop()
      const answers = new Set<string>()
      for (const [what, caller] of Object.entries(wrong)) {
        assert.equal(await isHeld(caller), false, what)
        answers.add(JSON.stringify(await caller.send('{ viewer { role } }')))
      }
      assert.equal(answers.size, 1)
      assert.equal(await isHeld(bearer(right)), true)
    })

    test('end the streams that they opened when they end', async () => {
      const exp = Math.floor(Date.now() / 1000) + 3
      const caller = await callerWith({ exp })
      const tap = await caller.follow()
      const overEvents = overSse(caller).send({ query: 'subscription { events { id } }', variables: {} }, 10_000)
      assert.equal(await closeCodeOf(tap), 4403)
      assert.ok(Date.now() / 1000 >= exp)
      assert.equal((await overEvents).errors?.[0]?.extensions.code, 'UNAUTHENTICATED')
      assert.equal(await isHeld(caller), false)
    })

    test('end with their tenant', async () => {
      const doomed = await makeTenant(gateway.url)
      const caller = await callerWith({ tenant: doomed.name })
      const tap = await caller.follow()
      await operator.ask('mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }', {
        id: doomed.id,
      })
      assert.equal(await closeCodeOf(tap), 4403)
      assert.equal(await isHeld(caller), false)
    })

    test('open nothing of a suspended tenant, and end what is open', async () => {
      const stopped = await makeTenant(gateway.url)
      const caller = await callerWith({ tenant: stopped.id })
      const tap = await caller.follow()
      const change = (name: string) =>
        operator.ask(`mutation($id: ID!) { ${name}(tenantId: $id) { tenant { state } } }`, { id: stopped.id })
      await change('suspendTenant')
      assert.equal(await closeCodeOf(tap), 4403)
      assert.equal(await caller.codeOf('{ connections { nodes { id } } }'), 'TENANT_SUSPENDED')
      await change('resumeTenant')
      await caller.ask('{ connections { nodes { id } } }')
    })

    test('of a key that is new are known soon, and of keys that are none do not make it ask each time', async () => {
      const asked = issuer.keyRequests
      const begun = Date.now()
      await issuer.takeNewKey('next')
      const caller = await callerWith({})
      const unknown = await callerWith({}, { kid: 'unknown' })
      await eventually(async () => {
        assert.equal(await isHeld(unknown), false)
        return isHeld(caller)
      }, 10_000)
      assert.ok(issuer.keyRequests - asked <= 1 + (Date.now() - begun) / 5000)
    })
  })
}

describe('an outside issuer that cannot be reached', () => {
  test('is no reason to call a token wrong, nor to be asked for each', async () => {
    const issuer = await TestIssuer.start()
    const store = await freshStore('sqlite')
    const gateway = await startGateway(store, {
      OIDC_ISSUER: issuer.url,
      OIDC_AUDIENCE: 'tenantry',
      OIDC_JWKS_URL: `${issuer.url}/keys`,
      OIDC_TENANT_CLAIM: 'https://example.org/tenant',
      OIDC_SCOPE_CLAIM: 'permissions',
    })
    try {
      issuer.isDown = true
      const acme = await makeTenant(gateway.url)
      const token = await issuer.sign({ 'https://example.org/tenant': acme.id, permissions: ['tenantry:read'] })
      const caller = new ApiClient(gateway.url, { token })
      for (let count = 0; count < 5; count++) {
        assert.equal(await caller.codeOf('{ viewer { role } }'), 'INTERNAL_SERVER_ERROR')
      }
      assert.equal(issuer.refused, 1)
      // The gateway's own tokens do not need it.
      assert.equal(await isHeld(acme.client), true)
      issuer.isDown = false
      await sleep(5100)
      assert.deepEqual((await caller.ask('{ connections { nodes { id } } }')).connections.nodes, [])
    } finally {
      await gateway.stop()
      await issuer.stop()
      await store.remove()
    }
  })
})

const hmacBy = (secret: string | Buffer, text: string) =>
  `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
