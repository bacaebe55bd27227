import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { getIntrospectionQuery } from 'graphql'
import { ApiClient, connect, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { newWalletKey } from '../tenancy/unmanaged.js'
import { type Answer, request, tellsOfTheInside } from './raw-http.js'
import { codeOf, TRANSPORTS } from './transports.js'

const CREATE = 'mutation($input: CreateTenantInput!) { createTenant(input: $input) { tenant { id name } token } }'
const SEND = 'mutation($input: SendBasicMessageInput!) { sendBasicMessage(input: $input) { message { id } } }'

describe('what is wrong in a GraphQL request', () => {
  let store: TestStore
  let gateway: TestGateway
  let operator: ApiClient
  let acme: TestTenant
  let connectionId: string
  let untouched: unknown

  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
    operator = ApiClient.operator(gateway.url)
    acme = await makeTenant(gateway.url)
    const globex = await makeTenant(gateway.url)
    connectionId = (await connect(acme, globex)).inviter
    untouched = await stateOf()
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  /** All that a refused request must leave as it is. */
  async function stateOf(): Promise<unknown> {
    const own = await acme.client.ask(
      `{ events(last: 1) { pageInfo { endCursor } } connections { nodes { id } } invitations { nodes { id } }
         basicMessages { nodes { id } } dids { nodes { did } } viewer { tenant { updatedAt tokens { id } } } }`,
    )
    const base = await operator.ask(
      '{ events(last: 1) { pageInfo { endCursor } } baseWallet { tenantCount routeCount } }',
    )
    return { own, base }
  }

  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    request(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })

  const firstCode = ({ text }: Answer) => JSON.parse(text).errors[0].extensions.code

  test('in its form is answered with 4xx and a code', async () => {
    const query = JSON.stringify({ query: '{ viewer { role } }' })
    const cases: [string, number, string, Record<string, string>?][] = [
      ['{"query": "{ viewer', 400, 'BAD_REQUEST'],
      ['', 400, 'BAD_REQUEST'],
      ['"{ viewer { role } }"', 400, 'BAD_REQUEST'],
      ['null', 400, 'BAD_REQUEST'],
      ['{}', 400, 'BAD_REQUEST'],
      ['{"query": 1}', 400, 'BAD_REQUEST'],
      ['{"query": "{ viewer { role } }", "variables": []}', 400, 'BAD_REQUEST'],
      [`[${query}]`, 400, 'BAD_REQUEST'],
      [query, 400, 'BAD_REQUEST', { 'content-type': 'text/plain' }],
      [query, 400, 'BAD_REQUEST', { 'content-type': 'application/json; charset=utf-77' }],
      [query, 400, 'BAD_REQUEST', { 'content-encoding': 'gzip' }],
      ['['.repeat(100_000), 400, 'BAD_REQUEST'],
      [`{"query": "${'x'.repeat(10_000_000)}"}`, 413, 'BAD_REQUEST'],
      ['{"query": "{ viewer { "}', 400, 'GRAPHQL_PARSE_FAILED'],
      ['{"query": "\\ud800"}', 400, 'GRAPHQL_PARSE_FAILED'],
      ['{"query": "{ viewer { secret } }"}', 400, 'GRAPHQL_VALIDATION_FAILED'],
      ['{"query": "query A { viewer { role } } query B { viewer { role } }"}', 400, 'OPERATION_RESOLUTION_FAILURE'],
    ]
    for (const [body, status, code, headers] of cases) {
      const told = `${body.slice(0, 60)} ${JSON.stringify(headers ?? {})}`
      const answer = await post('/graphql', body, { accept: 'application/graphql-response+json', ...headers })
      assert.equal(answer.status, status, told)
      assert.equal(firstCode(answer), code, told)
      assert.ok(!tellsOfTheInside(answer.text), answer.text)
    }
  })

  test('in its form is answered over SSE too', async () => {
    const query = JSON.stringify({ query: '{ viewer { role } }' })
    const stream = { accept: 'text/event-stream' }
    const cases: [string, number, Record<string, string>][] = [
      ['{"query": "{ viewer', 400, stream],
      ['{"query": 1}', 400, stream],
      [`[${query}]`, 400, stream],
      [query, 415, { ...stream, 'content-type': 'text/plain' }],
      [query, 406, { accept: 'application/json' }],
      [`{"query": "${'x'.repeat(10_000_000)}"}`, 413, stream],
    ]
    for (const [body, status, headers] of cases) {
      const answer = await post('/graphql/stream', body, headers)
      assert.equal(answer.status, status, body.slice(0, 60))
      assert.equal(firstCode(answer), 'BAD_REQUEST')
    }
  })

  test('is not helped by a stream that is registered for others', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const { status } = await request(`${gateway.url}/graphql/stream`, { method })
      assert.equal(status, 405)
    }
    const other = TRANSPORTS['SSE']?.(acme.client)
    const outcome = await other?.send({ query: '{ viewer { tenant { id } } }', variables: {} })
    assert.deepEqual(outcome?.data, { viewer: { tenant: { id: acme.id } } })
  })

  for (const [name, transport] of Object.entries(TRANSPORTS)) {
    test(`in what it asks for is QUERY_TOO_COMPLEX over ${name}`, async () => {
      const fragments = (leaf: string, on: string, levels: number) =>
        Array.from({ length: levels }, (_, i) => `fragment F${i} on ${on} { ${leaf} ...F${i + 1} ...F${i + 1} }`).join(
          ' ',
        )
      const cases = {
        deep: `{ __type(name: "Query") { ${'ofType { '.repeat(20)} name ${'} '.repeat(20)} } }`,
        aliases: `{ ${Array.from({ length: 40 }, (_, i) => `a${i}: viewer { role }`).join(' ')} }`,
        directives: `{ viewer { role ${'@include(if: true) '.repeat(40)} } }`,
        tokens: `{ viewer { ${'role '.repeat(5000)} } }`,
        costly: `{ ${['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((x) => `${x}: connections(first: 100) { nodes { id state role did alias } }`).join(' ')} }`,
        introspection: `{ ${Array.from({ length: 29 }, (_, i) => `a${i}: __schema { types { fields { type { fields { name } } } } }`).join(' ')} }`,
        'introspection by names': `query($name: String = "Mutation") { ${Array.from({ length: 29 }, (_, i) => `a${i}: __type(name: $name) { ...T }`).join(' ')} } fragment T on __Type { fields { name description args { name description defaultValue type { name kind ofType { name kind } } } type { ...N ofType { ...N ofType { ...N } } } } } fragment N on __Type { name kind description }`,
        'QR codes': `{ invitations(first: 100) { nodes { qrCode ${Array.from({ length: 29 }, (_, i) => `a${i}: qrCode`).join(' ')} } } }`,
        'lists in lists': `{ credentialExchanges(first: 100) { nodes { ${['a', 'b', 'c'].map((x) => `${x}: attributes { name value }`).join(' ')} } } }`,
        'many nodes': `{ connections(first: 100) { nodes { ...F0 } } } ${fragments('id', 'ConnectionRecord', 14)} fragment F14 on ConnectionRecord { id }`,
        'nodes without end': `{ connections(first: 100) { nodes { ...F0 } } } ${fragments('id', 'ConnectionRecord', 100)} fragment F100 on ConnectionRecord { id }`,
      }
      const line = transport(acme.client)
      for (const [what, query] of Object.entries(cases)) {
        const outcome = await line.send({ query, variables: {} })
        assert.equal(codeOf(outcome), 'QUERY_TOO_COMPLEX', `${what}: ${JSON.stringify(outcome)}`)
        assert.equal(outcome.data ?? null, null, what)
      }
      const next = await line.send({ query: '{ viewer { role } }', variables: {} })
      assert.deepEqual(next.data, { viewer: { role: 'TENANT' } }, 'the line is there for the next operation')
      await line.close()
    })

    test(`is not what tools ask of the schema over ${name}`, async () => {
      const line = transport(acme.client)
      for (const oneOf of [false, true]) {
        const query = getIntrospectionQuery({
          specifiedByUrl: true,
          directiveIsRepeatable: true,
          schemaDescription: true,
          inputValueDeprecation: true,
          oneOf,
        })
        const outcome = await line.send({ query, variables: {} })
        const { __schema } = outcome.data as { __schema: { types: unknown[] } }
        assert.ok(__schema.types.length > 100)
      }
      await line.close()
    })

    test(`in fragments that spread each other is counted once each over ${name}`, async () => {
      const levels = 100
      const fragments = Array.from(
        { length: levels },
        (_, i) => `fragment F${i} on Mutation { ...F${i + 1} ...F${i + 1} }`,
      )
      const last = `fragment F${levels} on Mutation { deleteConnection(connectionId: $id) { __typename } }`
      const line = transport(acme.client)
      const unfit = await line.send({
        query: `mutation($id: ID!) { ...F0 } ${fragments.join(' ')} ${last}`,
        variables: {},
      })
      assert.equal(codeOf(unfit), 'BAD_USER_INPUT', JSON.stringify(unfit))
      const left = await line.send({
        query: `mutation($id: ID!, $v: Boolean = false) { __typename ...F0 @include(if: $v) } ${fragments.join(' ')} ${last}`,
        variables: { id: 'x' },
      })
      assert.deepEqual(left.data, { __typename: 'Mutation' }, JSON.stringify(left))
      await line.close()
    })

    test(`in one operation ends that operation alone over ${name}`, async () => {
      const line = transport(acme.client)
      const cases: [string, string, Record<string, unknown>?][] = [
        ['{ viewer { ', 'GRAPHQL_PARSE_FAILED'],
        ['{ viewer { secret } }', 'GRAPHQL_VALIDATION_FAILED'],
        ['query A { viewer { role } } query B { viewer { role } }', 'OPERATION_RESOLUTION_FAILURE'],
        ['query($id: ID!) { connection(id: $id) { id } }', 'BAD_USER_INPUT'],
        ['query($id: ID!) { connection(id: $id) { id } }', 'BAD_USER_INPUT', { id: null }],
        ['query($id: ID!) { connection(id: $id) { id } }', 'BAD_USER_INPUT', { id: {} }],
        ['query($id: ID = "x") { connection(id: $id) { id } }', 'BAD_USER_INPUT', { id: null }],
        ['query($n: Int) { connections(first: $n) { nodes { id } } }', 'BAD_USER_INPUT', { n: 1.5 }],
        ['query($n: Int) { connections(first: $n) { nodes { id } } }', 'BAD_USER_INPUT', { n: 2 ** 40 }],
        [
          'query($s: ConnectionState) { connections(filter: {state: $s}) { nodes { id } } }',
          'BAD_USER_INPUT',
          { s: 'X' },
        ],
        ['{ connections(filter: {state: X}) { nodes { id } } }', 'GRAPHQL_VALIDATION_FAILED'],
        [
          `mutation { updateTenant(input: {tenantId: "${acme.id}", settings: {autoAcceptConnections: NEVER}}) { tenant { id } } }`,
          'BAD_USER_INPUT',
        ],
      ]
      for (const [query, code, variables = {}] of cases) {
        const outcome = await line.send({ query, variables })
        assert.equal(codeOf(outcome), code, `${query}: ${JSON.stringify(outcome)}`)
        assert.ok(!tellsOfTheInside(JSON.stringify(outcome)))
      }
      const next = await line.send({ query: '{ viewer { role } }', variables: {} })
      assert.deepEqual(next.data, { viewer: { role: 'TENANT' } })
      await line.close()
    })
  }

  test('in the size or place of a page names the argument', async () => {
    const { invitations, events } = await acme.client.ask(
      '{ invitations { pageInfo { endCursor } } events(last: 1) { pageInfo { endCursor } } }',
    )
    const listCursor = invitations.pageInfo.endCursor
    const eventCursor = events.pageInfo.endCursor
    const cases: [string, string][] = [
      ['first: -1', 'first'],
      ['first: 101', 'first'],
      ['last: -1', 'last'],
      ['last: 101', 'last'],
      ['first: 1, last: 1', 'last'],
      ['after: "garbage"', 'after'],
      ['after: ""', 'after'],
      ['before: "\\u0000"', 'before'],
    ]
    for (const list of ['connections', 'invitations', 'basicMessages', 'dids', 'events', 'schemas', 'credentials']) {
      const foreign = list === 'events' ? listCursor : eventCursor
      for (const [args, field] of [...cases, [`after: "${foreign}"`, 'after'], [`before: "${foreign}"`, 'before']]) {
        const { errors } = await acme.client.send(`{ ${list}(${args}) { pageInfo { hasNextPage } } }`)
        assert.equal(errors?.[0]?.extensions.code, 'BAD_USER_INPUT', `${list}(${args})`)
        assert.equal(errors?.[0]?.extensions.field, field, `${list}(${args})`)
      }
    }
    const future = Buffer.from(`e1:${acme.id}:999999`).toString('base64url')
    assert.equal(
      await acme.client.codeOf('query($c: String) { events(after: $c) { nodes { id } } }', { c: future }),
      'CURSOR_EXPIRED',
    )
  })

  test('in a text names the field', async () => {
    const texts: Record<string, string> = {
      empty: '',
      blank: '   ',
      NUL: 'a\u0000b',
      control: 'a\u0007b',
      'line break': 'a\nb',
      'direction mark': 'a\u202Eb',
      'lone surrogate': 'a\ud800b',
      'too long': 'x'.repeat(256),
    }
    const places: [ApiClient, string, string, Record<string, unknown>][] = [
      [operator, CREATE, 'name', {}],
      [operator, CREATE, 'label', { name: uniqueName('text') }],
      [operator, CREATE, 'groupId', { name: uniqueName('text') }],
      [operator, CREATE, 'idempotencyKey', { name: uniqueName('text') }],
      [
        acme.client,
        'mutation($input: CreateInvitationInput!) { createInvitation(input: $input) { invitation { id } } }',
        'label',
        {},
      ],
      [
        acme.client,
        'mutation($input: CreateInvitationInput!) { createInvitation(input: $input) { invitation { id } } }',
        'alias',
        {},
      ],
      [
        acme.client,
        'mutation($input: CreateTenantTokenInput!) { createTenantToken(input: $input) { info { id } } }',
        'name',
        {},
      ],
      [acme.client, SEND, 'parentThreadId', { connectionId, content: 'x' }],
    ]
    for (const [client, mutation, field, rest] of places) {
      for (const [what, text] of Object.entries(texts)) {
        const { errors } = await client.send(mutation, { input: { ...rest, [field]: text } })
        assert.equal(errors?.[0]?.extensions.code, 'BAD_USER_INPUT', `${field}: ${what}`)
        assert.equal(errors?.[0]?.extensions.field, `input.${field}`, `${field}: ${what}`)
      }
    }
    for (const content of ['a\u0000b', 'a\ud800b', 'x'.repeat(100_001), '', ' \n']) {
      const { errors } = await acme.client.send(SEND, { input: { connectionId, content } })
      assert.deepEqual(errors?.[0]?.extensions, { code: 'BAD_USER_INPUT', field: 'input.content' })
    }
    for (const imageUrl of ['', 'x', 'javascript:alert(1)', 'http://exa\nmple.org/', 'http://example.org/\u0000']) {
      const input = { name: uniqueName('url'), imageUrl }
      assert.equal(await operator.codeOf(CREATE, { input }), 'BAD_USER_INPUT', imageUrl)
    }
  })

  test('in an id finds nothing', async () => {
    for (const id of [
      '',
      '\u0000',
      `${connectionId}\u0000x`,
      '\ud800',
      'x'.repeat(100_000),
      '../../x',
      "' OR 1=1 --",
    ]) {
      const lookups = 'query($id: ID!) { connection(id: $id) { id } invitation(id: $id) { id } }'
      assert.deepEqual(await acme.client.ask(lookups, { id }), { connection: null, invitation: null })
      const mutation = 'mutation($id: ID!) { deleteConnection(connectionId: $id) { deletedId } }'
      assert.equal(await acme.client.codeOf(mutation, { id }), 'NOT_FOUND')
      const list =
        'query($id: ID!) { basicMessages(connectionId: $id) { nodes { id } } connections(filter: {invitationId: $id}) { nodes { id } } }'
      const pages = await acme.client.ask(list, { id })
      assert.deepEqual(pages, { basicMessages: { nodes: [] }, connections: { nodes: [] } })
      assert.deepEqual(await operator.ask('query($id: ID!) { tenant(id: $id) { id } }', { id }), { tenant: null })
    }
    for (const args of ['', '(id: "a", name: "b")']) {
      assert.equal(await operator.codeOf(`{ tenant${args} { id } }`), 'BAD_USER_INPUT')
    }
  })

  test('in an invitation or DID is told as such', async () => {
    const receive =
      'mutation($input: ReceiveInvitationInput!) { receiveInvitation(input: $input) { invitation { id } } }'
    const nested = JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`)
    const inputs = [
      {},
      { url: 'https://example.org/?oob=x', message: {} },
      { url: 'not a url' },
      { url: 'https://example.org/?oob=!!!' },
      { url: `https://example.org/?oob=${Buffer.from('{}').toString('base64url')}` },
      { message: {} },
      { message: [] },
      { message: 'x' },
      { message: nested },
      { message: { '@type': 'https://didcomm.org/out-of-band/1.1/invitation', '@id': 'x', services: nested } },
      { message: { '@type': 'https://didcomm.org/out-of-band/9.9/invitation', '@id': 'x', services: ['did:x:y'] } },
      { message: { ['__proto__']: { polluted: true }, constructor: 1 } },
    ]
    for (const input of inputs) {
      const { errors } = await acme.client.send(receive, { input })
      assert.equal(errors?.[0]?.extensions.code, 'BAD_USER_INPUT', JSON.stringify(input).slice(0, 100))
    }
    const create = 'mutation($input: CreateDidInput!) { createDid(input: $input) { did { did } } }'
    for (const input of [
      { method: 'nope' },
      { method: 'key', options: { x: 1 } },
      { method: 'peer', options: { numAlgo: 3 } },
    ]) {
      assert.equal(await acme.client.codeOf(create, { input }), 'BAD_USER_INPUT')
    }
    for (const did of ['did', 'did:nope:x', 'did:key:zzz', 'did:peer:2.Ez', 'did:web:\u2028']) {
      const { data, errors } = await acme.client.send(
        'query($did: String!) { resolveDid(did: $did) { document resolutionMetadata } }',
        { did },
      )
      const refused = errors?.[0]?.extensions.code === 'BAD_USER_INPUT'
      const told = (data?.['resolveDid'] as { document: unknown } | undefined)?.document === null
      assert.ok(refused || told, `${did}: ${JSON.stringify(errors)}`)
      assert.ok(!tellsOfTheInside(JSON.stringify(data).replaceAll('did:', '')), JSON.stringify(data))
    }
  })

  test('as a whole has changed nothing, and the gateway lives', async () => {
    assert.deepEqual(await stateOf(), untouched)
    assert.equal((await request(`${gateway.url}/health/ready`, {})).status, 200)
    assert.equal(gateway.process.exitCode, null)
  })

  test('in a repeat is a conflict: a name taken, an idempotency key with other input', async () => {
    const input = { name: uniqueName('idem'), idempotencyKey: uniqueName('key') }
    const first = await operator.ask(CREATE, { input })
    assert.deepEqual(await operator.ask(CREATE, { input }), first)
    assert.equal(await operator.codeOf(CREATE, { input: { ...input, label: 'other' } }), 'CONFLICT')
    assert.equal(await operator.codeOf(CREATE, { input: { name: input.name } }), 'CONFLICT')
    for (const wallet of [{ keyMode: 'MANAGED' }, { keyMode: 'UNMANAGED' }]) {
      const own = { ...wallet, walletStorage: 'STORE', name: uniqueName('own'), idempotencyKey: uniqueName('key') }
      const keyed = { ...own, walletKey: newWalletKey() }
      const made = await operator.ask(CREATE, { input: keyed })
      assert.deepEqual(await operator.ask(CREATE, { input: keyed }), made)
      assert.equal(await operator.codeOf(CREATE, { input: { ...own, walletKey: newWalletKey() } }), 'CONFLICT')
    }
    const keyless = { walletStorage: 'STORE', name: uniqueName('own'), idempotencyKey: uniqueName('key') }
    const made = await operator.ask(CREATE, { input: keyless })
    assert.deepEqual(await operator.ask(CREATE, { input: keyless }), made)
    assert.equal(await operator.codeOf(CREATE, { input: { ...keyless, walletKey: newWalletKey() } }), 'CONFLICT')
    const message = { connectionId, content: 'once', idempotencyKey: uniqueName('key') }
    const sent = await acme.client.ask(SEND, { input: message })
    assert.deepEqual(await acme.client.ask(SEND, { input: message }), sent)
    assert.equal(await acme.client.codeOf(SEND, { input: { ...message, content: 'twice' } }), 'CONFLICT')
    const { basicMessages } = await acme.client.ask('{ basicMessages { nodes { content } } }')
    assert.deepEqual(basicMessages.nodes, [{ content: 'once' }])
  })

  test('has no schema to look at where introspection is off', async () => {
    await gateway.stop()
    gateway = await startGateway(store, { INTROSPECTION: 'off' })
    for (const [name, transport] of Object.entries(TRANSPORTS)) {
      const line = transport(acme.client.at(gateway.url))
      const asked = await line.send({ query: '{ __schema { types { name } } }', variables: {} })
      assert.equal(codeOf(asked), 'GRAPHQL_VALIDATION_FAILED', name)
      const guessed = await line.send({ query: '{ viewer { rol } }', variables: {} })
      assert.equal(codeOf(guessed), 'GRAPHQL_VALIDATION_FAILED', name)
      assert.doesNotMatch(JSON.stringify(guessed), /Did you mean/, name)
      await line.close()
    }
  })
})
