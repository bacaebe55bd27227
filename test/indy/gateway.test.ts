import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { tempDir } from '../support/services.js'
import { TestLedger } from './ledger.js'
import { TestPool } from './pool.js'

const PLAIN = 'Th7MpTaRZVRYnPiabds81Y'
const REACHED = 'V4SGRU86Z58d6TV7PBUe6f'
const SAID = 'Fhbr5ZRnoB5S2vpt7kVbsV'
const VERKEY = 'GJ1SzoWzavQYfNL9XkaJdrQejfztN4XqdsiV4ct3LXKL'

describe('a gateway with Indy networks', () => {
  const folder = tempDir()
  const ledger = new TestLedger()
  const genesisSite = createServer((_request, response) => response.end(pool.genesis))
  let pool: TestPool
  let store: TestStore
  let gateway: TestGateway
  let tenant: TestTenant
  before(async () => {
    ledger.nym(PLAIN, { verkey: '~7TYfekw4GUagBnBVCqPjiC' })
    ledger.nym(REACHED, { verkey: VERKEY }, { endpoint: 'https://acme.example', profile: 'https://acme.example/about' })
    const service = {
      id: `did:indy:file:${SAID}#website`,
      type: 'LinkedDomains',
      serviceEndpoint: 'https://acme.example',
    }
    ledger.nym(SAID, { verkey: VERKEY, diddocContent: JSON.stringify({ id: 'did:example:other', service: [service] }) })
    pool = await TestPool.open(ledger.answer)
    const file = `${folder.path}/genesis.txn`
    writeFileSync(file, pool.genesis)
    await new Promise<void>((resolve) => genesisSite.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(genesisSite.address() as AddressInfo).port}/genesis`
    store = await freshStore('sqlite')
    const networks = [
      { namespace: 'file', genesis: file },
      { namespace: 'url:staging', genesis: url, isProduction: false },
    ]
    gateway = await startGateway(store, { INDY_NETWORKS: JSON.stringify(networks) })
    tenant = await makeTenant(gateway.url)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
    genesisSite.close()
    await pool?.close()
    folder.remove()
  })

  const resolve = async (did: string) => {
    const query = 'query($did: String!) { resolveDid(did: $did) { document resolutionMetadata } }'
    const { resolveDid } = await tenant.client.ask(query, { did })
    return resolveDid
  }

  test('resolves a DID whose key is shortened', async () => {
    const did = `did:indy:file:${PLAIN}`
    const { document } = await resolve(did)
    assert.equal(document.id, did)
    assert.deepEqual(document.authentication, [`${did}#verkey`])
    const [key] = document.verificationMethod
    assert.match(key.publicKeyBase58, /^[1-9A-HJ-NP-Za-km-z]{43,44}$/)
  })

  test('resolves a DID with its endpoints, by a genesis from a URL', async () => {
    const did = `did:indy:url:staging:${REACHED}`
    const { document } = await resolve(did)
    const endpoints = document.service.map(({ id, type, serviceEndpoint }: Record<string, string>) => [
      id,
      type,
      serviceEndpoint,
    ])
    assert.deepEqual(endpoints, [
      [`${did}#profile`, 'profile', 'https://acme.example/about'],
      [`${did}#endpoint`, 'endpoint', 'https://acme.example'],
      [`${did}#did-communication`, 'did-communication', 'https://acme.example'],
    ])
    assert.deepEqual(document.service[2].recipientKeys, document.keyAgreement)
    assert.equal(document.verificationMethod[0].publicKeyBase58, VERKEY)
  })

  test('adds what a DID says of itself to its key', async () => {
    const did = `did:indy:file:${SAID}`
    const { document } = await resolve(did)
    assert.equal(document.id, did)
    assert.equal(document.verificationMethod[0].publicKeyBase58, VERKEY)
    assert.equal(document.service[0].serviceEndpoint, 'https://acme.example')
  })

  test('finds no DID that no ledger has, or of a network that is not configured', async () => {
    for (const did of ['did:indy:file:6cgbu8ZPoWTnR5Rv5JcSMB', `did:indy:elsewhere:${PLAIN}`]) {
      const { document, resolutionMetadata } = await resolve(did)
      assert.equal(document, null)
      assert.equal(resolutionMetadata.error, 'notFound')
    }
  })
})

describe('INDY_NETWORKS', () => {
  const folder = tempDir()
  after(() => folder.remove())
  const main = fileURLToPath(new URL('../../src/bin.js', import.meta.url))
  const start = (networks: string) =>
    spawnSync(process.execPath, [main, 'serve'], {
      env: { PATH: process.env['PATH'], DATA_DIR: folder.path, PORT: '0', INDY_NETWORKS: networks },
      encoding: 'utf8',
      timeout: 30_000,
    })

  test('is refused by one line where what it names is not there', () => {
    writeFileSync(`${folder.path}/other.txn`, '{"no": "genesis"}\n')
    const cases = {
      'missing.txn': /^INDY_NETWORKS: the genesis file of a cannot be read\n$/,
      'other.txn': /^INDY_NETWORKS: a: its file has no genesis transactions\n$/,
    }
    for (const [name, line] of Object.entries(cases)) {
      const { status, stderr } = start(JSON.stringify([{ namespace: 'a', genesis: `${folder.path}/${name}` }]))
      assert.match(stderr, line)
      assert.equal(status, 2)
    }
  })
})
