import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { base58Encode } from '../../src/lib/base58.js'
import { ed25519Jwk } from '../../src/lib/ed25519.js'
import { OPERATIONS } from '../credentials/story.js'
import { ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { giveDid, newSchema, newSeed, ofSeed, openLedger } from './issuer.js'

const OTHER_KEY = 'GJ1SzoWzavQYfNL9XkaJdrQejfztN4XqdsiV4ct3LXKL'

describe('a did:indy', () => {
  let place: Awaited<ReturnType<typeof openLedger>>
  let store: TestStore
  let gateway: TestGateway
  before(async () => {
    place = await openLedger()
    store = await freshStore('sqlite')
    gateway = await startGateway(store, { ...place.env, LOG_LEVEL: 'trace' })
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
    await place?.close()
  })

  const create = async ({ client }: TestTenant, options?: object) =>
    (await client.ask(OPERATIONS.createDid, { input: { method: 'indy', options } })).createDid.did
  const refusal = async ({ client }: TestTenant, options: object) => {
    const { errors } = await client.send(OPERATIONS.createDid, { input: { method: 'indy', options } })
    assert.ok(errors?.[0], JSON.stringify(options))
    return `${errors[0].extensions.code} ${errors[0].message}`
  }
  const dids = async ({ client }: TestTenant) =>
    (await client.ask('{ dids(first: 20) { nodes { did } } }')).dids.nodes.map(({ did }: { did: string }) => did)

  test('of the ledger is taken by its seed, in each form that people have it, and writes', async () => {
    const forms = { utf8: (seed: Buffer) => `${seed}`, base64: base64Of, hex: (seed: Buffer) => seed.toString('hex') }
    for (const form of Object.values(forms)) {
      const [tenant, seed] = [await makeTenant(gateway.url), newSeed()]
      const { id, verkey } = ofSeed(seed)
      place.ledger.nym(id, { verkey })
      const { did, document } = await create(tenant, { namespace: 'test', seed: form(Buffer.from(seed)) })
      assert.equal(did, `did:indy:test:${id}`)
      assert.equal(document.verificationMethod[0].publicKeyBase58, verkey)
      await tenant.client.ask(OPERATIONS.schema, { input: newSchema(did) })
      assert.equal(place.ledger.transactions.at(-1)?.identifier, id)
      assert.match(
        await refusal(tenant, { seed: form(Buffer.from(seed)) }),
        /^CONFLICT The wallet has this DID already/,
      )
    }
  })

  test('that does not follow from its key is taken by its name', async () => {
    const [tenant, seed] = [await makeTenant(gateway.url), newSeed()]
    place.ledger.nym('V4SGRU86Z58d6TV7PBUe6f', { verkey: ofSeed(seed).verkey })
    for (const did of ['V4SGRU86Z58d6TV7PBUe6f', 'did:indy:test:V4SGRU86Z58d6TV7PBUe6f']) {
      const other = did.startsWith('did:') ? await makeTenant(gateway.url) : tenant
      const made = await create(other, { seed, did })
      assert.equal(made.did, 'did:indy:test:V4SGRU86Z58d6TV7PBUe6f')
    }
    await tenant.client.ask(OPERATIONS.schema, { input: newSchema('did:indy:test:V4SGRU86Z58d6TV7PBUe6f') })
  })

  test('is not taken where the ledger has none, or another key, or what is given is no seed', async () => {
    const [tenant, seed] = [await makeTenant(gateway.url), newSeed()]
    const { id, verkey } = ofSeed(seed)
    assert.match(await refusal(tenant, { seed }), new RegExp(`^CONFLICT .* no DID ${id}\\. .* the key ${verkey} `))
    place.ledger.nym(id, { verkey: OTHER_KEY })
    assert.match(await refusal(tenant, { seed }), /^CONFLICT .* has another key/)
    for (const options of [
      { seed: 'short' },
      { seed: 7 },
      { seed, did: 'did:indy:other:V4SGRU86Z58d6TV7PBUe6f' },
      { did: 'V4SGRU86Z58d6TV7PBUe6f' },
      { namespace: 'elsewhere' },
      { role: 'ENDORSER' },
      { key: 'value' },
    ]) {
      assert.match(await refusal(tenant, options), /^BAD_USER_INPUT/)
    }
    assert.deepEqual(await dids(tenant), [])
  })

  test('is made for somebody outside to register, and then writes', async () => {
    const tenant = await makeTenant(gateway.url)
    const { did, document } = await create(tenant)
    const input = newSchema(did)
    assert.equal(await tenant.client.codeOf(OPERATIONS.schema, { input }), 'CONFLICT')
    const { publicKeyBase58: verkey } = document.verificationMethod[0]
    place.ledger.nym(did.split(':').at(-1), { verkey })
    await tenant.client.ask(OPERATIONS.schema, { input })
  })

  test("is registered by another of the tenant's, with the role that this may give", async () => {
    const tenant = await makeTenant(gateway.url)
    const trustee = await giveDid(tenant, place.ledger, '0')
    const seed = newSeed()
    const { did } = await create(tenant, { seed, endorserDid: trustee, role: 'ENDORSER' })
    assert.equal(did, `did:indy:test:${ofSeed(seed).id}`)
    await tenant.client.ask(OPERATIONS.schema, { input: newSchema(did) })
    const plain = await create(tenant, { endorserDid: did })
    assert.match(await refusal(tenant, { endorserDid: plain.did }), /^CONFLICT .* Have it made an endorser there/)
    const stranger = await makeTenant(gateway.url)
    assert.match(await refusal(stranger, { endorserDid: trustee }), /^NOT_FOUND/)
    assert.deepEqual(await dids(tenant), [trustee, did, plain.did])
    assert.deepEqual(await dids(stranger), [])
    const { resolveDid } = await stranger.client.ask(
      'query($did: String!) { resolveDid(did: $did) { document } }',
      plain,
    )
    assert.deepEqual(resolveDid.document.verificationMethod, plain.document.verificationMethod)
  })

  test('is told of once it is there, and its seed nowhere', async () => {
    const tenant = await makeTenant(gateway.url)
    const operator = ApiClient.operator(gateway.url)
    const trustee = await giveDid(tenant, place.ledger, '0')
    const [seed, new1, new2, lost, wrong] = [newSeed(), newSeed(), newSeed(), newSeed(), newSeed()]
    const { id, verkey } = ofSeed(seed)
    const tap = await tenant.client.follow()
    const base = await operator.follow({ tenantIds: [tenant.id] })
    const said: unknown[] = []
    const attempt = async (options: object) => {
      said.push(await tenant.client.send(OPERATIONS.createDid, { input: { method: 'indy', options } }))
    }
    // What is refused for what it is, for what the ledger has, for the endorser's sake, or not answered.
    await attempt({ seed: `${seed} and more` })
    await attempt({ seed })
    await attempt({ seed, did: 'V4SGRU86Z58d6TV7PBUe6f', role: 'ENDORSER' })
    await attempt({ seed: wrong, endorserDid: `did:indy:test:${ofSeed(wrong).id}` })
    await attempt({ seed: [wrong] })
    said.push(await tenant.client.send(OPERATIONS.createDid, { input: { method: 'indy', options: { key: wrong } } }))
    said.push(await tenant.client.send(OPERATIONS.createDid, { input: { method: wrong, options: { seed: wrong } } }))
    said.push(
      await tenant.client.send(`mutation { createDid(input: {method: "indy", seed: "${wrong}"}) { did { did } } }`),
    )
    place.ledger.isLost = ({ operation }) => operation.type === '1'
    await attempt({ seed: lost, endorserDid: trustee })
    place.ledger.isLost = () => false
    place.ledger.nym(id, { verkey })
    const { did } = await create(tenant, { seed })
    const registered = await create(tenant, { seed: new1, endorserDid: trustee, role: 'ENDORSER' })
    const plain = await create(tenant, { seed: base64Of(Buffer.from(new2)), endorserDid: registered.did })
    for (const one of [did, registered.did, plain.did]) await tap.find((event) => event.did?.did === one)
    await attempt({ seed: new1, endorserDid: plain.did })
    await attempt({ seed: lost, endorserDid: plain.did })

    const { createTenantToken } = await tenant.client.ask(
      'mutation { createTenantToken(input: {name: "reader", scopes: [READ]}) { token } }',
    )
    const reader = new ApiClient(gateway.url, { token: createTenantToken.token })
    said.push(await reader.send(OPERATIONS.createDid, { input: { method: 'indy', options: { seed: wrong } } }))
    said.push(
      await reader.send(`mutation { createDid(input: {method: "indy", options: {seed: "${wrong}"}}) { did { did } } }`),
    )
    const list = '{ auditLog(last: 100) { nodes { action details actor { role id } } } }'
    for (const client of [operator, tenant.client]) {
      const refused = async () => {
        const { auditLog } = await client.ask(list)
        return JSON.stringify(auditLog).includes('OPERATION_REFUSED') && auditLog
      }
      said.push(await eventually(refused))
    }
    said.push(await (await fetch(`${gateway.url}/audit`, { headers: operator.headers })).text())
    said.push(await tenant.client.ask('{ dids(first: 50) { nodes { did document } } }'))
    said.push(tap.events, base.events, gateway.log())
    const text = JSON.stringify(said)
    for (const one of [seed, new1, new2, lost, wrong]) {
      const bytes = Buffer.from(one)
      const { d } = ed25519Jwk(bytes)
      for (const form of [
        one,
        base64Of(bytes),
        bytes.toString('hex'),
        bytes.toString('base64url'),
        base58Encode(bytes),
        d,
      ]) {
        assert.ok(
          !text.includes(form),
          `a seed is told: ${text.slice(text.indexOf(form) - 200, text.indexOf(form) + 60)}`,
        )
      }
    }
    await Promise.all([tap.close(), base.close()])
  })
})

describe('a did:indy where there are no ledgers', () => {
  test('is refused', async () => {
    const store = await freshStore('sqlite')
    const gateway = await startGateway(store)
    const { client } = await makeTenant(gateway.url)
    const input = { method: 'indy', options: { namespace: 'test' } }
    assert.equal(await client.codeOf(OPERATIONS.createDid, { input }), 'CONFLICT')
    await gateway.stop()
    await store.remove()
  })
})

const base64Of = (seed: Buffer) => seed.toString('base64')
