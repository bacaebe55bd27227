import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient, makeOperatorKey, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, OPERATOR_KEY, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { forge, unsigned } from './forged-tokens.js'
import { introspect, operationOf, type RootField, rootFieldsOf } from './root-fields.js'
import { codeOf, type Line, LONG_PATIENCE_MS, type Outcome, TRANSPORTS } from './transports.js'

type Credentials = ApiClient['credentials']
type Who = { role: 'operator' | 'tenant'; scopes: string[] } | { role: 'nobody' | 'refused' | 'off' }

/** What the scopes of an operator key allow: each contains those before it. */
const OPERATOR_SCOPES = ['READ', 'TENANTS', 'ALL']
const allows = (scopes: string[], needed: string) =>
  scopes.some((scope) => OPERATOR_SCOPES.indexOf(scope) >= OPERATOR_SCOPES.indexOf(needed))

/** Who may use a root field, and with which scope, read from the beginning of its description. */
function audienceOf({ kind, field }: RootField): { anyone: boolean; operator?: string; scope?: string } {
  const text = (field.description?.match(/\((anyone|operator|tenant)\b[^)]*\)/g) ?? []).join(' ')
  const scope = /\bMANAGE\b/.test(text) ? 'MANAGE' : kind === 'mutation' ? 'WRITE' : 'READ'
  const operator = /\boperator with ALL\b/.test(text) ? 'ALL' : kind === 'mutation' ? 'TENANTS' : 'READ'
  return {
    anyone: /\banyone\b/.test(text),
    ...(/\boperator\b/.test(text) ? { operator } : {}),
    ...(/\btenant\b/.test(text) ? { scope } : {}),
  }
}

/** The code that the contract has for it; undefined where the caller is let in. */
function expectedCode(who: Who, root: RootField): string | undefined {
  const { anyone, operator, scope } = audienceOf(root)
  if (who.role === 'refused') return 'UNAUTHENTICATED'
  if (anyone) return undefined
  if (who.role === 'nobody') return 'UNAUTHENTICATED'
  if (who.role === 'off') return operator ? 'FORBIDDEN' : 'UNAUTHENTICATED'
  if (who.role === 'operator') return operator && allows(who.scopes, operator) ? undefined : 'FORBIDDEN'
  return who.role === 'tenant' && scope && who.scopes.includes(scope) ? undefined : 'FORBIDDEN'
}

/** Names are to be free, and what a new token allows is not what is asked here. */
function fill(path: string): unknown {
  if (path === 'input.name') return uniqueName('access')
  if (path === 'input.scopes') return []
  if (path === 'input.tenantId' || path === 'tenantId') return '00000000-0000-4000-8000-000000000000'
  return undefined
}

function isRight(outcome: Outcome, who: Who, root: RootField, transport: string): boolean {
  if (who.role === 'refused' && transport === 'graphql-ws') return outcome.closed === 4403
  if (who.role === 'refused' && transport === 'SSE' && outcome.status !== 401) return false
  const expected = expectedCode(who, root)
  const code = codeOf(outcome)
  if (code === 'INTERNAL_SERVER_ERROR' || outcome.closed !== undefined) return false
  return expected === undefined ? !isRefusal(code) : code === expected
}

const isRefusal = (code: string | undefined) => code === 'UNAUTHENTICATED' || code === 'FORBIDDEN'

