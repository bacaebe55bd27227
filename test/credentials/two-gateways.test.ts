import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect, makeTenant } from '../support/client.js'
import { freshStore, type StoreKind, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { issue, makeIssuer, OPERATIONS, proofRequest, prove } from './story.js'

describe('credentials between two gateways, one on SQLite, one on Postgres', () => {
  const stores: TestStore[] = []
  const gateways = {} as Record<StoreKind, TestGateway>

  before(async () => {
    for (const kind of ['sqlite', 'postgres'] as const) {
      const store = await freshStore(kind)
      stores.push(store)
      gateways[kind] = await startGateway(store)
    }
  })
  after(async () => {
    await Promise.all(Object.values(gateways).map((gateway) => gateway.stop()))
    await Promise.all(stores.map((store) => store.remove()))
  })

  test('issued by one, held on the other: verified on both, and once revoked on neither', async () => {
    const issuer = await makeIssuer(gateways.sqlite.url, { revocable: true })
    const holder = await makeTenant(gateways.postgres.url)
    const verifiers = [await makeTenant(gateways.sqlite.url), await makeTenant(gateways.postgres.url)]
    const link = await connect(issuer, holder)
    const { issued, held } = await issue(issuer, holder, link, 'Ada')
    assert.equal(held.credentialDefinitionId, issuer.definitionId)
    const request = proofRequest(issuer, true)
    const lines = await Promise.all(verifiers.map((verifier) => connect(verifier, holder)))
    for (const [index, verifier] of verifiers.entries()) {
      const proved = await prove(verifier, holder, lines[index] as (typeof lines)[number], request)
      assert.deepEqual([proved.state, proved.verified, proved.revealed], ['DONE', true, { who: 'Ada' }])
    }

    const told = await holder.client.follow()
    await issuer.client.ask(OPERATIONS.revoke, { id: issued.id })
    const event = await told.find(({ topic }) => topic === 'REVOCATION')
    assert.equal(event.credentialExchange.id, held.id)
    await told.close()

    const [near, far] = verifiers as [(typeof verifiers)[number], (typeof verifiers)[number]]
    const [toNear, toFar] = lines as [(typeof lines)[number], (typeof lines)[number]]
    const refusal = async (verifier: typeof near, line: typeof toNear) => {
      try {
        const { state, verified } = await prove(verifier, holder, line, request)
        return state === 'ABANDONED' && verified === false
      } catch (error) {
        assert.match(`${error}`, /CONFLICT: Every credential that answers this request is revoked/)
        return true
      }
    }
    // At once, at the issuer's gateway and at the other: what is served of a registry is asked for each time.
    assert.ok(await refusal(far, toFar))
    assert.ok(await refusal(near, toNear))
  })
})
