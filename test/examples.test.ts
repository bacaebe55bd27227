import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ApiClient } from './support/client.js'
import { freshStore, OPERATOR_KEY, startGateway, type TestGateway, type TestStore } from './support/gateway.js'

const run = promisify(execFile)
const programOf = (name: string) => fileURLToPath(new URL(`../examples/${name}.js`, import.meta.url))

/** What the story has to have told, in this order. */
const STORY = [
  /^operator +created the tenant acme/m,
  /^operator +created the tenant globex/m,
  /^operator +finds acme\S* by its name/m,
  /^acme\S* +« tenant UPDATED$/m,
  /^acme\S* +asks who it is: TENANT acme/m,
  /^acme\S* +resolved it: 1 key agreement, 0 service$/m,
  /^acme\S* +resolved it: 1 key agreement, 1 service$/m,
  /^acme\S* +https:\/\/acme\.example\/meet\?oob=/m,
  /^acme\S* +« connection to Globex Corp\.: RESPONSE_SENT → COMPLETED$/m,
  /^globex\S* +invites, by a message$/m,
  /^acme\S* +« connection to Globex Corp\.: RESPONSE_RECEIVED → COMPLETED$/m,
  /^acme\S* +« message received: "Hello Acme, this is Globex\."$/m,
  /^acme\S* +« ping answered$/m,
  /^acme\S* +is offline$/m,
  /^acme\S* +is back/m,
  /^acme\S* +« message received: "Are you there\?"$/m,
  /^acme\S* +reads its connections, a page of one each: COMPLETED, COMPLETED$/m,
  /^operator +« acme\S*: tenant DELETED$/m,
  /^operator +« globex\S*: tenant DELETED$/m,
]

function assertStory(told: string): void {
  let rest = told
  for (const line of STORY) {
    const found = line.exec(rest)
    assert.ok(found, `${line} in order in:\n${told}`)
    rest = rest.slice(found.index + found[0].length)
  }
}

describe('the example of two tenants', () => {
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

  test('tells the whole story, and leaves nothing behind', async () => {
    const { stdout } = await run(process.execPath, [programOf('two-tenants'), gateway.url, OPERATOR_KEY])
    assertStory(stdout)
    const { tenants } = await ApiClient.operator(gateway.url).ask('{ tenants { nodes { name } } }')
    assert.deepEqual(tenants.nodes, [])
  })

  test('takes other names where its own are taken, and its arguments from the environment', async () => {
    const operator = ApiClient.operator(gateway.url)
    await operator.ask('mutation { createTenant(input: { name: "acme" }) { token } }')
    const env = { ...process.env, GATEWAY_URL: `${gateway.url}/`, OPERATOR_KEY }
    const { stdout } = await run(process.execPath, [programOf('two-tenants')], { env })
    assert.match(stdout, /^operator +created the tenant acme-2,/m)
    assertStory(stdout)
  })

  test('says how it is used where the operator key is missing', async () => {
    const env = { ...process.env, OPERATOR_KEY: '' }
    const failed = await run(process.execPath, [programOf('two-tenants'), gateway.url], { env }).catch((error) => error)
    assert.equal(failed.code, 2)
    assert.match(failed.stderr, /^usage: .* <url> <operator key>$/m)
  })

  test('fails where the operator key does not hold', async () => {
    const failed = await run(process.execPath, [programOf('two-tenants'), gateway.url, 'wrong-key-0123456789']).catch(
      (error) => error,
    )
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /UNAUTHENTICATED/)
  })
})

test('the demo starts a gateway, tells the story, and stops it', async () => {
  const { stdout, stderr } = await run(process.execPath, [programOf('demo')])
  assertStory(stdout)
  assert.match(stdout, /^demo +stopped the gateway, and removed its folder$/m)
  assert.equal(stderr, '')
})
