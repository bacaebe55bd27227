import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient, makeOperatorKey, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'

const LOG = `query($first: Int, $after: String, $last: Int, $before: String, $filter: AuditFilter) {
  auditLog(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    nodes { id at action tenantId actor { role id } origin details } pageInfo { endCursor startCursor hasNextPage } } }`
const UPDATE = 'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }'
const TOKEN = 'mutation($input: CreateTenantTokenInput!) { createTenantToken(input: $input) { token info { id } } }'
const REVOKE =
  'mutation($tenantId: ID, $tokenId: ID!) { revokeTenantToken(tenantId: $tenantId, tokenId: $tokenId) { revokedTokenId } }'
const DELETE = 'mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }'

interface Entry {
  id: string
  at: string
  action: string
  tenantId: string | null
  actor: { role: string; id: string | null }
  origin: string | null
  details: Record<string, unknown>
}

for (const kind of STORES) {
  describe(`the audit log on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let operator: ApiClient
    let acme: TestTenant

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      operator = ApiClient.operator(gateway.url)
      acme = await makeTenant(gateway.url, { label: 'Label of Acme' })
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    async function restart(env: Record<string, string> = {}): Promise<void> {
      await gateway.stop()
      gateway = await startGateway(store, env)
      operator = ApiClient.operator(gateway.url)
      acme = { ...acme, client: acme.client.at(gateway.url) }
    }

    const page = async (client: ApiClient, variables: object) => (await client.ask(LOG, variables)).auditLog
    const entries = async (client: ApiClient, filter: object): Promise<Entry[]> =>
      (await page(client, { first: 100, filter })).nodes
    const actionsOf = (found: Entry[]) => found.map(({ action }) => action)

    /** The origin that is told of a change whose request had the header X-Forwarded-For. */
    async function originBehind(forwarded: string): Promise<string> {
      await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': forwarded, ...operator.headers },
        body: JSON.stringify({ query: UPDATE, variables: { input: { tenantId: acme.id, label: uniqueName('x') } } }),
      })
      return (await page(operator, { last: 1, filter: { tenantId: acme.id } })).nodes[0].origin
    }

    test('tells who did what to a tenant, and from where, in order and without content', async () => {
      const secret = uniqueName('secret-label')
      await operator.ask(UPDATE, { input: { tenantId: acme.id, label: secret, groupId: secret } })
      await acme.client.ask(UPDATE, { input: { tenantId: acme.id, imageUrl: `https://example.org/${secret}` } })
      const { createTenantToken } = await operator.ask(TOKEN, { input: { tenantId: acme.id, name: secret } })
      const own = (await acme.client.ask('{ viewer { token { id } } }')).viewer.token.id
      const made = createTenantToken.info.id
      await acme.client.ask(REVOKE, { tokenId: made })
      const found = await entries(operator, { tenantId: acme.id })
      const scopes = ['READ', 'WRITE', 'MANAGE']
      const byOperator = { role: 'OPERATOR', id: 'config-1' }
      const byTenant = { role: 'TENANT', id: own }
      assert.deepEqual(
        found.map(({ action, actor, details, origin }) => [action, actor, details, origin]),
        [
          ['TENANT_CREATED', byOperator, { tokenId: own, scopes }, '127.0.0.1'],
          ['TENANT_UPDATED', byOperator, { changed: ['label', 'groupId'] }, '127.0.0.1'],
          ['TENANT_UPDATED', byTenant, { changed: ['imageUrl'] }, '127.0.0.1'],
          ['TOKEN_CREATED', byOperator, { tokenId: made, scopes }, '127.0.0.1'],
          ['TOKEN_REVOKED', byTenant, { tokenId: made }, '127.0.0.1'],
        ],
      )
      assert.ok(!JSON.stringify(found).includes(secret))
      assert.ok(!JSON.stringify(found).includes(acme.name))
    })

    test('believes no X-Forwarded-For where no proxy is trusted', async () => {
      assert.equal(await originBehind('198.51.100.7'), '127.0.0.1')
    })

    test('tells of operator keys, and of what was done with which', async () => {
      const made = await makeOperatorKey(gateway.url, ['TENANTS'])
      const globex = await makeTenant(gateway.url)
      await made.client.ask(UPDATE, { input: { tenantId: globex.id, label: 'x' } })
      await operator.ask('mutation($id: ID!) { revokeOperatorKey(keyId: $id) { revokedKeyId } }', { id: made.id })
      assert.deepEqual(actionsOf(await entries(operator, { actor: made.id })), ['TENANT_UPDATED'])
      const keys = (await entries(operator, {})).filter(({ details }) => details['operatorKeyId'] === made.id)
      assert.deepEqual(actionsOf(keys), ['OPERATOR_KEY_CREATED', 'OPERATOR_KEY_REVOKED'])
    })

    test('shows a tenant what is about itself, without the address of the operator', async () => {
      const globex = await makeTenant(gateway.url)
      const found = await entries(acme.client, {})
      assert.deepEqual(
        found.map(({ id, actor, origin }) => [id, actor.role === 'TENANT' ? '127.0.0.1' : null, origin].slice(1)),
        found.map(({ actor }) => (actor.role === 'TENANT' ? ['127.0.0.1', '127.0.0.1'] : [null, null])),
      )
      assert.deepEqual(
        found.map(({ id }) => id),
        (await entries(operator, { tenantId: acme.id })).map(({ id }) => id),
      )
      assert.ok(found.some(({ actor }) => actor.role === 'TENANT') && found.some(({ origin }) => origin === null))
      assert.deepEqual(await entries(acme.client, { tenantId: globex.id }), [])
      assert.deepEqual(await exported(acme.client, `?tenantId=${globex.id}`), [])
      assert.equal((await exported(acme.client, '')).length, found.length)
    })

    test('shows each tenant its own alone of what was written together', async () => {
      const tenants = [acme, await makeTenant(gateway.url), await makeTenant(gateway.url)]
      const ids = new Map<string, string[]>()
      await Promise.all(
        tenants.flatMap(({ id }) =>
          Array.from({ length: 6 }, async (_, index) => {
            const input = { tenantId: id, name: `at once ${index}` }
            const { createTenantToken } = await operator.ask(TOKEN, { input })
            ids.set(id, [...(ids.get(id) ?? []), createTenantToken.info.id])
          }),
        ),
      )
      for (const { id, client } of tenants) {
        const own = await entries(client, { action: 'TOKEN_CREATED' })
        assert.ok(own.every(({ tenantId }) => tenantId === id))
        const told = own.map(({ details }) => details['tokenId'] as string)
        for (const tokenId of ids.get(id) as string[]) assert.ok(told.includes(tokenId))
      }
      const all = await entries(operator, { action: 'TOKEN_CREATED' })
      const told = all.map(({ details }) => details['tokenId'] as string)
      assert.equal(new Set(told).size, told.length)
      for (const tokenId of [...ids.values()].flat()) assert.ok(told.includes(tokenId))
    })

    test('is filtered by time and action, and read by pages either way', async () => {
      const all = await entries(operator, {})
      const ids = (found: Entry[]) => found.map(({ id }) => id)
      for (const middle of [1, Math.floor(all.length / 2), all.length - 1]) {
        const time = all[middle]?.at
        assert.deepEqual(ids(await entries(operator, { since: time })), ids(all.slice(middle)))
        assert.deepEqual(ids(await entries(operator, { until: time })), ids(all.slice(0, middle)))
      }
      assert.deepEqual(await entries(operator, { since: new Date(Date.now() + 60_000).toISOString() }), [])
      const created = all.filter(({ action }) => action === 'TENANT_CREATED')
      assert.deepEqual(ids(await entries(operator, { action: 'TENANT_CREATED' })), ids(created))
      const first = await page(operator, { first: 2 })
      const second = await page(operator, { first: 2, after: first.pageInfo.endCursor })
      assert.deepEqual(ids([...first.nodes, ...second.nodes]), ids(all.slice(0, 4)))
      assert.deepEqual(ids((await page(operator, { last: 2 })).nodes), ids(all.slice(-2)))
      assert.deepEqual(
        ids((await page(operator, { last: 1, before: second.pageInfo.startCursor })).nodes),
        ids(all.slice(1, 2)),
      )
    })

    test('is exported as NDJSON, and goes on after a cursor', async () => {
      const all = await entries(operator, {})
      const lines = await exported(operator, '')
      assert.deepEqual(
        lines.map(({ cursor: _, ...entry }) => entry),
        all,
      )
      assert.deepEqual(await exported(operator, `?after=${lines[2]?.cursor}`), lines.slice(3))
      const created = await exported(operator, `?action=TENANT_CREATED&since=${all[1]?.at}`)
      assert.deepEqual(
        created,
        lines.slice(1).filter(({ action }) => action === 'TENANT_CREATED'),
      )
      for (const [query, status, code] of [
        ['?after=x', 400, 'BAD_USER_INPUT'],
        ['?since=x', 400, 'BAD_USER_INPUT'],
        ['?action=x', 400, 'BAD_USER_INPUT'],
        ['?x=1', 400, 'BAD_USER_INPUT'],
        ['?actor=a&actor=b', 400, 'BAD_USER_INPUT'],
      ] as const) {
        assert.deepEqual(await refusalOf(operator, query), [status, code], query)
      }
      assert.deepEqual(await refusalOf(new ApiClient(gateway.url), ''), [401, 'UNAUTHENTICATED'])
      const { createTenantToken } = await acme.client.ask(TOKEN, { input: { name: 'reader', scopes: ['READ'] } })
      const reader = new ApiClient(gateway.url, { token: createTenantToken.token })
      assert.deepEqual(await refusalOf(reader, ''), [403, 'FORBIDDEN'])
    })

    test('tells of what was forbidden', async () => {
      const { createTenantToken } = await acme.client.ask(TOKEN, { input: { name: 'writer', scopes: ['WRITE'] } })
      const writer = new ApiClient(gateway.url, { token: createTenantToken.token })
      assert.equal(await writer.codeOf(DELETE, { id: acme.id }), 'FORBIDDEN')
      const made = await makeOperatorKey(gateway.url, ['READ'])
      assert.equal(await made.client.codeOf(DELETE, { id: acme.id }), 'FORBIDDEN')
      assert.equal(await made.client.codeOf(DELETE, { id: 'some text' }), 'FORBIDDEN')
      const found = await eventually(async () => {
        const refused = await entries(operator, { action: 'OPERATION_REFUSED' })
        return refused.length >= 3 && refused
      })
      const details = { operation: 'deleteTenant', code: 'FORBIDDEN' }
      assert.deepEqual(
        found.map((entry) => [entry.tenantId, entry.actor, entry.details]),
        [
          [acme.id, { role: 'TENANT', id: createTenantToken.info.id }, details],
          [acme.id, { role: 'OPERATOR', id: made.id }, details],
          [null, { role: 'OPERATOR', id: made.id }, details],
        ],
      )
    })

    test('counts a flood of wrong keys, and is not filled by it', async () => {
      const wrong = new ApiClient(gateway.url, { apiKey: 'wrong-key-of-a-flood' })
      const many = 200
      for (let sent = 0; sent < many; sent += 20) {
        await Promise.all(Array.from({ length: 20 }, () => wrong.codeOf('{ viewer { role } }')))
      }
      // What was only counted is written at the end.
      await restart({ TRUST_PROXY: '127.0.0.1, 10.0.0.0/8' })
      const found = await entries(operator, { action: 'CREDENTIALS_REFUSED' })
      assert.ok(found.length <= 21, `${found.length} entries`)
      assert.equal(
        found.reduce((sum, { details }) => sum + Number(details['count'] ?? 1), 0),
        many,
      )
      for (const { actor, origin } of found) {
        assert.deepEqual([actor, origin], [{ role: 'ANONYMOUS', id: null }, '127.0.0.1'])
      }
      assert.ok(!JSON.stringify(found).includes('flood'))
    })

    test('keeps of a deleted tenant its id alone', async () => {
      const globex = await makeTenant(gateway.url, { label: 'Label of Globex' })
      await operator.ask(DELETE, { id: globex.id })
      const found = await entries(operator, { tenantId: globex.id })
      assert.deepEqual(actionsOf(found), ['TENANT_CREATED', 'TENANT_DELETED'])
      assert.ok(!/Globex/.test(JSON.stringify(found)) && !JSON.stringify(found).includes(globex.name))
    })

    test('believes X-Forwarded-For no further than the proxies that are trusted', async () => {
      assert.equal(await originBehind('198.51.100.7'), '198.51.100.7')
      assert.equal(await originBehind('203.0.113.9, 198.51.100.7, 10.1.2.3'), '198.51.100.7')
      assert.equal(await originBehind('[2001:db8::7]:1234, 10.1.2.3'), '2001:db8::7')
      assert.equal(await originBehind('198.51.100.7:1234'), '198.51.100.7')
      assert.equal(await originBehind('what a client wrote'), '127.0.0.1')
      assert.equal(await originBehind(''), '127.0.0.1')
    })

    test('is trimmed by its age', async () => {
      const before = (await entries(operator, {})).length
      assert.ok(before > 10)
      await sleep(1500)
      await restart({ AUDIT_RETENTION: '1s' })
      await eventually(async () => (await entries(operator, {})).length === 0)
      await operator.ask(UPDATE, { input: { tenantId: acme.id, label: 'kept' } })
      const since = new Date(Date.now() - 60_000).toISOString()
      for (const filter of [{}, { since }, { tenantId: acme.id }]) {
        assert.deepEqual(actionsOf(await entries(operator, filter)), ['TENANT_UPDATED'])
      }
      assert.equal((await exported(operator, '')).length, 1)
    })
  })
}

async function exported(client: ApiClient, query: string): Promise<(Entry & { cursor: string })[]> {
  const response = await fetch(`${client.url}/audit${query}`, { headers: client.headers })
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type') ?? '', /^application\/x-ndjson/)
  const lines = (await response.text()).split('\n')
  assert.equal(lines.pop(), '')
  return lines.map((line) => JSON.parse(line) as Entry & { cursor: string })
}

async function refusalOf(client: ApiClient, query: string): Promise<[number, string]> {
  const response = await fetch(`${client.url}/audit${query}`, { headers: client.headers })
  const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] }
  return [response.status, errors[0]?.extensions.code ?? '']
}