describe('access', () => {
  let store: TestStore
  let gateway: TestGateway
  let acme: TestTenant
  let roots: RootField[]
  const callers: Record<string, { credentials: Credentials; who: Who }> = {}

  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
    roots = rootFieldsOf(await introspect(ApiClient.operator(gateway.url)))
    acme = await makeTenant(gateway.url)
    Object.assign(callers, await makeCallers(gateway.url, acme))
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  test('every root field says who may use it', () => {
    for (const root of roots) {
      const { anyone, operator, scope } = audienceOf(root)
      assert.ok(anyone || operator || scope, root.name)
    }
  })

  for (const [name, transport] of Object.entries(TRANSPORTS)) {
    test(`is the same for every root field and caller over ${name}`, async () => {
      const wrong: string[] = []
      for (const [caller, { credentials, who }] of Object.entries(callers)) {
        const line = transport(new ApiClient(gateway.url, credentials))
        wrong.push(...(await deviations(line, caller, who, name)))
        await line.close()
      }
      assert.deepEqual(wrong, [])
    })
  }

  test('is told with 401 to who knows what that means, and with 200 to others', async () => {
    const statusFor = async (accept: string) => {
      const { status } = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept, authorization: 'Bearer a.b.c' },
        body: '{"query":"{ viewer { role } }"}',
      })
      return status
    }
    assert.equal(await statusFor('application/graphql-response+json'), 401)
    assert.equal(await statusFor('application/json'), 200)
  })

  test('is asked for with one message, whatever is wrong with the credentials', async () => {
    const refused = Object.values(callers).filter(({ who }) => who.role === 'refused')
    const answers = await Promise.all(
      refused.map(({ credentials }) => new ApiClient(gateway.url, credentials).send('{ viewer { role } }')),
    )
    for (const answer of answers) assert.deepEqual(answer, answers[0])
  })

  test('cannot be widened by a token that makes tokens', async () => {
    const manager = new ApiClient(gateway.url, callers['tenant with MANAGE']?.credentials)
    for (const scopes of [undefined, null, ['READ'], ['MANAGE', 'WRITE']]) {
      const mutation = 'mutation($input: CreateTenantTokenInput!) { createTenantToken(input: $input) { token } }'
      assert.equal(await manager.codeOf(mutation, { input: { name: uniqueName('wide'), scopes } }), 'FORBIDDEN')
    }
  })

  test('of a key that lacks a scope is refused with the scope that it lacks', async () => {
    const reader = new ApiClient(gateway.url, callers['operator with READ']?.credentials)
    const { errors } = await reader.send('mutation { suspendTenant(tenantId: "x") { tenant { id } } }')
    assert.equal(errors?.[0]?.message, 'This key lacks the scope TENANTS.')
  })

  test('of a tenant to itself leaves what is the operator’s to the operator', async () => {
    const mutation = 'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { label } } }'
    const changes = [{ groupId: 'x' }, { groupId: null }, { eventDispatch: 'BASE' }, { policy: {} }]
    for (const change of changes) {
      assert.equal(await acme.client.codeOf(mutation, { input: { tenantId: acme.id, ...change } }), 'FORBIDDEN')
    }
    const { updateTenant } = await acme.client.ask(mutation, { input: { tenantId: acme.id, label: 'Acme' } })
    assert.equal(updateTenant.tenant.label, 'Acme')
  })

  test('is not granted by an operator key where ADMIN_API is off', async () => {
    await gateway.stop()
    gateway = await startGateway(store, { ADMIN_API: 'off' })
    const cases: Record<string, { credentials: Credentials; who: Who }> = {
      'operator at an instance without': { credentials: { apiKey: OPERATOR_KEY }, who: { role: 'off' } },
      'both at an instance without': {
        credentials: { apiKey: OPERATOR_KEY, ...acme.client.credentials },
        who: { role: 'tenant', scopes: ['READ', 'WRITE', 'MANAGE'] },
      },
    }
    const wrong: string[] = []
    for (const [name, transport] of Object.entries(TRANSPORTS)) {
      for (const [caller, { credentials, who }] of Object.entries(cases)) {
        const line = transport(new ApiClient(gateway.url, credentials))
        wrong.push(...(await deviations(line, caller, who, name)))
        await line.close()
      }
    }
    assert.deepEqual(wrong, [])
    const { viewer } = await ApiClient.operator(gateway.url).ask('{ viewer { role tenant { id } } }')
    assert.deepEqual(viewer, { role: 'ANONYMOUS', tenant: null })
  })

  /** What a caller is answered otherwise than it should be. */
  async function deviations(line: Line, caller: string, who: Who, transport: string): Promise<string[]> {
    // Credentials are refused before the operation is looked at: one operation of each kind stands for all.
    const kinds = new Set(['query', 'mutation', 'subscription'])
    const asked = who.role === 'refused' ? roots.filter(({ kind }) => kinds.delete(kind)) : roots
    const served = asked.filter(({ kind }) => transport !== 'HTTP' || kind !== 'subscription')
    const found = served.map(async (root) => {
      const patienceMs = expectedCode(who, root) === undefined ? undefined : LONG_PATIENCE_MS
      const outcome = await line.send(operationOf(root, fill), patienceMs)
      return isRight(outcome, who, root, transport) ? [] : [`${caller}: ${root.name}: ${JSON.stringify(outcome)}`]
    })
    return (await Promise.all(found)).flat()
  }
})

