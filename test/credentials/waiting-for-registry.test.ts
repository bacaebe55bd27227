import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { attributesOf, inState, makeIssuer, OPERATIONS } from './story.js'

const DELETE_CONNECTION = 'mutation($id: ID!) { deleteConnection(connectionId: $id) { deletedId } }'
/** A registry of so many takes seconds. */
const SIZE = 10_000

describe('what waits for a revocation registry', () => {
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

  test('is issued also where somebody before it has gone, and cannot be told', async () => {
    const [tenant, gone, staying] = await Promise.all([1, 2, 3].map(() => makeTenant(gateway.url)))
    assert.ok(tenant && gone && staying)
    const toGone = await connect(tenant, gone)
    const toStaying = await connect(tenant, staying)
    const issuer = await makeIssuer(gateway.url, { revocable: true, revocationRegistrySize: SIZE }, tenant)
    const told = await issuer.client.follow()
    const request = async (holder: TestTenant, connectionId: string): Promise<string> => {
      const offers = await holder.client.follow()
      const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
        input: { connectionId, credentialDefinitionId: issuer.definitionId, attributes: attributesOf('Ada') },
      })
      const offered = await offers.find(({ credentialExchange }) => credentialExchange?.state === 'OFFER_RECEIVED')
      await holder.client.ask(OPERATIONS.acceptOffer, { id: offered.credentialExchange.id })
      await offers.close()
      const { id } = offerCredential.credentialExchange
      await inState(told, id, 'REQUEST_RECEIVED')
      return id
    }
    const ofGone = await request(gone, toGone.inviter)
    await issuer.client.ask(DELETE_CONNECTION, { id: toGone.inviter })
    const ofStaying = await request(staying, toStaying.inviter)
    await inState(told, ofStaying, 'DONE')
    const ended = await inState(told, ofGone, 'ABANDONED')
    assert.equal(ended.credentialExchange.errorMessage, 'The credential cannot be issued.')
    await told.close()
  })
})
