import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connectStock } from '../credentials/stock-holder.js'
import {
  attributesOf,
  type Issuer,
  inState,
  OPERATIONS,
  presentationDefinition,
  proofRequest,
  prove,
} from '../credentials/story.js'
import { type AnyEvent, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { tempDir } from '../support/services.js'
import { eventually } from '../support/talk.js'
import { TestCheqd } from './ledger.js'
import { type StockIssuer, startStockIssuer } from './stock-issuer.js'

const RECEIVE = 'mutation($did: String!) { receiveInvitation(input: {did: $did}) { connection { id } } }'
const CONNECTION = 'query($id: ID!) { connection(id: $id) { state } }'

/** What was read of a status list counts for the second that it was asked for. */
const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)))

describe('a credential of a cheqd network, by an issuer of stock Credo', () => {
  const folder = tempDir()
  const stores: TestStore[] = []
  const gateways: TestGateway[] = []
  /** What the holder's gateway asks, and what the verifier's. */
  let cheqd: TestCheqd
  let atVerifier: TestCheqd
  let issuer: StockIssuer & Pick<Issuer, 'did' | 'definitionId'>
  let holder: TestTenant
  let verifier: TestTenant
  let line: { inviter: string; invitee: string }
  /** Of the issuer to the holder. */
  let connectionId: string

  const gatewayOn = async ({ network }: TestCheqd): Promise<TestGateway> => {
    const store = await freshStore('sqlite')
    stores.push(store)
    const gateway = await startGateway(store, { CHEQD_NETWORKS: JSON.stringify([network]) })
    gateways.push(gateway)
    return gateway
  }

  before(async () => {
    cheqd = await TestCheqd.open()
    atVerifier = await cheqd.another()
    issuer = await startStockIssuer(cheqd, folder.path, await freePort())
    holder = await makeTenant((await gatewayOn(cheqd)).url)
    verifier = await makeTenant((await gatewayOn(atVerifier)).url)
    line = await connect(verifier, holder)
  })
  after(async () => {
    await issuer?.agent.shutdown()
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await Promise.all(stores.map((store) => store.remove()))
    await Promise.all([cheqd?.close(), atVerifier?.close()])
    folder.remove()
  })

  /** The connection that the issuer has had last. */
  const newestOfIssuer = () =>
    eventually(async () => {
      const all = await issuer.agent.modules.didcomm.connections.getAll()
      const [newest] = all.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
      return newest?.isReady && newest.id
    })

  /** Has the issuer offer a credential. */
  const offer = (to: string, index: number, name: string) =>
    issuer.agent.modules.didcomm.credentials.offerCredential({
      protocolVersion: 'v2',
      connectionId: to,
      credentialFormats: {
        anoncreds: {
          credentialDefinitionId: issuer.definitionId,
          revocationRegistryDefinitionId: issuer.registryId,
          revocationRegistryIndex: index,
          attributes: attributesOf(name),
        },
      },
    } as never)

  async function issue(index: number, name: string): Promise<AnyEvent> {
    const tap = await holder.client.follow()
    const { threadId } = await offer(connectionId, index, name)
    const { credentialExchange } = await tap.find(
      (event) => event.credentialExchange?.threadId === threadId && event.credentialExchange.state === 'OFFER_RECEIVED',
    )
    await holder.client.ask(OPERATIONS.acceptOffer, { id: credentialExchange.id })
    const done = await inState(tap, credentialExchange.id, 'DONE')
    await tap.close()
    return done.credentialExchange
  }

  const request = (nonRevoked: boolean, name?: string) => {
    const { requested_attributes, ...rest } = proofRequest(issuer as unknown as Issuer, nonRevoked)
    const [restriction] = requested_attributes.who.restrictions
    const restrictions = [{ ...restriction, ...(name && { 'attr::name::value': name }) }]
    return { ...rest, requested_attributes: { who: { name: 'name', restrictions } } }
  }

  test('begins with a connection, by the did:cheqd of the issuer', async () => {
    const { receiveInvitation } = await holder.client.ask(RECEIVE, { did: issuer.did })
    const { id } = receiveInvitation.connection
    // Anybody can ask in this way, so stock Credo accepts none by itself.
    const { connections } = issuer.agent.modules.didcomm
    const asked = await eventually(async () =>
      (await connections.getAll()).find((one) => one.state === 'request-received'),
    )
    await connections.acceptRequest(asked.id)
    await eventually(async () => (await holder.client.ask(CONNECTION, { id })).connection.state === 'COMPLETED')
    connectionId = await newestOfIssuer()
  })

  test('is held, proved and verified, with a look at what the network has', async () => {
    const held = await issue(1, 'Ada')
    assert.deepEqual([held.schemaId, held.credentialDefinitionId], [issuer.schemaId, issuer.definitionId])
    const { credentials } = await holder.client.ask(OPERATIONS.credentials)
    const [{ id: _, ...credential }] = credentials.nodes
    assert.deepEqual(credential, {
      format: 'ANONCREDS',
      issuerDid: issuer.did,
      attributes: { name: 'Ada', degree: 'Physics', year: '2024' },
      schemaId: issuer.schemaId,
      credentialDefinitionId: issuer.definitionId,
      revoked: false,
    })
    for (const nonRevoked of [false, true]) {
      const proved = await prove(verifier, holder, line, request(nonRevoked))
      assert.deepEqual([proved.state, proved.verified, proved.revealed], ['DONE', true, { who: 'Ada' }])
    }
    const definition = presentationDefinition(issuer as unknown as Issuer, true)
    const shown = await prove(verifier, holder, line, definition, { format: 'PRESENTATION_EXCHANGE' })
    assert.deepEqual([shown.state, shown.verified, shown.revealed], ['DONE', true, { degree: { name: 'Ada' } }])
  })

  test('is looked up once, however often it is proved', async () => {
    const count = () => atVerifier.asked.length
    await prove(verifier, holder, line, request(false))
    const before = count()
    await prove(verifier, holder, line, request(false))
    assert.equal(count(), before)
  })

  test('is refused once it is revoked, also where the prover is told otherwise', async () => {
    await issue(2, 'Eve')
    await issuer.revoke(1)
    await nextSecond()
    await assert.rejects(prove(verifier, holder, line, request(true, 'Ada')), /CONFLICT: .* is revoked/)
    // The other one shows by the same list that it is not.
    const still = await prove(verifier, holder, line, request(true, 'Eve'))
    assert.deepEqual([still.verified, still.revealed], [true, { who: 'Eve' }])

    const [first] = cheqd.listsOf(issuer.registryId)
    cheqd.lie = (asked, answer) => {
      if (!asked.includes('resourceMetadata=true')) return answer
      const { contentMetadata } = answer as { contentMetadata: { linkedResourceMetadata: AnyEvent[] } }
      const kept = contentMetadata.linkedResourceMetadata.filter(({ resourceId }) => resourceId === first)
      const linkedResourceMetadata = kept.map((one) => ({ ...one, nextVersionId: null }))
      return { ...answer, contentMetadata: { linkedResourceMetadata } }
    }
    await nextSecond()
    const hidden = await prove(verifier, holder, line, request(true, 'Ada'))
    assert.deepEqual([hidden.state, hidden.verified, hidden.revealed], ['ABANDONED', false, null])
    cheqd.lie = undefined
  })

  test('is neither taken nor proved where the DID of its issuer is deactivated', async () => {
    cheqd.deactivate(issuer.did)
    const later = await makeTenant((await gatewayOn(cheqd)).url)
    await connectStock(later, issuer.agent)
    const tap = await later.client.follow()
    await offer(await newestOfIssuer(), 3, 'Ada')
    const { credentialExchange } = await tap.find((event) => event.credentialExchange?.state === 'OFFER_RECEIVED')
    await tap.close()
    const { errors } = await later.client.send(OPERATIONS.acceptOffer, { id: credentialExchange.id })
    assert.equal(errors?.[0]?.extensions.code, 'PROTOCOL_ERROR')

    const asker = await makeTenant(later.client.url)
    const refused = await prove(asker, holder, await connect(asker, holder), request(false))
    assert.deepEqual([refused.state, refused.verified, refused.revealed], ['ABANDONED', false, null])
  })
})
