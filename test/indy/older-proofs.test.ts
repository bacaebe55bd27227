import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { AnonCredsProof, AnonCredsProofRequest } from '@credo-ts/anoncreds'
import { AnonCredsWorkers, type Result } from '../../src/anoncreds/index.js'
import { attachedTo, type Line, Rogue, threadOf } from '../credentials/rogue.js'
import { OPERATIONS } from '../credentials/story.js'
import { type AnyEvent, makeTenant, PROOF_FIELDS, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { tempDir } from '../support/services.js'
import { eventually } from '../support/talk.js'
import { TestLedger } from './ledger.js'
import { TestPool } from './pool.js'

const DID = 'Th7MpTaRZVRYnPiabds81Y'
const SCHEMA = `${DID}:2:degree:1.0`
const DEFINITION = `${DID}:3:CL:12:default`
/** SHA-256 of the text, as a number. */
const ALICE = { raw: 'Alice', encoded: '27034640024117331033063128044004318218486816931520886405535659934417438781507' }
const PREVIEW = {
  '@type': 'https://didcomm.org/present-proof/1.0/presentation-preview',
  attributes: [{ name: 'name', cred_def_id: DEFINITION }],
  predicates: [{ name: 'year', cred_def_id: DEFINITION, predicate: '>=', threshold: 2000 }],
}
const OF_THREAD = `query($threadId: ID!) { proofExchanges(filter: {threadId: $threadId}) { nodes { ${PROOF_FIELDS} } } }`
const ACCEPT = `mutation($input: AcceptProofProposalInput!) { acceptProofProposal(input: $input) {
  proofExchange { ${PROOF_FIELDS} } } }`

describe('present proof 1.0, proposed by a prover with a credential of an Indy ledger', () => {
  const workers = new AnonCredsWorkers()
  const folder = tempDir()
  const ledger = new TestLedger()
  const schema = { issuerId: DID, name: 'degree', version: '1.0', attrNames: ['name', 'year'] }
  let pool: TestPool
  let store: TestStore
  let gateway: TestGateway
  let verifier: TestTenant
  let rogue: Rogue
  let line: Line
  let made: Result<'createCredentialDefinition'>
  let linkSecret: string
  let credential: Result<'legacyToW3c'>

  before(async () => {
    pool = await TestPool.open(ledger.answer)
    const genesis = `${folder.path}/genesis.txn`
    writeFileSync(genesis, pool.genesis)
    store = await freshStore('sqlite')
    const networks = JSON.stringify([{ namespace: 'test', genesis }])
    ;[gateway, rogue] = await Promise.all([startGateway(store, { INDY_NETWORKS: networks }), Rogue.create()])
    verifier = await makeTenant(gateway.url)
    line = await rogue.connectTo(verifier)
    await issue()
  })
  after(async () => {
    await Promise.all([rogue?.close(), gateway?.stop(), workers.stop()])
    await pool?.close()
    await store?.remove()
    folder.remove()
  })

  /** Somebody else has issued it, long ago. */
  async function issue() {
    const published = { schema, schemaId: SCHEMA, issuerId: DID, tag: 'default', supportRevocation: false }
    made = await workers.call('issuer', 'createCredentialDefinition', published)
    ledger.nym(DID, { verkey: '~7TYfekw4GUagBnBVCqPjiC' })
    ledger.schema(DID, schema, 12)
    ledger.definition(DID, 12, made.credentialDefinition)
    linkSecret = await workers.call('holder', 'createLinkSecret', {})
    const offer = await workers.call('issuer', 'createCredentialOffer', {
      schemaId: SCHEMA,
      definitionId: DEFINITION,
      keyCorrectnessProof: made.keyCorrectnessProof,
    })
    const definition = made.credentialDefinition
    const { credentialRequest, credentialRequestMetadata } = await workers.call('holder', 'createCredentialRequest', {
      ...{ offer, definition, linkSecret, linkSecretId: 'mine', proverDid: DID },
    })
    const issued = await workers.call('issuer', 'createCredential', {
      definition,
      definitionPrivate: made.credentialDefinitionPrivate,
      offer,
      request: credentialRequest,
      raw: { name: ALICE.raw, year: '2020' },
      encoded: { name: ALICE.encoded, year: '2020' },
    })
    credential = await workers.call('holder', 'legacyToW3c', {
      credential: issued,
      issuerId: `did:indy:test:${DID}`,
      processing: { requestMetadata: credentialRequestMetadata, linkSecret, definition },
    })
  }

  const exchangeOf = async (threadId: string): Promise<AnyEvent> =>
    (await verifier.client.ask(OF_THREAD, { threadId })).proofExchanges.nodes[0]

  /** A prover proposes, and the tenant asks that, or something else. */
  async function ask(request?: object): Promise<{ id: string; threadId: string; request: AnonCredsProofRequest }> {
    const proposal = await rogue.send(line, 'present-proof/1.0/propose-presentation', undefined, {
      comment: 'May I?',
      presentation_proposal: PREVIEW,
    })
    const threadId = proposal['@id']
    const proposed = await eventually(() => exchangeOf(threadId))
    assert.deepEqual([proposed.state, proposed.role, proposed.comment], ['PROPOSAL_RECEIVED', 'VERIFIER', 'May I?'])
    assert.deepEqual(proposed.request.requested_predicates, {
      year: { name: 'year', p_type: '>=', p_value: 2000, restrictions: [{ cred_def_id: DEFINITION }] },
    })
    const { id } = proposed
    const { acceptProofProposal } = await verifier.client.ask(ACCEPT, { input: { exchangeId: id, request } })
    assert.equal(acceptProofProposal.proofExchange.state, 'REQUEST_SENT')
    const message = await rogue.received('present-proof/1.0/request-presentation', (one) => threadOf(one) === threadId)
    return { id, threadId, request: attachedTo(message, 'request_presentations') }
  }

  const present = (request: AnonCredsProofRequest): Promise<AnonCredsProof> =>
    workers.call('holder', 'createPresentation', {
      request,
      credentials: [{ credential, identifiers: { schema_id: SCHEMA, cred_def_id: DEFINITION } }],
      proves: [
        { entryIndex: 0, referent: 'name', isPredicate: false, reveal: true },
        { entryIndex: 0, referent: 'year', isPredicate: true, reveal: true },
      ],
      selfAttested: {},
      linkSecret,
      schemas: { [SCHEMA]: schema },
      definitions: { [DEFINITION]: made.credentialDefinition },
    })

  const answer = (threadId: string, proof: AnonCredsProof) =>
    rogue.send(line, 'present-proof/1.0/presentation', threadId, {
      'presentations~attach': [
        {
          '@id': 'libindy-presentation-0',
          'mime-type': 'application/json',
          data: { base64: Buffer.from(JSON.stringify(proof)).toString('base64') },
        },
      ],
    })

  const ended = (id: string): Promise<AnyEvent> =>
    eventually(async () => {
      const { proofExchange } = await verifier.client.ask(OPERATIONS.proof, { id })
      return ['DONE', 'ABANDONED'].includes(proofExchange.state) && proofExchange
    })

  test('is asked as proposed, and verified', async () => {
    const { id, threadId, request } = await ask()
    assert.deepEqual(request.requested_attributes, {
      name: { name: 'name', restrictions: [{ cred_def_id: DEFINITION }] },
    })
    await answer(threadId, await present(request))
    const { state, verified, revealed } = await ended(id)
    assert.deepEqual([state, verified, revealed], ['DONE', true, { name: 'Alice' }])
    await rogue.received('present-proof/1.0/ack', (one) => threadOf(one) === threadId)
  })

  test('is asked otherwise, and what was not asked so is refused', async () => {
    const later = {
      requested_attributes: { name: { name: 'name', restrictions: [{ cred_def_id: DEFINITION }] } },
      requested_predicates: {
        year: { name: 'year', p_type: '>=', p_value: 2010, restrictions: [{ cred_def_id: DEFINITION }] },
      },
    }
    const good = await ask(later)
    assert.deepEqual((await exchangeOf(good.threadId)).request.requested_predicates, later.requested_predicates)
    await answer(good.threadId, await present(good.request))
    assert.deepEqual([(await ended(good.id)).verified], [true])

    const easier = await ask(later)
    const { year } = easier.request.requested_predicates
    const predicates = { year: { ...(year as NonNullable<typeof year>), p_value: 2000 } }
    await answer(easier.threadId, await present({ ...easier.request, requested_predicates: predicates }))
    await refused(easier)
  })

  const refused = async ({ id, threadId }: { id: string; threadId: string }) => {
    const { state, verified, revealed } = await ended(id)
    assert.deepEqual([state, revealed], ['ABANDONED', null])
    assert.notEqual(verified, true)
    await rogue.received('present-proof/1.0/problem-report', (one) => threadOf(one) === threadId)
  }

  test('is refused where a value is another, or the presentation was for another request', async () => {
    const changed = await ask()
    const proof = structuredClone(await present(changed.request))
    Object.assign(proof.requested_proof.revealed_attrs['name'] as object, { raw: '7', encoded: '7' })
    await answer(changed.threadId, proof)
    await refused(changed)

    const told = await ask()
    const otherwise = structuredClone(await present(told.request))
    Object.assign(otherwise.requested_proof.revealed_attrs['name'] as object, { raw: 'Eve' })
    await answer(told.threadId, otherwise)
    await refused(told)

    const again = await ask()
    await answer(again.threadId, await present({ ...again.request, nonce: '1234567890' }))
    await refused(again)
  })
})
