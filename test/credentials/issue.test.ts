import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AnyEvent, ApiClient, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { makeUnmanaged } from '../tenancy/unmanaged.js'
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

for (const kind of STORES) {
  describe(`credentials between tenants on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let issuer: Issuer
    let holder: TestTenant
    let verifier: TestTenant
    let toHolder: { inviter: string; invitee: string }
    let toProver: { inviter: string; invitee: string }

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      issuer = await makeIssuer(gateway.url, { revocable: true })
      ;[holder, verifier] = await Promise.all([makeTenant(gateway.url), makeTenant(gateway.url)])
      toHolder = await connect(issuer, holder)
      toProver = await connect(verifier, holder)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    test('are told to the operator only where a tenant has it so, and without what only the tenant can read', async () => {
      const base = await ApiClient.operator(gateway.url).follow()
      const name = uniqueName('Secret')
      const dispatched = { eventDispatch: 'BOTH' }
      const [silent, open, closed] = await Promise.all([
        makeTenant(gateway.url),
        makeTenant(gateway.url, dispatched),
        makeUnmanaged(gateway.url, dispatched),
      ])
      for (const tenant of [silent, open, closed]) {
        await issue(issuer, tenant, await connect(issuer, tenant), name)
        const { state } = await prove(verifier, tenant, await connect(verifier, tenant), proofRequest(issuer))
        assert.equal(state, 'DONE')
      }
      const asked = { input: { name, request: proofRequest(issuer) } }
      const { requestProof } = await closed.client.ask(OPERATIONS.requestProof, asked)
      await base.find(({ proofExchange }) => proofExchange?.id === requestProof.proofExchange.id)
      await base.close()
      const told = ({ id }: TestTenant) =>
        base.events.filter(({ tenantId, topic }) => tenantId === id && topic !== 'TENANT')
      assert.deepEqual(told(silent), [])
      assert.ok(JSON.stringify(told(open)).includes(name))
      const topics = told(closed).map(({ topic }) => topic)
      for (const topic of ['CREDENTIAL', 'PROOF', 'INVITATION']) assert.ok(topics.includes(topic), topic)
      assert.ok(!JSON.stringify(told(closed)).includes(name))
      for (const { invitation } of told(closed).filter(({ topic }) => topic === 'INVITATION')) {
        const message = Buffer.from(new URL(invitation.url).searchParams.get('oob') as string, 'base64url').toString()
        assert.ok(!message.includes('requests~attach'), message)
      }
    })

    test("are not needed where a prover's own word is enough", async () => {
      const [stranger, taps] = [await makeTenant(gateway.url), await verifier.client.follow()]
      const link = await connect(verifier, stranger)
      const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, {
        input: {
          connectionId: link.inviter,
          name: 'Guestbook',
          request: { requested_attributes: { who: { name: 'name' } } },
        },
      })
      const { id, threadId } = requestProof.proofExchange
      const asked = await eventually(async () => {
        const query = 'query($threadId: ID!) { proofExchanges(filter: {threadId: $threadId}) { nodes { id } } }'
        return (await stranger.client.ask(query, { threadId })).proofExchanges.nodes[0]?.id as string | undefined
      })
      const selection = { who: { selfAttested: 'Guest' } }
      await stranger.client.ask(OPERATIONS.acceptProof, { input: { exchangeId: asked, selection } })
      const { proofExchange: done } = await inState(taps, id, 'DONE')
      assert.deepEqual([done.verified, done.revealed], [true, { who: 'Guest' }])
      await taps.close()
    })

    test('are issued, held, verified and revoked, and the next proof is refused', async () => {
      const { issued, held } = await issue(issuer, holder, toHolder, 'Ada')
      assert.equal(issued.role, 'ISSUER')
      assert.equal(held.credentialDefinitionId, issuer.definitionId)
      assert.equal(held.schemaId, issuer.schemaId)
      const { credentials } = await holder.client.ask(OPERATIONS.credentials)
      const [credential] = credentials.nodes.filter((one: { id: string }) => held.credentialIds.includes(one.id))
      assert.deepEqual(
        [credential.format, credential.issuerDid, credential.attributes, credential.revoked],
        ['ANONCREDS', issuer.did, { name: 'Ada', degree: 'Physics', year: '2024' }, false],
      )
      const { schemaId, credentialDefinitionId } = credential
      assert.deepEqual(
        { schemaId, credentialDefinitionId },
        { schemaId: issuer.schemaId, credentialDefinitionId: issuer.definitionId },
      )
      const one = await holder.client.ask(
        'query($id: ID!) { credential(id: $id) { schemaId credentialDefinitionId } }',
        {
          id: credential.id,
        },
      )
      assert.deepEqual(one.credential, { schemaId: issuer.schemaId, credentialDefinitionId: issuer.definitionId })

      const proved = await prove(verifier, holder, toProver, proofRequest(issuer, true))
      assert.deepEqual([proved.state, proved.verified, proved.revealed], ['DONE', true, { who: 'Ada' }])
      const ever = () => ({
        ...proofRequest(issuer),
        ...{ name: 'Ever', version: '1.1', non_revoked: { from: 0, to: Math.floor(Date.now() / 1000) } },
      })
      assert.equal((await prove(verifier, holder, toProver, ever())).verified, true)

      const told = await holder.client.follow()
      const { revokeCredential } = await issuer.client.ask(OPERATIONS.revoke, { id: issued.id })
      assert.equal(revokeCredential.credentialExchange.revoked, true)
      const event = await told.find(({ topic }) => topic === 'REVOCATION')
      assert.equal(event.credentialExchange.id, held.id)
      await told.close()
      const after = await holder.client.ask(OPERATIONS.credentials)
      assert.equal(after.credentials.nodes.find((one: { id: string }) => one.id === credential.id).revoked, true)

      // Asked again, the holder has nothing left to answer with, though it once had.
      const tap = await holder.client.follow()
      const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, {
        input: { connectionId: toProver.inviter, name: 'Again', request: ever() },
      })
      const { threadId } = requestProof.proofExchange
      const asked = await tap.find(({ proofExchange }) => proofExchange?.threadId === threadId)
      await tap.close()
      const { id } = asked.proofExchange
      const { request } = (await holder.client.ask(OPERATIONS.proof, { id })).proofExchange
      assert.deepEqual([request.name, request.version], ['Again', '1.1'])
      assert.equal(request.non_revoked.from, request.non_revoked.to)
      const { credentialsForProof } = await holder.client.ask(OPERATIONS.fitting, { id })
      assert.deepEqual(
        credentialsForProof.who.map(({ revoked }: { revoked: boolean }) => revoked),
        [true],
      )
      assert.equal(await holder.client.codeOf(OPERATIONS.acceptProof, { input: { exchangeId: id } }), 'CONFLICT')
      const selection = { who: credential.id, recent: credential.id }
      assert.equal(
        await holder.client.codeOf(OPERATIONS.acceptProof, { input: { exchangeId: id, selection } }),
        'BAD_USER_INPUT',
      )
      const { declineProofRequest } = await holder.client.ask(OPERATIONS.declineProof, { id, reason: 'It was revoked' })
      assert.equal(declineProofRequest.proofExchange.state, 'DECLINED')
      const refused = await eventually(async () => {
        const { proofExchange } = await verifier.client.ask(OPERATIONS.proof, { id: requestProof.proofExchange.id })
        return proofExchange.state === 'ABANDONED' && proofExchange
      })
      assert.match(refused.errorMessage, /It was revoked/)
      assert.equal(refused.verified, null)
    })

    test('without a connection go by an invitation, both ways', async () => {
      const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
        input: { credentialDefinitionId: issuer.definitionId, attributes: attributesOf('Eve'), comment: 'For you' },
      })
      const { invitation, credentialExchange } = offerCredential
      assert.equal(credentialExchange.invitationId, invitation.id)
      const stranger = await makeTenant(gateway.url)
      const [tap, atIssuer] = await Promise.all([stranger.client.follow(), issuer.client.follow()])
      await stranger.client.ask(
        'mutation($url: String!) { receiveInvitation(input: {url: $url}) { invitation { id } connection { id } } }',
        { url: invitation.url },
      )
      const offered = await tap.find(({ credentialExchange: exchange }) => exchange?.state === 'OFFER_RECEIVED')
      assert.equal(offered.credentialExchange.comment, 'For you')
      assert.ok(offered.credentialExchange.invitationId)
      await stranger.client.ask(OPERATIONS.acceptOffer, { id: offered.credentialExchange.id })
      await inState(tap, offered.credentialExchange.id, 'DONE')
      await inState(atIssuer, credentialExchange.id, 'DONE')

      const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, {
        input: { name: 'At the door', request: proofRequest(issuer), comment: 'Please' },
      })
      const atVerifier = await verifier.client.follow()
      await stranger.client.ask(
        'mutation($message: JSON!) { receiveInvitation(input: {message: $message}) { invitation { id } } }',
        { message: requestProof.invitation.message },
      )
      const asked = await tap.find(({ proofExchange }) => proofExchange?.state === 'REQUEST_RECEIVED')
      await stranger.client.ask(OPERATIONS.acceptProof, { input: { exchangeId: asked.proofExchange.id } })
      const done = await inState(atVerifier, requestProof.proofExchange.id, 'DONE')
      assert.deepEqual([done.proofExchange.verified, done.proofExchange.revealed], [true, { who: 'Eve' }])
      await Promise.all([tap.close(), atIssuer.close(), atVerifier.close()])
    })

    test('wait for each side where the tenant has said so', async () => {
      await Promise.all(
        [issuer, holder, verifier].map(({ id, client }) =>
          client.ask('mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }', {
            input: { tenantId: id, settings: { autoAcceptCredentials: 'NEVER', autoAcceptProofs: 'NEVER' } },
          }),
        ),
      )
      const [atIssuer, atHolder] = await Promise.all([issuer.client.follow(), holder.client.follow()])
      const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
        input: {
          connectionId: toHolder.inviter,
          credentialDefinitionId: issuer.definitionId,
          attributes: attributesOf('Grace'),
        },
      })
      const { id, threadId } = offerCredential.credentialExchange
      const isOf = (state: string) => (event: AnyEvent) =>
        event.credentialExchange?.threadId === threadId && event.credentialExchange.state === state
      const held = (await atHolder.find(isOf('OFFER_RECEIVED'))).credentialExchange.id
      assert.equal(await holder.client.codeOf(OPERATIONS.acceptCredential, { id: held }), 'CONFLICT')
      await holder.client.ask(OPERATIONS.acceptOffer, { id: held })
      await atIssuer.find(isOf('REQUEST_RECEIVED'))
      await issuer.client.ask(OPERATIONS.acceptRequest, { id })
      await atHolder.find(isOf('CREDENTIAL_RECEIVED'))
      await holder.client.ask(OPERATIONS.acceptCredential, { id: held })
      await atIssuer.find(isOf('DONE'))
      await Promise.all([atIssuer.close(), atHolder.close()])
      await Promise.all(
        [issuer, holder, verifier].map(({ id: tenantId, client }) =>
          client.ask('mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }', {
            input: { tenantId, settings: { autoAcceptCredentials: null, autoAcceptProofs: null } },
          }),
        ),
      )
    })

    test('an offer that is declined ends on both sides, with its reason', async () => {
      const [atIssuer, atHolder] = await Promise.all([issuer.client.follow(), holder.client.follow()])
      const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
        input: {
          connectionId: toHolder.inviter,
          credentialDefinitionId: issuer.definitionId,
          attributes: attributesOf('Ida'),
        },
      })
      const { id, threadId } = offerCredential.credentialExchange
      const offered = await atHolder.find(({ credentialExchange }) => credentialExchange?.threadId === threadId)
      const { declineCredentialOffer } = await holder.client.ask(OPERATIONS.declineOffer, {
        id: offered.credentialExchange.id,
        reason: 'Not mine',
      })
      assert.equal(declineCredentialOffer.credentialExchange.state, 'DECLINED')
      const ended = await inState(atIssuer, id, 'ABANDONED')
      assert.match(ended.credentialExchange.errorMessage, /Not mine/)
      await Promise.all([atIssuer.close(), atHolder.close()])
    })

    test('a retried offer is one offer', async () => {
      const input = {
        connectionId: toHolder.inviter,
        credentialDefinitionId: issuer.definitionId,
        attributes: attributesOf('Joan'),
        idempotencyKey: uniqueName('key'),
      }
      const offers = await Promise.all([1, 2, 3].map(() => issuer.client.ask(OPERATIONS.offer, { input })))
      const ids = new Set(offers.map(({ offerCredential }) => offerCredential.credentialExchange.id))
      assert.equal(ids.size, 1)
      const other = { ...input, attributes: attributesOf('Jane') }
      assert.equal(await issuer.client.codeOf(OPERATIONS.offer, { input: other }), 'CONFLICT')
    })

    test('refuse plainly what does not fit, and what is another tenant’s', async () => {
      const connectionId = toHolder.inviter
      const offer = { connectionId, credentialDefinitionId: issuer.definitionId, attributes: attributesOf('Kay') }
      const codeOf = (input: object) => issuer.client.codeOf(OPERATIONS.offer, { input: { ...offer, ...input } })
      assert.equal(await codeOf({ attributes: attributesOf('Kay').slice(1) }), 'BAD_USER_INPUT')
      assert.equal(await codeOf({ attributes: [...attributesOf('Kay'), ...attributesOf('Kay')] }), 'BAD_USER_INPUT')
      assert.equal(await codeOf({ credentialDefinitionId: `${issuer.definitionId}x` }), 'NOT_FOUND')
      assert.equal(await codeOf({ connectionId: toHolder.invitee }), 'NOT_FOUND')
      // Another tenant can neither issue with, revoke, nor see it.
      const { client } = verifier
      assert.equal(await client.codeOf(OPERATIONS.offer, { input: { ...offer, connectionId: undefined } }), 'NOT_FOUND')
      const { issued } = await issue(issuer, holder, toHolder, 'Kay')
      assert.equal(await client.codeOf(OPERATIONS.revoke, { id: issued.id }), 'NOT_FOUND')
      assert.equal((await client.ask(OPERATIONS.exchange, { id: issued.id })).credentialExchange, null)
      assert.equal(await holder.client.codeOf(OPERATIONS.revoke, { id: issued.id }), 'NOT_FOUND')
      const schema = { issuerDid: issuer.did, name: 'x', version: '1', attributes: ['a'] }
      assert.equal(await client.codeOf(OPERATIONS.schema, { input: schema }), 'NOT_FOUND')
      const definition = { issuerDid: issuer.did, schemaId: issuer.schemaId, tag: 'mine' }
      assert.equal(await client.codeOf(OPERATIONS.definition, { input: definition }), 'NOT_FOUND')
      const lists = await client.ask('{ schemas { nodes { id } } credentialDefinitions { nodes { id } } }')
      assert.deepEqual([lists.schemas.nodes, lists.credentialDefinitions.nodes], [[], []])
      const nowhere = { issuerDid: issuer.did, schemaId: 'foo', tag: 'mine' }
      const { errors } = await issuer.client.send(OPERATIONS.definition, { input: nowhere })
      assert.deepEqual(errors?.[0]?.extensions, { code: 'NOT_FOUND', field: 'input.schemaId' })
      // Names and tags are used once, attributes named once.
      const again = { ...definition, tag: 'default' }
      assert.equal(await issuer.client.codeOf(OPERATIONS.definition, { input: again }), 'CONFLICT')
      for (const attributes of [[], ['a', 'A'], ['first name', 'firstname'], [''], ['a\n']]) {
        assert.equal(
          await issuer.client.codeOf(OPERATIONS.schema, { input: { ...schema, attributes } }),
          'BAD_USER_INPUT',
        )
      }
      for (const request of [
        {},
        { requested_attributes: {} },
        { requested_attributes: { x: { name: 'a', names: ['b'] } } },
        { requested_attributes: { x: { name: 'a' } }, non_revoked: { from: 2, to: 1 } },
        { requested_attributes: { x: { name: 'a' } }, nonce: '1234567890' },
        { requested_predicates: { x: { name: 'a', p_type: '=', p_value: 1 } } },
        { requested_attributes: { x: { name: 'a' } }, more: 1 },
      ]) {
        const input = { connectionId: toProver.inviter, name: 'x', request }
        assert.equal(await client.codeOf(OPERATIONS.requestProof, { input }), 'BAD_USER_INPUT', JSON.stringify(request))
      }
      const long = 'k'.repeat(21)
      for (const [request, told] of [
        [{}, 'it must ask for 1 to 100 things'],
        [{ requested_attributes: 1 }, 'requested_attributes does not fit'],
        [{ requested_attributes: { x: { name: 'a', value: 'b' } } }, 'requested_attributes has an unknown key: value'],
        [{ requested_attributes: { x: { name: 'a', [long]: 'b' } } }, 'requested_attributes has an unknown key'],
        [{ requested_attributes: { x: { name: 'a' } }, more: 1 }, 'it has an unknown key: more'],
        [
          { requested_attributes: { x: { name: 'a' } }, nonce: '1' },
          'it has a nonce, which the gateway makes for each',
        ],
        [
          { requested_attributes: { x: { name: 'a' } }, non_revoked: { from: 2, to: 1 } },
          'non_revoked needs a from that is not after its to',
        ],
      ] as const) {
        const { errors } = await client.send(OPERATIONS.requestProof, { input: { name: 'x', request } })
        assert.equal(errors?.[0]?.message, `This is not a presentation request: ${told}.`)
      }
    })
  })
}