async function makeCallers(url: string, tenant: TestTenant) {
  const operator = ApiClient.operator(url)
  const tokenOf = async (scopes: string[]) => {
    const { createTenantToken } = await operator.ask(
      'mutation($input: CreateTenantTokenInput!) { createTenantToken(input: $input) { token info { id } } }',
      { input: { tenantId: tenant.id, name: uniqueName('token'), scopes } },
    )
    return createTenantToken as { token: string; info: { id: string } }
  }
  const full = tenant.client.credentials.token as string
  const revoked = await tokenOf(['READ', 'WRITE', 'MANAGE'])
  await operator.ask(
    'mutation($tenantId: ID!, $tokenId: ID!) { revokeTenantToken(tenantId: $tenantId, tokenId: $tokenId) { revokedTokenId } }',
    { tenantId: tenant.id, tokenId: revoked.info.id },
  )
  const gone = await makeTenant(url)
  await operator.ask('mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }', { id: gone.id })
  const scoped = async (...scopes: string[]) => ({
    credentials: { token: (await tokenOf(scopes)).token },
    who: { role: 'tenant' as const, scopes },
  })
  const refused = (credentials: Credentials) => ({ credentials, who: { role: 'refused' as const } })
  const all = { role: 'tenant' as const, scopes: ['READ', 'WRITE', 'MANAGE'] }
  const keyed = async (...scopes: string[]) => ({
    credentials: { apiKey: (await makeOperatorKey(url, scopes)).key },
    who: { role: 'operator' as const, scopes },
  })
  const revokedKey = await makeOperatorKey(url, ['ALL'])
  await operator.ask('mutation($id: ID!) { revokeOperatorKey(keyId: $id) { revokedKeyId } }', { id: revokedKey.id })
  const expiredKey = await makeOperatorKey(url, ['ALL'], 1)
  await sleep(2000)
  return {
    nobody: { credentials: {}, who: { role: 'nobody' as const } },
    operator: { credentials: { apiKey: OPERATOR_KEY }, who: { role: 'operator' as const, scopes: ['ALL'] } },
    'operator with READ': await keyed('READ'),
    'operator with TENANTS': await keyed('TENANTS'),
    'operator with ALL': await keyed('READ', 'ALL'),
    tenant: { credentials: { token: full }, who: all },
    'tenant with READ': await scoped('READ'),
    'tenant with WRITE': await scoped('WRITE'),
    'tenant with MANAGE': await scoped('MANAGE'),
    'both credentials': { credentials: { apiKey: OPERATOR_KEY, token: full }, who: all },
    'wrong key': refused({ apiKey: `${OPERATOR_KEY}x` }),
    'key in part': refused({ apiKey: OPERATOR_KEY.slice(0, -1) }),
    'revoked key': refused({ apiKey: revokedKey.key }),
    'expired key': refused({ apiKey: expiredKey.key }),
    'garbage token': refused({ token: 'garbage' }),
    'token in three parts of garbage': refused({ token: 'a.b.c' }),
    'expired token': refused({ token: await forge(full, { expiresAt: Math.floor(Date.now() / 1000) - 1 }) }),
    'token of another gateway': refused({
      token: await forge(full, { secret: 'the-secret-of-another-gateway-0123456789' }),
    }),
    'unsigned token': refused({ token: unsigned(full) }),
    'revoked token': refused({ token: revoked.token }),
    'token of a deleted tenant': refused({ token: gone.client.credentials.token }),
    'wrong key beside a token': refused({ apiKey: `${OPERATOR_KEY}x`, token: full }),
    'garbage token beside a key': refused({ apiKey: OPERATOR_KEY, token: 'garbage' }),
  }
}
