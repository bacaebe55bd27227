import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { EXCHANGE_FIELDS, makeTenant, PROOF_FIELDS, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import {
  attributesOf,
  connect,
  type Issuer,
  inState,
  issue,
  makeIssuer,
  OPERATIONS,
  proofRequest,
  prove,
} from './story.js'

const credentialOf = (name: string, input: string) =>
  `mutation($input: ${input}!) { ${name}(input: $input) { credentialExchange { ${EXCHANGE_FIELDS} } } }`
const proofOf = (name: string, input: string) =>
  `mutation($input: ${input}!) { ${name}(input: $input) { proofExchange { ${PROOF_FIELDS} } } }`

const PROPOSE = credentialOf('proposeCredential', 'ProposeCredentialInput')
const ACCEPT = credentialOf('acceptCredentialProposal', 'AcceptCredentialProposalInput')
const DECLINE = `mutation($id: ID!, $reason: String) { declineCredentialProposal(exchangeId: $id, reason: $reason) {
  credentialExchange { ${EXCHANGE_FIELDS} } } }`
const PROPOSE_PROOF = proofOf('proposeProof', 'ProposeProofInput')
const ACCEPT_PROOF = proofOf('acceptProofProposal', 'AcceptProofProposalInput')
const DECLINE_PROOF = `mutation($id: ID!, $reason: String) { declineProofProposal(exchangeId: $id, reason: $reason) {
  proofExchange { ${PROOF_FIELDS} } } }`
const FORGET = 'mutation($id: ID!) { deleteCredentialExchange(exchangeId: $id) { deletedId } }'
const FORGET_PROOF = 'mutation($id: ID!) { deleteProofExchange(exchangeId: $id) { deletedId } }'

for (const kind of STORES) {
  describe(`proposals between tenants on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let issuer: Issuer
    let holder: TestTenant
    let connections: { inviter: string; invitee: string }

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      issuer = await makeIssuer(gateway.url, { revocable: true, revocationRegistrySize: 10 })
      holder = await makeTenant(gateway.url)
      connections = await connect(issuer, holder)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    const proposal = (name: string) => ({
      connectionId: connections.invitee,
      credentialDefinitionId: issuer.definitionId,
      attributes: attributesOf(name),
    })

    const choose = ({ id, client }: TestTenant, settings: object) =>
      client.ask('mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }', {
        input: { tenantId: id, settings },
      })

    const proposed = async (name: string, more: object = {}) => {
      const atIssuer = await issuer.client.follow()
      const { proposeCredential } = await holder.client.ask(PROPOSE, { input: { ...proposal(name), ...more } })
      const own = proposeCredential.credentialExchange
      const event = await atIssuer.find(({ credentialExchange }) => credentialExchange?.threadId === own.threadId)
      await atIssuer.close()
      return { own, their: event.credentialExchange }
    }

    test('what a holder proposes waits for the issuer, and goes on by itself once it is offered as proposed', async () => {
      const [atIssuer, atHolder] = await Promise.all([issuer.client.follow(), holder.client.follow()])
      const { own, their } = await proposed('Ada', { comment: 'Please', idempotencyKey: uniqueName('key') })
      assert.deepEqual([own.state, own.role, own.comment], ['PROPOSAL_SENT', 'HOLDER', 'Please'])
      assert.deepEqual(
        [their.state, their.comment, their.credentialDefinitionId, their.attributes],
        ['PROPOSAL_RECEIVED', 'Please', issuer.definitionId, attributesOf('Ada')],
      )
      const { acceptCredentialProposal } = await issuer.client.ask(ACCEPT, {
        input: { exchangeId: their.id, comment: 'Here' },
      })
      const offered = acceptCredentialProposal.credentialExchange
      assert.deepEqual([offered.state, offered.comment], ['OFFER_SENT', 'Here'])
      // The holder has said what it wants: CONTENT_APPROVED requests it.
      const held = await inState(atHolder, own.id, 'DONE')
      assert.deepEqual(held.credentialExchange.attributes, attributesOf('Ada'))
      await inState(atIssuer, their.id, 'DONE')
      assert.equal(await issuer.client.codeOf(ACCEPT, { input: { exchangeId: their.id } }), 'CONFLICT')
      await Promise.all([atIssuer.close(), atHolder.close()])
    })

    test('an offer of something else waits for the holder', async () => {
      const atHolder = await holder.client.follow()
      const { own, their } = await proposed('Grace')
      await issuer.client.ask(ACCEPT, { input: { exchangeId: their.id, attributes: attributesOf('Grace H.') } })
      const offered = await inState(atHolder, own.id, 'OFFER_RECEIVED')
      assert.deepEqual(offered.credentialExchange.attributes, attributesOf('Grace H.'))
      await holder.client.ask(OPERATIONS.acceptOffer, { id: own.id })
      const done = await inState(atHolder, own.id, 'DONE')
      const { credentials } = await holder.client.ask(OPERATIONS.credentials)
      const held = credentials.nodes.find(({ id }: { id: string }) =>
        done.credentialExchange.credentialIds.includes(id),
      )
      assert.equal(held.attributes.name, 'Grace H.')
      await atHolder.close()
    })

    test('a proposal that is declined ends on both sides, with its reason', async () => {
      const atHolder = await holder.client.follow()
      const { own, their } = await proposed('Ida')
      const { declineCredentialProposal } = await issuer.client.ask(DECLINE, { id: their.id, reason: 'Not you' })
      assert.equal(declineCredentialProposal.credentialExchange.state, 'DECLINED')
      const ended = await inState(atHolder, own.id, 'ABANDONED')
      assert.match(ended.credentialExchange.errorMessage, /Not you/)
      await atHolder.close()
    })

    test('with ALWAYS what can be offered is offered, and nothing else', async () => {
      await choose(issuer, { autoAcceptCredentials: 'ALWAYS' })
      const atHolder = await holder.client.follow()
      const { own } = await proposed('Joan')
      await inState(atHolder, own.id, 'DONE')
      const few = await proposed('Jane', { attributes: attributesOf('Jane').slice(1) })
      const foreign = await proposed('Jane', { credentialDefinitionId: `${issuer.definitionId}x` })
      for (const { their } of [few, foreign]) {
        const { credentialExchange } = await issuer.client.ask(OPERATIONS.exchange, { id: their.id })
        assert.equal(credentialExchange.state, 'PROPOSAL_RECEIVED')
      }
      await choose(issuer, { autoAcceptCredentials: null })
      // The issuer sees what is wrong with it, and may give what is missing.
      assert.equal(await issuer.client.codeOf(ACCEPT, { input: { exchangeId: few.their.id } }), 'BAD_USER_INPUT')
      assert.equal(await issuer.client.codeOf(ACCEPT, { input: { exchangeId: foreign.their.id } }), 'NOT_FOUND')
      await issuer.client.ask(ACCEPT, {
        input: {
          exchangeId: foreign.their.id,
          credentialDefinitionId: issuer.definitionId,
          attributes: attributesOf('Jane'),
        },
      })
      await inState(atHolder, foreign.own.id, 'OFFER_RECEIVED')
      await atHolder.close()
    })

    test('a proof that is proposed is asked as proposed or otherwise, and declined with a reason', async () => {
      const [atVerifier, atProver] = await Promise.all([issuer.client.follow(), holder.client.follow()])
      await issue(issuer, holder, connections, 'Kay')
      const propose = async () => {
        const { proposeProof } = await holder.client.ask(PROPOSE_PROOF, {
          input: {
            connectionId: connections.invitee,
            name: 'Entry',
            request: proofRequest(issuer, true),
            comment: 'It is me',
          },
        })
        const own = proposeProof.proofExchange
        const { proofExchange } = await atVerifier.find((event) => event.proofExchange?.threadId === own.threadId)
        return { own, their: proofExchange }
      }
      const { own, their } = await propose()
      assert.deepEqual([own.state, own.role], ['PROPOSAL_SENT', 'PROVER'])
      assert.deepEqual(
        [their.state, their.comment, their.request.name, Object.keys(their.request.requested_attributes)],
        ['PROPOSAL_RECEIVED', 'It is me', 'Entry', ['who']],
      )
      await issuer.client.ask(ACCEPT_PROOF, { input: { exchangeId: their.id } })
      // The prover has said what it shows: CONTENT_APPROVED answers.
      const { proofExchange: done } = await inState(atVerifier, their.id, 'DONE')
      assert.deepEqual([done.verified, Object.keys(done.revealed)], [true, ['who']])

      const other = await propose()
      const request = { requested_attributes: { what: { name: 'degree' } } }
      await issuer.client.ask(ACCEPT_PROOF, { input: { exchangeId: other.their.id, request, comment: 'Rather this' } })
      const { proofExchange: asked } = await inState(atProver, other.own.id, 'REQUEST_RECEIVED')
      assert.deepEqual([Object.keys(asked.request.requested_attributes), asked.comment], [['what'], 'Rather this'])
      await holder.client.ask(OPERATIONS.acceptProof, { input: { exchangeId: other.own.id } })
      const { proofExchange: shown } = await inState(atVerifier, other.their.id, 'DONE')
      assert.deepEqual(shown.revealed, { what: 'Physics' })

      const last = await propose()
      await issuer.client.ask(DECLINE_PROOF, { id: last.their.id, reason: 'Not today' })
      const ended = await inState(atProver, last.own.id, 'ABANDONED')
      assert.match(ended.proofExchange.errorMessage, /Not today/)
      await Promise.all([atVerifier.close(), atProver.close()])
    })

    test('proposals take no place in a revocation registry', async () => {
      // More than both registries that are ready have.
      for (let count = 0; count < 21; count++) {
        const { their } = await proposed(`Nobody ${count}`)
        await issuer.client.ask(ACCEPT, { input: { exchangeId: their.id, attributes: attributesOf('Else') } })
      }
      const { issued } = await issue(issuer, holder, connections, 'Last')
      assert.equal(issued.state, 'DONE')
    })

    test('exchanges are forgotten with their messages, and credentials stay', async () => {
      const { issued, held } = await issue(issuer, holder, connections, 'Mae')
      const proved = await prove(issuer, holder, connections, proofRequest(issuer))
      assert.equal(await issuer.client.codeOf(FORGET, { id: held.id }), 'NOT_FOUND')
      // Without its exchange a credential could not be revoked any more.
      assert.equal(await issuer.client.codeOf(FORGET, { id: issued.id }), 'CONFLICT')
      await issuer.client.ask(OPERATIONS.revoke, { id: issued.id })
      for (const [{ client }, id] of [
        [issuer, issued.id],
        [holder, held.id],
      ] as const) {
        const usage = async () => (await client.ask('{ usage { storageBytes } }')).usage.storageBytes as number
        const before = await usage()
        await client.ask(FORGET, { id })
        assert.equal((await client.ask(OPERATIONS.exchange, { id })).credentialExchange, null)
        const freed = before - (await usage())
        // An offer alone, with its proof of correctness, has some 10 kB.
        assert.ok(freed > 10_000, `${freed} bytes`)
        assert.equal(await client.codeOf(FORGET, { id }), 'NOT_FOUND')
      }
      await issuer.client.ask(FORGET_PROOF, { id: proved.id })
      assert.equal((await issuer.client.ask(OPERATIONS.proof, { id: proved.id })).proofExchange, null)
      assert.equal(await issuer.client.codeOf(OPERATIONS.revoke, { id: issued.id }), 'NOT_FOUND')
      const { credentials } = await holder.client.ask(OPERATIONS.credentials)
      const stored = credentials.nodes.find(({ id }: { id: string }) => held.credentialIds.includes(id))
      // Whether it is revoked was told to the exchange.
      assert.deepEqual([stored.attributes.name, stored.revoked], ['Mae', null])
    })

    test('credentials are found by what they were issued with', async () => {
      const FIND = 'query($filter: CredentialFilter) { credentials(filter: $filter) { nodes { issuerDid } } }'
      const count = async (filter: object) =>
        (await holder.client.ask(FIND, { filter })).credentials.nodes.length as number
      const all = await count({})
      assert.ok(all > 0)
      const { definitionId: credentialDefinitionId, schemaId, did: issuerDid } = issuer
      assert.equal(await count({ credentialDefinitionId, schemaId, issuerDid }), all)
      for (const filter of [{ credentialDefinitionId: schemaId }, { schemaId: 'x' }, { issuerDid: 'did:web:x' }]) {
        assert.equal(await count(filter), 0)
      }
    })

    test('are refused plainly where they do not fit, or belong to somebody else', async () => {
      const stranger = await makeTenant(gateway.url)
      const codeOf = (input: object) => holder.client.codeOf(PROPOSE, { input: { ...proposal('Olga'), ...input } })
      assert.equal(await codeOf({ connectionId: connections.inviter }), 'NOT_FOUND')
      assert.equal(await codeOf({ attributes: [{ name: '', value: 'x' }] }), 'BAD_USER_INPUT')
      const { own, their } = await proposed('Olga')
      for (const operation of [ACCEPT, ACCEPT_PROOF]) {
        assert.equal(await stranger.client.codeOf(operation, { input: { exchangeId: their.id } }), 'NOT_FOUND')
      }
      for (const operation of [DECLINE, DECLINE_PROOF, FORGET, FORGET_PROOF]) {
        assert.equal(await stranger.client.codeOf(operation, { id: their.id }), 'NOT_FOUND')
      }
      assert.equal(await holder.client.codeOf(ACCEPT, { input: { exchangeId: own.id } }), 'CONFLICT')
      const input = { connectionId: connections.invitee, name: 'x', request: {} }
      assert.equal(await holder.client.codeOf(PROPOSE_PROOF, { input }), 'BAD_USER_INPUT')
    })
  })
}
