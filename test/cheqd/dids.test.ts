import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { OPERATIONS } from '../credentials/story.js'
import { type AnyEvent, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { TestCheqd } from './ledger.js'

const RESOLVE = 'query($did: String!) { resolveDid(did: $did) { document metadata resolutionMetadata } }'
const MULTIBASE = 'z6MkuGoZyDyji4sApi9L79CG484hoQPmtuqJSTbUpdrVQAqB'

describe('a gateway with cheqd networks', () => {
  let networks: TestCheqd[]
  let store: TestStore
  let gateway: TestGateway
  let tenant: TestTenant
  before(async () => {
    networks = [await TestCheqd.open('testnet'), await TestCheqd.open('mainnet')]
    store = await freshStore('sqlite')
    gateway = await startGateway(store, { CHEQD_NETWORKS: JSON.stringify(networks.map(({ network }) => network)) })
    tenant = await makeTenant(gateway.url)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
    for (const network of networks ?? []) await network.close()
  })

  const resolve = async (did: string): Promise<AnyEvent> => (await tenant.client.ask(RESOLVE, { did })).resolveDid

  const documentOf = (did: string) => ({
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/suites/ed25519-2020/v1'],
    verificationMethod: [
      { id: `${did}#key-1`, type: 'Ed25519VerificationKey2020', controller: did, publicKeyMultibase: MULTIBASE },
    ],
    authentication: [`${did}#key-1`],
  })

  test('resolves DIDs of each, by a UUID and as they were before', async () => {
    for (const cheqd of networks) {
      for (const did of [cheqd.newDid(), cheqd.newDid('Th7MpTaRZVRYnPiabds81Y')]) {
        cheqd.writeDid(did, documentOf(did))
        const { document, metadata, resolutionMetadata } = await resolve(did)
        assert.equal(document.id, did)
        assert.equal(document.verificationMethod[0].publicKeyMultibase, MULTIBASE)
        assert.equal(metadata.created, '2024-03-01T09:00:00Z')
        assert.equal(resolutionMetadata.error, undefined)
        assert.equal(cheqd.asked.at(-1), did)
      }
      assert.equal(cheqd.asked.length, 2)
    }
  })

  test('does not tell all that a DID has published', async () => {
    const [cheqd] = networks as [TestCheqd]
    const did = cheqd.newDid()
    cheqd.writeDid(did, documentOf(did))
    cheqd.write(did, { name: 'logo', type: 'Image', content: {} })
    const { metadata } = await resolve(did)
    assert.deepEqual(Object.keys(metadata).toSorted(), ['created', 'versionId'])
  })

  test('has no document of a DID that is deactivated', async () => {
    const [cheqd] = networks as [TestCheqd]
    const did = cheqd.newDid()
    cheqd.writeDid(did, documentOf(did))
    cheqd.deactivate(did)
    const { document, metadata } = await resolve(did)
    assert.deepEqual([document, metadata.deactivated], [null, true])
  })

  test('finds none that the network has not, that is of another network, or none', async () => {
    const [cheqd] = networks as [TestCheqd]
    const known = cheqd.newDid()
    cheqd.writeDid(known, documentOf(known))
    const asked = cheqd.asked.length
    for (const did of [cheqd.newDid(), known.replace('testnet', 'devnet'), known.replace('testnet', 'mainnet')]) {
      const { document, resolutionMetadata } = await resolve(did)
      assert.deepEqual([document, resolutionMetadata.error], [null, 'notFound'], did)
    }
    for (const did of [
      'did:cheqd:testnet:me',
      'did:cheqd:testnet:..',
      known.toUpperCase().replace('DID:CHEQD:TESTNET', 'did:cheqd:testnet'),
    ]) {
      const { document, resolutionMetadata } = await resolve(did)
      assert.deepEqual([document, resolutionMetadata.error], [null, 'invalidDid'], did)
    }
    assert.equal(cheqd.asked.length, asked + 1)
  })

  test('refuses what the resolver makes of one', async () => {
    const [cheqd] = networks as [TestCheqd]
    const victim = cheqd.newDid()
    cheqd.writeDid(victim, documentOf(victim))
    const lies: Record<string, (answer: AnyEvent) => unknown> = {
      'the document of another': (answer) => ({ ...answer, didDocument: { ...answer.didDocument, id: victim } }),
      'a document alone': ({ didDocument }) => didDocument,
      'a list': (answer) => [answer],
      'a document that is text': (answer) => ({ ...answer, didDocument: JSON.stringify(answer.didDocument) }),
      'a document without metadata': ({ didDocument }) => ({ didDocument }),
      'services of another shape': (answer) => ({
        ...answer,
        didDocument: {
          ...answer.didDocument,
          service: [{ id: '#a', type: 'did-communication', serviceEndpoint: [7] }],
        },
      }),
      'deactivated or not': (answer) => ({ ...answer, didDocumentMetadata: { deactivated: 'no' } }),
    }
    for (const [what, lie] of Object.entries(lies)) {
      const did = cheqd.newDid()
      cheqd.writeDid(did, documentOf(did))
      cheqd.lie = (_asked, answer) => lie(answer)
      const { document, resolutionMetadata } = await resolve(did)
      assert.deepEqual([document, resolutionMetadata.error], [null, 'invalidDidDocument'], what)
    }
    cheqd.lie = undefined
  })

  test('makes no DID there, and publishes nothing', async () => {
    const { errors } = await tenant.client.send(OPERATIONS.createDid, { input: { method: 'cheqd' } })
    assert.deepEqual(
      [errors?.[0]?.extensions.code, errors?.[0]?.message],
      ['BAD_USER_INPUT', 'method must be key, peer, jwk, web, webvh or indy.'],
    )
    const [cheqd] = networks as [TestCheqd]
    const did = cheqd.newDid()
    cheqd.writeDid(did, documentOf(did))
    const input = { issuerDid: did, name: 'degree', version: '1.0', attributes: ['name'] }
    assert.equal(await tenant.client.codeOf(OPERATIONS.schema, { input }), 'NOT_FOUND')
  })
})

test('a gateway without cheqd networks resolves none of their DIDs', async () => {
  const store = await freshStore('sqlite')
  const gateway = await startGateway(store)
  try {
    const { client } = await makeTenant(gateway.url)
    const did = 'did:cheqd:mainnet:c82f2b02-bdab-4dd7-b833-3e143745d612'
    const { resolveDid } = await client.ask(RESOLVE, { did })
    assert.deepEqual([resolveDid.document, resolveDid.resolutionMetadata.error], [null, 'unsupportedDidMethod'])
  } finally {
    await gateway.stop()
    await store.remove()
  }
})
