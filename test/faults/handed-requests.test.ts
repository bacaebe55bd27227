import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { buildSchema, isInputObjectType } from 'graphql'
import { Client } from 'undici'
import { isPlain } from '../../src/server/handing.js'
import { ApiClient, connect, type GraphResult, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, OPERATOR_KEY, type TestGateway, type TestStore } from '../support/gateway.js'
import { readAll } from '../support/ledger.js'
import { eventually } from '../support/talk.js'
import { TcpProxy } from '../support/tcp-proxy.js'
import { homeIn, metricOf, startWorkers, workersOf } from '../support/workers.js'

const SEND = 'mutation($input: SendBasicMessageInput!) { sendBasicMessage(input: $input) { message { id } } }'
const CREATE = 'mutation($input: CreateTenantInput!) { createTenant(input: $input) { tenant { id } } }'
const CREATE_TOKEN =
  'mutation($input: CreateTenantTokenInput!) { createTenantToken(input: $input) { token info { id } } }'
const REVOKE =
  'mutation($tenantId: ID!, $tokenId: ID!) { revokeTenantToken(tenantId: $tenantId, tokenId: $tokenId) { revokedTokenId } }'

describe('mutations that come to another worker than the one that their wallet is at home with', () => {
  let store: TestStore
  let redis: TcpProxy
  let gateway: TestGateway
  let acme: TestTenant
  let globex: TestTenant
  let connectionId: string

  before(async () => {
    store = await freshStore('postgres')
    const through = new URL(store.env['REDIS_URL'] as string)
    redis = await TcpProxy.to({ host: through.hostname, port: Number(through.port || 6379) })
    through.host = `127.0.0.1:${redis.port}`
    gateway = await startWorkers(store, { REDIS_URL: through.href })
    ;[acme, globex] = await Promise.all([makeTenant(gateway.url), makeTenant(gateway.url)])
    connectionId = (await connect(acme, globex)).inviter
  })
  after(async () => {
    await gateway?.stop()
    await redis?.cut()
    await store?.remove()
  })

  const handed = () => metricOf(gateway, 'tenantry_requests_handed_total')

  /** By a connection of its own, which goes to whichever worker is next. */
  async function ask(headers: Record<string, string>, query: string, input: object): Promise<unknown> {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close', ...headers },
      body: JSON.stringify({ query, variables: { input } }),
    })
    const { data, errors } = (await response.json()) as { data?: unknown; errors?: { message: string }[] }
    assert.equal(errors, undefined)
    return data
  }
  const operator = { 'x-api-key': OPERATOR_KEY }
  const send = (content: string) => ask(acme.client.headers, SEND, { connectionId, content })
  /** Sends each. @returns those that were answered: the connection of others was cut */
  async function sendAll(contents: string[]): Promise<string[]> {
    const answered = contents.map((content) =>
      send(content).then(
        () => [content],
        (error) => {
          if (error instanceof TypeError) return []
          throw error
        },
      ),
    )
    return (await Promise.all(answered)).flat()
  }
  async function sent(prefix: string): Promise<string[]> {
    const all: { content: string }[] = await readAll(acme.client, 'basicMessages')
    return all.map(({ content }) => content).filter((content) => content.startsWith(prefix))
  }
  /** Whether one of two mutations was handed to another worker. */
  async function handedOne(): Promise<boolean> {
    const before = await handed()
    await sendAll(['one', 'another'])
    return (await handed()) > before
  }
  const contents = (prefix: string, length: number) => Array.from({ length }, (_, n) => `${prefix} ${n}`)

  test('are done there, each once: those of a tenant, and those of operators', async () => {
    const before = await handed()
    for (const content of contents('handed', 4)) await send(content)
    assert.deepEqual(await sent('handed'), contents('handed', 4))
    const between = await handed()
    assert.ok(between > before)
    const names = [1, 2, 3, 4].map(() => uniqueName('handed'))
    for (const name of names) await ask(operator, CREATE, { name })
    assert.ok((await handed()) > between)
    const { tenants } = await ApiClient.operator(gateway.url).ask('{ tenants(last: 4) { nodes { name } } }')
    assert.deepEqual(tenants.nodes.map(({ name }: { name: string }) => name).sort(), names.sort())
  })

  test('are refused as anywhere, with the status that says so', async () => {
    const wrong: Record<string, string>[] = [{ 'x-api-key': 'wrong' }, { authorization: 'Bearer a.b.c' }, {}]
    for (const headers of wrong) {
      const response = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json',
          connection: 'close',
          ...headers,
        },
        body: JSON.stringify({ query: CREATE, variables: { input: { name: uniqueName('refused') } } }),
      })
      assert.equal(response.status, Object.keys(headers).length === 0 ? 200 : 401)
      const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] }
      assert.equal(errors[0]?.extensions.code, 'UNAUTHENTICATED')
    }
  })

  test('are answered however deep they are nested, by workers that live on', async () => {
    const before = workersOf(gateway)
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    const query = JSON.stringify(SEND)
    for (const [extra, content] of [
      [`"variables":{"x":${deep},`, 'deep variables'],
      [`"extensions":{"x":${deep}},"variables":{`, 'deep extensions'],
    ] as const) {
      for (let n = 0; n < 2; n++) {
        const response = await fetch(`${gateway.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', connection: 'close', ...acme.client.headers },
          body: `{"query":${query},${extra}"input":${JSON.stringify({ connectionId, content: `${content} ${n}` })}}}`,
        })
        assert.equal(((await response.json()) as { errors?: unknown }).errors, undefined)
      }
    }
    assert.deepEqual(await sent('deep'), [...contents('deep variables', 2), ...contents('deep extensions', 2)])
    assert.deepEqual(workersOf(gateway), before)
  })

  test('stay where they came to if a key of a wallet is in them', async () => {
    const before = await handed()
    for (let n = 0; n < 4; n++) {
      const input = { name: uniqueName('own-key'), keyMode: 'UNMANAGED', walletStorage: 'STORE' }
      await ask(operator, CREATE, { ...input, walletKey: 'a passphrase', walletKeyDerivation: 'ARGON2I_INT' })
    }
    assert.equal(await handed(), before)
  })

  test('are told to whoever was asked before it answers, also without Redis', async () => {
    await redis.cut()
    try {
      // One connection after the other, each to the next worker.
      for (let n = 0; n < 4; n++) {
        const connection = new Client(gateway.url)
        const post = async (headers: Record<string, string>, query: string, variables?: object) => {
          const { body } = await connection.request({
            method: 'POST',
            path: '/graphql',
            headers: { 'content-type': 'application/json', ...headers },
            body: JSON.stringify({ query, variables }),
          })
          return (await body.json()) as GraphResult<{ createTenantToken: { token: string; info: { id: string } } }>
        }
        const made = await post(operator, CREATE_TOKEN, { input: { tenantId: acme.id, name: uniqueName('told') } })
        assert.ok(made.data)
        const { token, info } = made.data.createTenantToken
        const read = () => post({ authorization: `Bearer ${token}` }, '{ connections(first: 1) { nodes { id } } }')
        assert.equal((await read()).errors, undefined)
        assert.equal((await post(operator, REVOKE, { tenantId: acme.id, tokenId: info.id })).errors, undefined)
        assert.equal((await read()).errors?.[0]?.extensions.code, 'UNAUTHENTICATED')
        await connection.close()
      }
    } finally {
      await redis.restore()
    }
  })

  test('are done or cut off where that worker is killed, and none twice', async () => {
    const home = homeIn(gateway, acme.id)
    const all = contents('killed', 24)
    const sending = sendAll(all)
    await eventually(async () => (await sent('killed')).length > 4)
    process.kill(home, 'SIGKILL')
    const answered = await sending
    // A connection to the one that was killed may be used once more.
    const found = await eventually(() => sent('killed'))
    assert.equal(new Set(found).size, found.length)
    assert.deepEqual(
      answered.filter((content) => !found.includes(content)),
      [],
    )
    // It is back, and takes what is handed to it.
    await eventually(handedOne, 30_000)
  })

  test('are cut off undone where that worker stands still, and then done without it', async () => {
    await eventually(handedOne, 30_000)
    const home = homeIn(gateway, acme.id)
    const logged = gateway.log().length
    process.kill(home, 'SIGSTOP')
    let answered: string[]
    try {
      // One of them may come to the one that stands still, and waits with it.
      const first = sendAll(contents('still', 4))
      await eventually(async () => /"A worker has ended, or stands still/.test(gateway.log().slice(logged)), 30_000)
      const soon = await Promise.race([sendAll(contents('still, later', 1)), sendAll(contents('still, again', 1))])
      assert.equal(soon.length, 1)
      process.kill(home, 'SIGCONT')
      answered = await first
    } finally {
      process.kill(home, 'SIGCONT')
    }
    assert.ok(answered.length < 4)
    assert.deepEqual((await sent('still ')).sort(), answered.sort())
  })
})

test('every input that is a secret by its name is known as one to who hands requests over', () => {
  const schema = buildSchema(readFileSync(new URL('../../../schema/schema.graphql', import.meta.url), 'utf8'))
  const inputs = Object.values(schema.getTypeMap()).filter(isInputObjectType)
  const names = inputs.flatMap((input) => Object.keys(input.getFields()))
  const secret = names.filter((name) => /key|seed|secret|pass/i.test(name) && !PUBLIC.has(name))
  assert.ok(secret.length > 3)
  assert.deepEqual(
    secret.filter((name) => isPlain({ input: [{ [name]: '' }] }, 0)),
    [],
  )
})

/** What sounds like a secret, and is none. */
const PUBLIC = new Set(['idempotencyKey', 'keyMode', 'rotateKeys'])
