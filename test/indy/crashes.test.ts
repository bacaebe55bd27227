import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect, type Issuer, issue, OPERATIONS, proofRequest, prove } from '../credentials/story.js'
import { makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { eventually } from '../support/talk.js'
import { giveDid, makeLedgerIssuer, newSchema, newSeed, openLedger } from './issuer.js'

type Place = Awaited<ReturnType<typeof openLedger>>

describe('kill -9 as a ledger has written, and nobody has noted it', () => {
  let place: Place
  let store: TestStore
  let gateway: TestGateway
  let env: Record<string, string>
  before(async () => {
    place = await openLedger()
    store = await freshStore('sqlite')
    env = { ...place.env, PORT: `${await freePort()}`, INSTANCE_ID: 'the-only-one' }
    gateway = await startGateway(store, env)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
    await place?.close()
  })

  const count = (type: string) => place.ledger.transactions.filter(({ operation }) => operation.type === type).length

  /** Kills the gateway with the next transaction of a type, and starts it again. */
  async function killedAt(type: string): Promise<void> {
    await new Promise<void>((resolve) => {
      place.ledger.onWritten = ({ operation }) => {
        if (operation.type !== type) return
        place.ledger.onWritten = () => {}
        gateway.process.kill('SIGKILL')
        resolve()
      }
    })
    await gateway.kill()
    gateway = await startGateway(store, env)
  }

  /** Does something that is cut off so, and does it again. */
  async function twice<T>(type: string, act: () => Promise<T>): Promise<T> {
    const before = count(type)
    const killed = killedAt(type)
    await assert.rejects(act())
    await killed
    const done = await act()
    assert.equal(count(type), before + 1)
    return done
  }

  test('leaves nothing that is not found when it is done again', async () => {
    const [tenant, holder] = [await makeTenant(gateway.url), await makeTenant(gateway.url)]
    const ask = tenant.client.ask.bind(tenant.client)
    const trustee = await giveDid(tenant, place.ledger, '0')
    const options = { seed: newSeed(), endorserDid: trustee, role: 'ENDORSER' }
    const { createDid } = await twice('1', () => ask(OPERATIONS.createDid, { input: { method: 'indy', options } }))
    const { did } = createDid.did
    const schema = newSchema(did)
    const { registerSchema } = await twice('101', () => ask(OPERATIONS.schema, { input: schema }))
    const { id: schemaId } = registerSchema.schema
    const input = { issuerDid: did, schemaId, tag: 'default', revocable: true, revocationRegistrySize: 20 }
    const { registerCredentialDefinition } = await twice('102', () => ask(OPERATIONS.definition, { input }))
    const issuer = { ...tenant, did, schemaId, definitionId: registerCredentialDefinition.credentialDefinition.id }
    // Registries are made behind the definition, and gone on with by themselves.
    await killedAt('113')
    await killedAt('114')
    await eventually(async () => count('114') === 2, 30_000)
    assert.equal(count('113'), 2)
    const line = await connect(issuer, holder)
    const first = await issue(issuer, holder, line, 'Ada')
    const { revokeCredential } = await twice('114', () => ask(OPERATIONS.revoke, { id: first.issued.id }))
    assert.equal(revokeCredential.credentialExchange.revoked, true)
    await issue(issuer, holder, line, 'Eve')
    const proved = await prove(issuer, holder, line, proofRequest(issuer, true))
    assert.deepEqual([proved.verified, proved.revealed], [true, { who: 'Eve' }])
  })
})

describe('a did:indy without a seed', () => {
  let place: Place
  let store: TestStore
  let gateway: TestGateway
  let env: Record<string, string>
  before(async () => {
    place = await openLedger()
    store = await freshStore('postgres')
    env = { ...place.env, PORT: `${await freePort()}`, INSTANCE_ID: 'the-only-one' }
    gateway = await startGateway(store, env)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
    await place?.close()
  })

  const written = () =>
    place.ledger.transactions.flatMap(({ operation }) => (operation.type === '1' ? [operation] : []))
  const didsOf = async ({ client }: TestTenant): Promise<string[]> =>
    (await client.ask('{ dids { nodes { did } } }')).dids.nodes.map(({ did }: { did: string }) => did)

  /** Has a tenant's DID register another one, and kills the gateway at `moment`. */
  async function cutOff(tenant: TestTenant, endorserDid: string, moment: (kill: () => void) => void): Promise<void> {
    const killed = new Promise<void>((resolve) => {
      moment(() => {
        gateway.process.kill('SIGKILL')
        resolve()
      })
    })
    const options = { endorserDid, role: 'ENDORSER' }
    const input = { method: 'indy', options }
    await Promise.all([assert.rejects(tenant.client.ask(OPERATIONS.createDid, { input })), killed])
    await gateway.kill()
  }

  test('is on no ledger that a wallet does not list, whenever the gateway is killed', async () => {
    const tenant = await makeTenant(gateway.url)
    const trustee = await giveDid(tenant, place.ledger, '0')
    // As the ledger has written it.
    await cutOff(tenant, trustee, (kill) => {
      place.ledger.onWritten = kill
    })
    place.ledger.onWritten = () => {}
    gateway = await startGateway(store, env)
    await eventually(async () => (await didsOf(tenant)).length === 2)
    const [first] = written()
    assert.deepEqual(await didsOf(tenant), [trustee, `did:indy:test:${first?.['dest']}`])

    // Before it has come there.
    await cutOff(tenant, trustee, (kill) => {
      place.ledger.isLost = ({ operation }) => {
        if (operation.type === '1') kill()
        return operation.type === '1'
      }
    })
    place.ledger.isLost = () => false
    gateway = await startGateway(store, env)
    await eventually(async () => (await didsOf(tenant)).length === 3)
    const [, second, ...others] = written()
    assert.deepEqual(others, [])
    const did = `did:indy:test:${second?.['dest']}`
    assert.deepEqual((await didsOf(tenant))[2], did)
    // It has its key, and its role.
    await tenant.client.ask(OPERATIONS.schema, { input: newSchema(did) })
  })

  test('comes to be listed where its ledger answers late, and is gone where that refuses', async () => {
    const tenant = await makeTenant(gateway.url)
    const trustee = await giveDid(tenant, place.ledger, '0')
    const input = { method: 'indy', options: { endorserDid: trustee } }
    place.ledger.isLost = ({ operation }) => operation.type === '1'
    assert.equal(await tenant.client.codeOf(OPERATIONS.createDid, { input }), 'PEER_UNREACHABLE')
    place.ledger.isLost = () => false
    await eventually(async () => (await didsOf(tenant)).length === 2, 30_000)
    const [, plain] = await didsOf(tenant)
    const refused = { method: 'indy', options: { endorserDid: plain } }
    assert.equal(await tenant.client.codeOf(OPERATIONS.createDid, { input: refused }), 'CONFLICT')
    await gateway.kill()
    gateway = await startGateway(store, env)
    assert.equal((await didsOf(tenant)).length, 2)
  })
})

describe('an issuer at two gateways on one Postgres', () => {
  const CREDENTIALS = 8
  let place: Place
  let store: TestStore
  const gateways: TestGateway[] = []
  let issuer: Issuer
  let holder: TestTenant
  before(async () => {
    place = await openLedger()
    store = await freshStore('postgres')
    const ports = [await freePort(), await freePort()]
    const PUBLIC_URL = `http://127.0.0.1:${ports[0]}`
    for (const [index, port] of ports.entries()) {
      const env = { ...place.env, PORT: `${port}`, PUBLIC_URL, INSTANCE_ID: `indy-${index}` }
      gateways.push(await startGateway(store, env))
    }
    const [first] = gateways as [TestGateway]
    issuer = await makeLedgerIssuer(await makeTenant(first.url), place.ledger, { revocable: true })
    holder = await makeTenant(first.url)
  })
  after(async () => {
    for (const gateway of gateways) await gateway.stop()
    await store?.remove()
    await place?.close()
  })

  const at = (index: number) => issuer.client.at((gateways[index % 2] as TestGateway).url)

  test('has each revocation in force once it is answered, with every entry after the one before', async () => {
    const line = await connect(issuer, holder)
    const issued: string[] = []
    for (let index = 0; index < CREDENTIALS; index++) {
      issued.push((await issue({ ...issuer, client: at(index) }, holder, line, `holder ${index}`)).issued.id)
    }
    const [last, ...revoked] = issued.reverse()
    assert.ok(last)
    await Promise.all(revoked.map((id, index) => at(index).ask(OPERATIONS.revoke, { id })))
    const entries = place.ledger.transactions.filter(
      ({ operation: { type, value } }) => type === '114' && (value as { prevAccum?: string }).prevAccum !== undefined,
    )
    const indices = entries.flatMap(({ operation }) => (operation['value'] as { revoked: number[] }).revoked)
    assert.equal(new Set(indices).size, CREDENTIALS - 1)
    assert.equal(indices.length, CREDENTIALS - 1)
    const proved = await prove(issuer, holder, line, proofRequest(issuer, true))
    assert.deepEqual([proved.verified, proved.revealed], [true, { who: `holder ${CREDENTIALS - 1}` }])
  })

  test('writes what is asked for at both once', async () => {
    const input = newSchema(issuer.did)
    const answers = await Promise.all([0, 1].map((index) => at(index).send(OPERATIONS.schema, { input })))
    const codes = answers.map(({ errors }) => errors?.[0]?.extensions.code)
    assert.deepEqual(codes.sort(), ['CONFLICT', undefined])
    const names = place.ledger.transactions.map(({ operation }) => (operation['data'] as { name?: string })?.name)
    assert.equal(names.filter((name) => name === input.name).length, 1)
  })
})
