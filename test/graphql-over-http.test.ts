import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { buildClientSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema } from 'graphql'
import { serverAudits } from 'graphql-http'
import { freshStore, OPERATOR_KEY, startGateway, type TestGateway, type TestStore } from './support/gateway.js'

const STUDIO = 'https://studio.apollographql.com'
const GRAPHQL_RESPONSE = 'application/graphql-response+json'

describe('GraphQL over HTTP', () => {
  let store: TestStore
  let gateway: TestGateway
  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  function post(query: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query }),
    })
  }

  describe('answers as the specification says', () => {
    for (const { id, name, fn } of serverAudits({ url: () => `${gateway.url}/graphql` })) {
      test(`${id} ${name}`, async () => {
        const result = await fn()
        assert.equal(result.status, 'ok', 'reason' in result ? String(result.reason) : undefined)
      })
    }
  })

  for (const [what, credentials] of Object.entries<Record<string, string>>({
    'an operator key': { 'x-api-key': 'not-the-key-0123456789' },
    'a token': { authorization: 'Bearer not.a.token' },
    'an authorization of another kind': { authorization: 'Basic b3BlcmF0b3I6a2V5' },
  })) {
    test(`tells by status that ${what} does not hold where the client knows what that means`, async () => {
      const modern = await post('{ viewer { role } }', { accept: GRAPHQL_RESPONSE, ...credentials })
      assert.equal(modern.status, 401)
      assert.match(modern.headers.get('content-type') ?? '', /^application\/graphql-response\+json/)
      const legacy = await post('{ viewer { role } }', { accept: 'application/json', ...credentials })
      assert.equal(legacy.status, 200)
      for (const response of [modern, legacy]) {
        const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] }
        assert.deepEqual(
          errors.map(({ extensions }) => extensions),
          [{ code: 'UNAUTHENTICATED' }],
        )
      }
    })
  }

  test('decides the status by the type that it answers by, whatever else the client takes', async () => {
    const cases: [string, boolean][] = [
      [`application/json, ${GRAPHQL_RESPONSE}`, false],
      [`application/json;q=1, ${GRAPHQL_RESPONSE};q=0.5`, false],
      [`${GRAPHQL_RESPONSE};q=0, */*`, false],
      ['application/*', false],
      [`${GRAPHQL_RESPONSE}, application/json`, true],
      [`application/json;q=0.5, ${GRAPHQL_RESPONSE}`, true],
      [GRAPHQL_RESPONSE.toUpperCase(), true],
      [`${GRAPHQL_RESPONSE}; charset=utf-8, application/json; charset=utf-8`, true],
      [`${GRAPHQL_RESPONSE}; charset=utf-8`, true],
      ['application/json; charset=utf-8', false],
    ]
    const token = { authorization: 'Bearer not.a.token' }
    for (const [accept, isModern] of cases) {
      const refused = [
        await post('{ viewer { role } }', { accept, ...token }),
        await post('{ viewer {', { accept }),
        await post('{ viewer { secret } }', { accept }),
      ]
      const statuses = refused.map(({ status }) => status)
      assert.deepEqual(statuses, isModern ? [401, 400, 400] : [200, 200, 200], accept)
      const unread = await post('', { accept, 'content-encoding': 'gzip' })
      assert.equal(unread.status, 400)
      for (const { headers } of [...refused, unread]) {
        const type = isModern ? GRAPHQL_RESPONSE : 'application/json'
        assert.equal(headers.get('content-type'), `${type}; charset=utf-8`, accept)
      }
    }
    assert.equal((await post('{ viewer { role } }', { accept: 'image/png' })).status, 406)
  })

  test('answers a query by GET, with variables', async () => {
    const url = new URL('/graphql', gateway.url)
    url.searchParams.set('query', 'query($name: String) { tenant(name: $name) { id } }')
    url.searchParams.set('variables', '{"name":"nobody"}')
    const response = await fetch(url, { headers: { accept: GRAPHQL_RESPONSE, 'x-api-key': OPERATOR_KEY } })
    assert.equal(response.status, 200)
    assert.deepEqual(await response.json(), { data: { tenant: null } })
  })

  test('takes a request that names the whole URL, as RFC 9112 has it', async () => {
    const { port } = new URL(gateway.url)
    const body = JSON.stringify({ query: '{ viewer { role } }' })
    const headers = { 'content-type': 'application/json', 'x-api-key': OPERATOR_KEY }
    const asked = request({ host: '127.0.0.1', port, method: 'POST', path: `${gateway.url}/graphql`, headers })
    asked.end(body)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    assert.equal(response.statusCode, 200)
    assert.deepEqual(JSON.parse(await text(response)), { data: { viewer: { role: 'OPERATOR' } } })
  })

  test('answers who offers HTTP/2 by an upgrade as who does not, where Node can', async () => {
    const offer = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
    }
    const body = JSON.stringify({ query: '{ viewer { role } }' })
    const headers = { ...offer, 'content-type': 'application/json', 'x-api-key': OPERATOR_KEY }
    const asked = request(`${gateway.url}/graphql`, { method: 'POST', headers })
    asked.end(body)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    if (major < 24 || (major === 24 && minor < 9)) return assert.equal(response.resume().statusCode, 405)
    assert.deepEqual(JSON.parse(await text(response)), { data: { viewer: { role: 'OPERATOR' } } })
    const [health] = (await once(request(`${gateway.url}/health/live`, { headers: offer }).end(), 'response')) as [
      IncomingMessage,
    ]
    assert.equal(health.statusCode, 200)
    health.resume()
  })

  test('runs no mutation by GET', async () => {
    const url = new URL('/graphql', gateway.url)
    url.searchParams.set('query', 'mutation { createTenant(input: { name: "by-get" }) { token } }')
    const response = await fetch(url, { headers: { accept: GRAPHQL_RESPONSE, 'x-api-key': OPERATOR_KEY } })
    assert.equal(response.status, 405)
    const found = await post('{ tenant(name: "by-get") { id } }', { 'x-api-key': OPERATOR_KEY })
    assert.deepEqual(await found.json(), { data: { tenant: null } })
  })

  test('takes automatic persisted queries, and says of one it does not have what clients look for', async () => {
    const query = 'query Persisted { viewer { role } }'
    const sha256Hash = createHash('sha256').update(query).digest('hex')
    const ask = async (text?: string) => {
      const response = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': OPERATOR_KEY },
        body: JSON.stringify({ query: text, extensions: { persistedQuery: { version: 1, sha256Hash } } }),
      })
      return response.json()
    }
    const extensions = { code: 'PERSISTED_QUERY_NOT_FOUND' }
    assert.deepEqual(await ask(), { errors: [{ message: 'PersistedQueryNotFound', extensions }] })
    const data = { viewer: { role: 'OPERATOR' } }
    assert.deepEqual(await ask(query), { data })
    assert.deepEqual(await ask(), { data })
  })

  test('refuses a subscription, and says where streams are', async () => {
    for (const accept of [GRAPHQL_RESPONSE, 'application/json']) {
      const response = await post('subscription { events { id } }', { accept, 'x-api-key': OPERATOR_KEY })
      assert.equal(response.status, 400)
      const extensions = { code: 'BAD_REQUEST' }
      assert.deepEqual(await response.json(), {
        errors: [{ message: 'Subscriptions go over WebSocket, or /graphql/stream.', extensions }],
      })
    }
  })

  test('describes itself by introspection as the committed schema does', async () => {
    const response = await post(getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true }))
    const { data } = (await response.json()) as { data: Parameters<typeof buildClientSchema>[0] }
    const committed = await readFile(new URL('../../schema/schema.graphql', import.meta.url), 'utf8')
    assert.equal(printSchema(lexicographicSortSchema(buildClientSchema(data))).trim(), committed.trim())
  })

  test("gives a browser the explorer's page, also from the root", async () => {
    for (const path of ['/graphql', '/']) {
      const response = await fetch(gateway.url + path, {
        headers: { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' },
      })
      assert.deepEqual([response.status, response.url], [200, `${gateway.url}/graphql`])
      assert.match(response.headers.get('content-type') ?? '', /^text\/html/)
      assert.match(await response.text(), /<title>Tenantry explorer<\/title>/)
    }
  })

  test('lets Apollo Studio call from the browser, with credentials in headers', async () => {
    const preflight = await fetch(`${gateway.url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin: STUDIO,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-api-key',
      },
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers.get('access-control-allow-origin'), STUDIO)
    assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /POST/)
    const allowed = (preflight.headers.get('access-control-allow-headers') ?? '').split(/, */)
    for (const name of ['authorization', 'content-type', 'x-api-key']) assert.ok(allowed.includes(name), name)
    const answer = await post('{ viewer { role } }', { origin: STUDIO, 'x-api-key': OPERATOR_KEY })
    assert.equal(answer.headers.get('access-control-allow-origin'), STUDIO)
    assert.deepEqual(await answer.json(), { data: { viewer: { role: 'OPERATOR' } } })
  })

  test('lets no other page call from the browser', async () => {
    const preflight = await fetch(`${gateway.url}/graphql`, {
      method: 'OPTIONS',
      headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'POST' },
    })
    assert.equal(preflight.headers.get('access-control-allow-origin'), null)
  })
})

test('Studio and introspection can each be turned off', async () => {
  const store = await freshStore('sqlite')
  const gateway = await startGateway(store, { STUDIO: 'off', INTROSPECTION: 'off' })
  try {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: STUDIO },
      body: JSON.stringify({ query: '{ __schema { types { name } } }' }),
    })
    assert.equal(response.headers.get('access-control-allow-origin'), null)
    const { data, errors } = (await response.json()) as { data?: unknown; errors: { extensions: { code: string } }[] }
    assert.equal(data, undefined)
    assert.equal(errors[0]?.extensions.code, 'GRAPHQL_VALIDATION_FAILED')
  } finally {
    await gateway.stop()
    await store.remove()
  }
})
