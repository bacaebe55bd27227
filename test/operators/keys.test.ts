import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient, makeOperatorKey, makeTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'

const CREATE =
  'mutation($input: CreateOperatorKeyInput!) { createOperatorKey(input: $input) { key info { id name scopes createdAt expiresAt lastUsedAt } } }'
const REVOKE = 'mutation($id: ID!) { revokeOperatorKey(keyId: $id) { revokedKeyId } }'
const LIST = '{ operatorKeys { id name scopes createdAt expiresAt lastUsedAt } }'
const VIEWER = '{ viewer { role operatorKey { id name scopes } } }'

interface Key {
  id: string
  name: string
  scopes: string[]
  createdAt: string | null
  expiresAt: string | null
  lastUsedAt: string | null
}

for (const kind of STORES) {
  describe(`operator keys on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    /** Another instance, where there can be one. */
    let other: TestGateway
    let operator: ApiClient

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store, { LOG_LEVEL: 'trace' })
      other = kind === 'postgres' ? await startGateway(store) : gateway
      operator = ApiClient.operator(gateway.url)
    })
    after(async () => {
      await gateway?.stop()
      await other?.stop()
      await store?.remove()
    })

    const keys = async (): Promise<Key[]> => (await operator.ask(LIST)).operatorKeys
    const codeAt = async (client: ApiClient) => (await client.send(VIEWER)).errors?.[0]?.extensions.code

    test('are shown once, listed, and told to whoever uses them', async () => {
      const name = uniqueName('auditor')
      const { createOperatorKey } = await operator.ask(CREATE, { input: { name, scopes: ['READ'], expiresIn: 3600 } })
      const { key, info } = createOperatorKey as { key: string; info: Key }
      assert.match(key, /^operator_[1-9A-HJ-NP-Za-km-z]{43,44}$/)
      const life = Date.parse(info.expiresAt as string) - Date.parse(info.createdAt as string)
      assert.deepEqual([info.name, info.scopes, life, info.lastUsedAt], [name, ['READ'], 3_600_000, null])
      const { viewer } = await new ApiClient(other.url, { apiKey: key }).ask(VIEWER)
      assert.deepEqual(viewer, { role: 'OPERATOR', operatorKey: { id: info.id, name, scopes: ['READ'] } })
      await new ApiClient(gateway.url, { apiKey: key }).ask(VIEWER)
      const listed = await keys()
      assert.deepEqual(
        listed.slice(0, 1).map(({ id, scopes, createdAt }) => [id, scopes, createdAt]),
        [['config-1', ['ALL'], null]],
      )
      const own = listed.find(({ id }) => id === info.id)
      assert.ok(Math.abs(Date.parse(own?.lastUsedAt as string) - Date.now()) < 10_000)
      assert.ok(!JSON.stringify(listed).includes(key))
      assert.ok(!gateway.log().includes(key))
    })

    test('have names of their own', async () => {
      const name = uniqueName('taken')
      const create = (input: object) => operator.codeOf(CREATE, { input: { name, scopes: ['ALL'], ...input } })
      await operator.ask(CREATE, { input: { name, scopes: ['ALL'] } })
      assert.equal(await create({}), 'CONFLICT')
      assert.equal(await create({ name: 'config-7' }), 'BAD_USER_INPUT')
      assert.equal(await create({ name: '' }), 'BAD_USER_INPUT')
      assert.equal(await create({ name: uniqueName('x'), scopes: [] }), 'BAD_USER_INPUT')
      assert.equal(await create({ name: uniqueName('x'), expiresIn: 0 }), 'BAD_USER_INPUT')
    })

    test('of the configuration are not revoked by the API, which says where they are', async () => {
      const { errors } = await operator.send(REVOKE, { id: 'config-1' })
      assert.equal(errors?.[0]?.extensions.code, 'CONFLICT')
      assert.match(errors?.[0]?.message ?? '', /OPERATOR_API_KEYS/)
      assert.equal(await operator.codeOf(REVOKE, { id: '00000000-0000-4000-8000-000000000000' }), 'NOT_FOUND')
      assert.equal((await operator.ask(VIEWER)).viewer.operatorKey.id, 'config-1')
    })

    test('are revoked at once, on every instance, with the streams that they opened', async () => {
      const made = await makeOperatorKey(gateway.url, ['TENANTS'])
      const clients = [gateway, other].map(({ url }) => made.client.at(url))
      const taps = await Promise.all(clients.map((client) => client.follow()))
      const stream = await openSse(other.url, made.key)
      await operator.ask(REVOKE, { id: made.id })
      const revokedAt = Date.now()
      assert.equal(await codeAt(clients[0] as ApiClient), 'UNAUTHENTICATED')
      await eventually(async () => (await codeAt(clients[1] as ApiClient)) === 'UNAUTHENTICATED' || undefined)
      assert.ok(Date.now() - revokedAt < 1000, `${Date.now() - revokedAt} ms`)
      for (const tap of taps) {
        const ended = await tap.until(() => tap.ended)
        assert.equal((ended as { code: number }).code, 4403)
        await tap.close()
      }
      assert.match(await stream.text, /UNAUTHENTICATED/)
      assert.equal(
        (await keys()).some(({ id }) => id === made.id),
        false,
      )
    })

    test('end with their time, and so do the streams that they opened', async () => {
      const made = await makeOperatorKey(gateway.url, ['READ'], 2)
      const tap = await made.client.follow()
      const ended = await tap.until(() => tap.ended)
      assert.equal((ended as { code: number }).code, 4403)
      await tap.close()
      assert.equal(await codeAt(made.client), 'UNAUTHENTICATED')
      // Its name is free again.
      await operator.ask(CREATE, { input: { name: made.name, scopes: ['READ'] } })
      assert.equal(
        (await keys()).some(({ id }) => id === made.id),
        false,
      )
    })

    test('outlive a restart, with the time of their last use', async () => {
      const made = await makeOperatorKey(gateway.url, ['READ'])
      await made.client.ask(VIEWER)
      await gateway.stop()
      gateway = await startGateway(store)
      if (kind === 'sqlite') other = gateway
      operator = ApiClient.operator(gateway.url)
      assert.ok((await keys()).find(({ id }) => id === made.id)?.lastUsedAt)
      assert.equal((await made.client.at(gateway.url).ask(VIEWER)).viewer.operatorKey.id, made.id)
    })

    test('do what their scope says, and the tenants of others too', async () => {
      const made = await makeOperatorKey(gateway.url, ['TENANTS'])
      const acme = await makeTenant(gateway.url)
      const rename = 'mutation($id: ID!) { updateTenant(input: {tenantId: $id, label: "x"}) { tenant { label } } }'
      assert.equal((await made.client.ask(rename, { id: acme.id })).updateTenant.tenant.label, 'x')
      assert.equal(await made.client.codeOf(CREATE, { input: { name: 'x', scopes: ['READ'] } }), 'FORBIDDEN')
    })
  })
}

test('a key that is revoked on one instance is refused within 2 s on another that Redis does not tell', async () => {
  const store = await freshStore('postgres')
  const gateways = await Promise.all([1, 2].map(() => startGateway(store, { REDIS_URL: '' })))
  try {
    const [here, there] = gateways as [TestGateway, TestGateway]
    const made = await makeOperatorKey(here.url, ['ALL'])
    const far = made.client.at(there.url)
    await eventually(async () => (await far.send(VIEWER)).data?.['viewer'] !== undefined || undefined)
    const tap = await far.follow()
    await ApiClient.operator(here.url).ask(REVOKE, { id: made.id })
    await sleep(2000)
    assert.equal(await far.codeOf(VIEWER), 'UNAUTHENTICATED')
    assert.equal(((await tap.until(() => tap.ended, 1000)) as { code: number }).code, 4403)
    await tap.close()
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await store.remove()
  }
})

/** Follows the base stream over SSE; `text` is all that comes, once it ends. */
async function openSse(url: string, apiKey: string): Promise<{ text: Promise<string> }> {
  const response = await fetch(`${url}/graphql/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'x-api-key': apiKey },
    body: JSON.stringify({ query: 'subscription { events { id } }' }),
  })
  return { text: response.text() }
}
