import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect, type Issuer, issue, OPERATIONS, proofRequest, prove } from '../credentials/story.js'
import { makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { AGREEMENT, giveDid, makeLedgerIssuer, newSchema, openLedger } from './issuer.js'

for (const kind of STORES) {
  describe(`an issuer on an Indy ledger, on ${kind}`, () => {
    let place: Awaited<ReturnType<typeof openLedger>>
    let store: TestStore
    let gateway: TestGateway
    let issuer: Issuer
    let holder: TestTenant
    let verifier: TestTenant
    before(async () => {
      place = await openLedger()
      store = await freshStore(kind)
      gateway = await startGateway(store, place.env)
      const [tenant, ...others] = await Promise.all([1, 2, 3].map(() => makeTenant(gateway.url)))
      ;[holder, verifier] = others as [TestTenant, TestTenant]
      issuer = await makeLedgerIssuer(tenant as TestTenant, place.ledger, { revocable: true })
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
      await place?.close()
    })

    const written = (type: string) => place.ledger.transactions.filter(({ operation }) => operation.type === type)

    test('is named as did:indy names it, and accepts the agreement with all that it writes', async () => {
      const [schema] = written('101')
      assert.equal(`did:indy:test:${schema?.identifier}`, issuer.did)
      const { name } = (schema?.operation['data'] ?? {}) as { name?: string }
      assert.equal(issuer.schemaId, `${issuer.did}/anoncreds/v0/SCHEMA/${name}/1.0`)
      assert.match(issuer.definitionId, new RegExp(`^${issuer.did}/anoncreds/v0/CLAIM_DEF/\\d+/default$`))
      for (const { taaAcceptance } of place.ledger.transactions) assert.equal(taaAcceptance?.mechanism, 'click')
    })

    test('has what it issues held, proved, verified and revoked, and then no proof is to be had', async () => {
      const toHolder = await connect(issuer, holder)
      const { issued, held } = await issue(issuer, holder, toHolder, 'Ada')
      const other = await issue(issuer, verifier, await connect(issuer, verifier), 'Eve')
      assert.deepEqual([held.schemaId, held.credentialDefinitionId], [issuer.schemaId, issuer.definitionId])
      const line = await connect(verifier, holder)
      const proved = await prove(verifier, holder, line, proofRequest(issuer, true))
      assert.deepEqual([proved.state, proved.verified, proved.revealed], ['DONE', true, { who: 'Ada' }])

      const told = await holder.client.follow()
      const { revokeCredential } = await issuer.client.ask(OPERATIONS.revoke, { id: issued.id })
      assert.equal(revokeCredential.credentialExchange.revoked, true)
      assert.equal((await told.find(({ topic }) => topic === 'REVOCATION')).credentialExchange.id, held.id)
      await told.close()
      await assert.rejects(prove(verifier, holder, line, proofRequest(issuer, true)), /CONFLICT: .* is revoked/)
      // The other one shows by the same entry that it is not.
      const still = await prove(holder, verifier, await connect(holder, verifier), proofRequest(issuer, true))
      assert.deepEqual([still.verified, still.revealed], [true, { who: 'Eve' }])

      // Once more changes nothing, and one more follows the entry before it.
      const entries = written('114').length
      await issuer.client.ask(OPERATIONS.revoke, { id: issued.id })
      assert.equal(written('114').length, entries)
      await issuer.client.ask(OPERATIONS.revoke, { id: other.issued.id })
      assert.equal(written('114').length, entries + 1)
    })

    test('issues to agents that know the names of Indy only, and verifies by these', async () => {
      const [ada, eve] = await Promise.all([makeTenant(gateway.url), makeTenant(gateway.url)])
      const { issued, held } = await issue(issuer, ada, await connect(issuer, ada), 'Ada', 'INDY')
      const other = await issue(issuer, eve, await connect(issuer, eve), 'Eve', 'INDY')
      assert.deepEqual([issued.format, held.format], ['INDY', 'INDY'])
      assert.deepEqual([issued.schemaId, issued.credentialDefinitionId], [issuer.schemaId, issuer.definitionId])
      const [, id, sequence] =
        /^did:indy:test:(.+)\/anoncreds\/v0\/CLAIM_DEF\/(\d+)\/default$/.exec(issuer.definitionId) ?? []
      const definitionId = `${id}:3:CL:${sequence}:default`
      assert.equal(held.credentialDefinitionId, definitionId)
      const { credentials } = await ada.client.ask(OPERATIONS.credentials)
      assert.deepEqual(credentials.nodes[0].attributes, { name: 'Ada', degree: 'Physics', year: '2024' })
      const line = await connect(verifier, ada)
      for (const named of [issuer, { ...issuer, definitionId }]) {
        const proved = await prove(verifier, ada, line, proofRequest(named, true))
        assert.deepEqual([proved.verified, proved.revealed], [true, { who: 'Ada' }])
      }

      const told = await ada.client.follow()
      await issuer.client.ask(OPERATIONS.revoke, { id: issued.id })
      assert.equal((await told.find(({ topic }) => topic === 'REVOCATION')).credentialExchange.id, held.id)
      await told.close()
      const request = proofRequest({ ...issuer, definitionId }, true)
      await assert.rejects(prove(verifier, ada, line, request), /CONFLICT: .* is revoked/)
      const still = await prove(verifier, eve, await connect(verifier, eve), request)
      assert.deepEqual([still.verified, still.revealed], [true, { who: 'Eve' }])
      assert.equal(other.issued.revoked, false)
    })

    test('takes a schema that the ledger has as its own for done, and another for what it is', async () => {
      const did = await giveDid(await makeTenant(gateway.url), place.ledger)
      const tenant = await makeTenant(gateway.url)
      const own = await giveDid(tenant, place.ledger)
      const input = newSchema(own)
      const { name, version, attributes: attrNames } = input
      place.ledger.schema(own.split(':').at(-1) as string, { issuerId: own, name, version, attrNames }, 4711)
      const before = written('101').length
      await tenant.client.ask(OPERATIONS.schema, { input })
      assert.equal(written('101').length, before)
      place.ledger.schema(own.split(':').at(-1) as string, { issuerId: own, name, version: '2.0', attrNames }, 4712)
      const different = { ...input, version: '2.0', attributes: ['other'] }
      assert.equal(await tenant.client.codeOf(OPERATIONS.schema, { input: different }), 'CONFLICT')
      // What is another tenant's is as if it were nobody's.
      assert.equal(await tenant.client.codeOf(OPERATIONS.schema, { input: newSchema(did) }), 'NOT_FOUND')
    })

    test("writes over no definition that is not the wallet's, and none of a schema that the ledger has not", async () => {
      const { did, schemaId, client } = await makeLedgerIssuer(await makeTenant(gateway.url), place.ledger)
      const [id, sequence] = [did.split(':').at(-1) as string, Number(written('102').at(-1)?.operation['ref'])]
      const value = { primary: { n: '1', s: '2', r: {}, rctxt: '3', z: '4' } }
      place.ledger.definition(id, sequence, { issuerId: did, schemaId, type: 'CL', tag: 'theirs', value } as never)
      const before = written('102').length
      const input = { issuerDid: did, schemaId, tag: 'theirs' }
      assert.equal(await client.codeOf(OPERATIONS.definition, { input }), 'CONFLICT')
      const attrNames = Array.from({ length: 126 }, (_, index) => `a${index}`)
      place.ledger.schema(id, { issuerId: did, name: 'large', version: '1.0', attrNames }, 4713)
      const large = `${did}/anoncreds/v0/SCHEMA/large/1.0`
      for (const missing of [`${schemaId}.9`, 'did:web:elsewhere.example/schema', large]) {
        const other = { ...input, schemaId: missing, tag: 'own' }
        assert.equal(await client.codeOf(OPERATIONS.definition, { input: other }), 'NOT_FOUND')
      }
      assert.equal(written('102').length, before)
    })

    test('says what to do where the ledger lets it not write', async () => {
      const tenant = await makeTenant(gateway.url)
      const did = await giveDid(tenant, place.ledger, null)
      const messageOf = async (input: object) => {
        const { errors } = await tenant.client.send(OPERATIONS.schema, { input })
        return `${errors?.[0]?.extensions.code} ${errors?.[0]?.message}`
      }
      assert.match(await messageOf(newSchema(did)), /^CONFLICT .* Have it made an endorser there/)
      const id = did.split(':').at(-1) as string
      place.ledger.nym(id, { verkey: 'GJ1SzoWzavQYfNL9XkaJdrQejfztN4XqdsiV4ct3LXKL' })
      assert.match(await messageOf(newSchema(did)), /^CONFLICT .* with another key/)
      for (const wrong of [{ version: 'one' }, { name: 'a/b' }]) {
        assert.match(await messageOf({ ...newSchema(did), ...wrong }), /^BAD_USER_INPUT/)
      }
    })
  })
}

describe('the transaction author agreement of a ledger', () => {
  for (const [name, accepted] of Object.entries({
    'that nobody has accepted': null,
    'of which another version was accepted': { version: '1.0', acceptanceMechanism: 'click' },
    'that was accepted in a way it does not know': { version: AGREEMENT.version, acceptanceMechanism: 'nod' },
  })) {
    test(`keeps those from writing, where it is one ${name}, and says who is to accept it`, async () => {
      const place = await openLedger(accepted)
      const store = await freshStore('sqlite')
      const gateway = await startGateway(store, place.env)
      try {
        const tenant = await makeTenant(gateway.url)
        const input = newSchema(await giveDid(tenant, place.ledger))
        const { errors } = await tenant.client.send(OPERATIONS.schema, { input })
        assert.equal(errors?.[0]?.extensions.code, 'CONFLICT')
        assert.match(errors?.[0]?.message ?? '', /transaction author agreement.*INDY_NETWORKS/)
        assert.equal(place.ledger.transactions.length, 0)
        place.ledger.agreement = undefined
        await tenant.client.ask(OPERATIONS.schema, { input })
        assert.equal(place.ledger.transactions[0]?.taaAcceptance, undefined)
      } finally {
        await gateway.stop()
        await store.remove()
        await place.close()
      }
    })
  }
})

describe('a ledger that does not answer', () => {
  test('is asked later what became of what it was to write', async () => {
    const place = await openLedger()
    const store = await freshStore('sqlite')
    const gateway = await startGateway(store, place.env)
    try {
      const { ledger } = place
      const tenant = await makeTenant(gateway.url)
      const did = await giveDid(tenant, ledger)
      const isSchema: typeof ledger.isLost = ({ operation }) => operation.type === '101'
      ledger.isSilent = isSchema
      await tenant.client.ask(OPERATIONS.schema, { input: newSchema(did) })
      assert.equal(ledger.transactions.length, 1)
      ledger.isSilent = () => false
      ledger.isLost = isSchema
      const lost = newSchema(did)
      assert.equal(await tenant.client.codeOf(OPERATIONS.schema, { input: lost }), 'PEER_UNREACHABLE')
      ledger.isLost = () => false
      await tenant.client.ask(OPERATIONS.schema, { input: lost })
    } finally {
      await gateway.stop()
      await store.remove()
      await place.close()
    }
  })
})
