import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, issue, OPERATIONS, proofRequest, prove } from '../credentials/story.js'
import { ApiClient, makeTenant } from '../support/client.js'
import { freshStore, startGateway } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { exportTenant, importTenant } from '../tenancy/archives.js'
import { suspend } from '../tenancy/states.js'
import { makeLedgerIssuer, newSchema, openLedger } from './issuer.js'

test('an issuer on a ledger moves house: it issues, revokes and writes as before, and what it had issued holds', async () => {
  const place = await openLedger()
  const stores = await Promise.all([freshStore('sqlite'), freshStore('postgres'), freshStore('sqlite')])
  const [oldStore, newStore, peerStore] = stores
  const env = { ...place.env, PORT: `${await freePort()}` }
  const peers = await startGateway(peerStore, place.env)
  let gateway = await startGateway(oldStore, env)
  try {
    const issuer = await makeLedgerIssuer(await makeTenant(gateway.url), place.ledger, { revocable: true })
    const [holder, verifier] = await Promise.all([makeTenant(peers.url), makeTenant(peers.url)])
    const toHolder = await connect(issuer, holder)
    const toProver = await connect(verifier, holder)
    const before = await issue(issuer, holder, toHolder, 'Ada')

    await suspend(gateway.url, issuer)
    const archive = await exportTenant(ApiClient.operator(gateway.url), { tenantId: issuer.id })
    await gateway.stop()
    gateway = await startGateway(newStore, env)
    const { data, errors } = await importTenant(ApiClient.operator(gateway.url), archive)
    assert.equal(errors, undefined)
    assert.deepEqual(data?.notServed, [])
    const moved = { ...issuer, client: new ApiClient(gateway.url, { token: data?.token }) }

    // Its tails file came along, and its places in the registry go on where they were.
    const proved = await prove(verifier, holder, toProver, proofRequest(issuer, true))
    assert.deepEqual([proved.verified, proved.revealed], [true, { who: 'Ada' }])
    await moved.client.ask(OPERATIONS.revoke, { id: before.issued.id })
    await assert.rejects(prove(verifier, holder, toProver, proofRequest(issuer, true)), /CONFLICT: .* is revoked/)
    const after = await issue(moved, holder, toHolder, 'Grace')
    const again = await prove(verifier, holder, toProver, proofRequest(issuer, true))
    assert.deepEqual([again.verified, again.revealed], [true, { who: 'Grace' }])
    await moved.client.ask(OPERATIONS.revoke, { id: after.issued.id })
    const revoked = place.ledger.transactions.flatMap(({ operation: { type, value } }) =>
      type === '114' ? ((value as { revoked?: number[] }).revoked ?? []) : [],
    )
    assert.equal(new Set(revoked).size, 2)

    const input = newSchema(issuer.did)
    const { registerSchema } = await moved.client.ask(OPERATIONS.schema, { input })
    const schemaId = registerSchema.schema.id
    await moved.client.ask(OPERATIONS.definition, { input: { issuerDid: issuer.did, schemaId, tag: 'later' } })
  } finally {
    await Promise.all([gateway.stop(), peers.stop()])
    await Promise.all(stores.map((store) => store.remove()))
    await place.close()
  }
})
