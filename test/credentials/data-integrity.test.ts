import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AnyEvent, ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { exportTenant, importTenant } from '../tenancy/archives.js'
import { deleteTenant } from '../tenancy/states.js'
import {
  attributesOf,
  connect,
  type Issuer,
  inState,
  issue,
  makeIssuer,
  OPERATIONS,
  presentationDefinition,
  proofRequest,
  prove,
} from './story.js'

const BY_EXCHANGE = { format: 'PRESENTATION_EXCHANGE' } as const

for (const kind of STORES) {
  describe(`credentials of data integrity on ${kind}`, () => {
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

    const held = async (id: string) =>
      (await holder.client.ask(OPERATIONS.credentials)).credentials.nodes.find((one: AnyEvent) => one.id === id)

    test('are offered, held, proved in both ways, and refused once they are revoked', async () => {
      const both = await issue(issuer, holder, toHolder, 'Ada', 'DATA_INTEGRITY')
      for (const side of [both.issued, both.held]) {
        assert.deepEqual(
          [side.state, side.format, side.schemaId, side.credentialDefinitionId],
          ['DONE', 'DATA_INTEGRITY', issuer.schemaId, issuer.definitionId],
        )
        assert.deepEqual(sorted(side.attributes), sorted(attributesOf('Ada')))
      }
      const [id] = both.held.credentialIds
      assert.deepEqual(await held(id), {
        id,
        format: 'DATA_INTEGRITY',
        issuerDid: issuer.did,
        attributes: { name: 'Ada', degree: 'Physics', year: '2024' },
        schemaId: issuer.schemaId,
        credentialDefinitionId: issuer.definitionId,
        revoked: false,
      })
      const definition = presentationDefinition(issuer, true)
      const proved = await prove(verifier, holder, toProver, definition, BY_EXCHANGE)
      assert.deepEqual(
        [proved.state, proved.verified, proved.revealed, proved.format],
        ['DONE', true, { degree: { name: 'Ada' } }, 'PRESENTATION_EXCHANGE'],
      )
      assert.deepEqual(proved.request.input_descriptors, definition.input_descriptors)
      const classic = await prove(verifier, holder, toProver, proofRequest(issuer, true))
      assert.deepEqual([classic.verified, classic.revealed], [true, { who: 'Ada' }])

      // Asked before, and answered after.
      const [atHolder, atVerifier] = await Promise.all([holder.client.follow(), verifier.client.follow()])
      const asked = await ask(definition)
      await atHolder.find(({ proofExchange }) => proofExchange?.threadId === asked.threadId)
      await issuer.client.ask(OPERATIONS.revoke, { id: both.issued.id })
      await atHolder.find(({ topic }) => topic === 'REVOCATION')
      assert.equal((await held(id)).revoked, true)
      const mine = (await exchangesOf(holder)).find((one: AnyEvent) => one.threadId === asked.threadId) as AnyEvent
      const { credentialsForProof } = await holder.client.ask(OPERATIONS.fitting, { id: mine.id })
      assert.deepEqual(
        credentialsForProof.degree.map((one: AnyEvent) => [one.credentialId, one.revoked]),
        [[id, true]],
      )
      const { errors } = await holder.client.send(OPERATIONS.acceptProof, { input: { exchangeId: mine.id } })
      assert.equal(errors?.[0]?.extensions.code, 'CONFLICT')
      await holder.client.ask(OPERATIONS.declineProof, { id: mine.id, reason: 'It is gone' })
      await inState(atVerifier, asked.id, 'ABANDONED')
      await Promise.all([atHolder.close(), atVerifier.close()])
    })

    test('and those of AnonCreds answer one definition together, as chosen or by themselves', async () => {
      const [ada, grace] = [
        await issue(issuer, holder, toHolder, 'Ada', 'DATA_INTEGRITY'),
        await issue(issuer, holder, toHolder, 'Grace'),
      ]
      assert.equal((await held(grace.held.credentialIds[0])).format, 'ANONCREDS')
      const named = (id: string, name?: string) => ({
        id,
        constraints: {
          fields: [
            { path: ['$.issuer'], filter: { const: issuer.did } },
            {
              path: ['$.proof.verificationMethod', '$.proof[0].verificationMethod'],
              filter: { enum: [issuer.definitionId] },
            },
            {
              path: ['$.vc.credentialSubject.name', '$.credentialSubject.name'],
              ...(name && { filter: { const: name } }),
            },
          ],
        },
      })
      const definition = { input_descriptors: [named('who', 'Ada'), named('also', 'Grace'), named('any')] }
      const selection = { any: ada.held.credentialIds[0] }
      const proved = await prove(verifier, holder, toProver, definition, { ...BY_EXCHANGE, selection })
      assert.deepEqual(
        [proved.state, proved.revealed],
        ['DONE', { who: { name: 'Ada' }, also: { name: 'Grace' }, any: { name: 'Ada' } }],
      )
      const asked = await ask(definition)
      const { id } = await request(asked.threadId)
      const { credentialsForProof } = await holder.client.ask(OPERATIONS.fitting, { id })
      assert.deepEqual(Object.keys(credentialsForProof), ['who', 'also', 'any'])
      for (const [given, field] of [
        [{ who: grace.held.credentialIds[0] }, 'input.selection'],
        [{ somebody: grace.held.credentialIds[0] }, 'input.selection'],
        [{ who: { selfAttested: 'Root' } }, 'input.selection'],
      ] as const) {
        const { errors } = await holder.client.send(OPERATIONS.acceptProof, {
          input: { exchangeId: id, selection: given },
        })
        assert.deepEqual([errors?.[0]?.extensions.code, errors?.[0]?.extensions.field], ['BAD_USER_INPUT', field])
      }
    })

    test('can be declined, and offered and asked for out of band', async () => {
      const atIssuer = await issuer.client.follow()
      const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
        input: { ...offerOf('Ada'), handshake: false },
      })
      const receive = `mutation($url: String!) { receiveInvitation(input: {url: $url}) { invitation { id } } }`
      const { receiveInvitation } = await holder.client.ask(receive, { url: offerCredential.invitation.url })
      const { credentialExchanges } = await holder.client.ask(
        'query($id: ID!) { credentialExchanges(filter: {invitationId: $id}) { nodes { id state format attributes { name value } } } }',
        { id: receiveInvitation.invitation.id },
      )
      const [offered] = credentialExchanges.nodes
      assert.deepEqual([offered.state, offered.format], ['OFFER_RECEIVED', 'DATA_INTEGRITY'])
      assert.deepEqual(sorted(offered.attributes), sorted(attributesOf('Ada')))
      await holder.client.ask(OPERATIONS.acceptOffer, { id: offered.id })
      await inState(atIssuer, offerCredential.credentialExchange.id, 'DONE')
      await atIssuer.close()
    })

    test('are proposed by a prover, and asked as proposed', async () => {
      await issue(issuer, holder, toHolder, 'Ada', 'DATA_INTEGRITY')
      const [atHolder, atVerifier] = await Promise.all([holder.client.follow(), verifier.client.follow()])
      const propose = `mutation($input: ProposeProofInput!) { proposeProof(input: $input) { proofExchange { id threadId format } } }`
      const { proposeProof } = await holder.client.ask(propose, {
        input: {
          connectionId: toProver.invitee,
          name: 'Who I am',
          request: presentationDefinition(issuer),
          ...BY_EXCHANGE,
        },
      })
      const { id, threadId, format } = proposeProof.proofExchange
      assert.equal(format, 'PRESENTATION_EXCHANGE')
      const { proofExchange } = await atVerifier.find((event) => event.proofExchange?.threadId === threadId)
      assert.deepEqual([proofExchange.state, proofExchange.format], ['PROPOSAL_RECEIVED', 'PRESENTATION_EXCHANGE'])
      await verifier.client.ask(
        'mutation($id: ID!) { acceptProofProposal(input: {exchangeId: $id}) { proofExchange { id } } }',
        { id: proofExchange.id },
      )
      await inState(atHolder, id, 'DONE')
      const done = await inState(atVerifier, proofExchange.id, 'DONE')
      assert.deepEqual(done.proofExchange.revealed, { degree: { name: 'Ada' } })
      await Promise.all([atHolder.close(), atVerifier.close()])
    })

    test('go with their tenant', async () => {
      const operator = ApiClient.operator(gateway.url)
      const leaving = await makeTenant(gateway.url)
      const [byIssuer, byVerifier] = [await connect(issuer, leaving), await connect(verifier, leaving)]
      await issue(issuer, leaving, byIssuer, 'Ada', 'DATA_INTEGRITY')
      const archive = await exportTenant(operator, { tenantId: leaving.id })
      await deleteTenant(gateway.url, leaving)
      const { data } = await importTenant(operator, archive)
      const come = { ...leaving, client: new ApiClient(gateway.url, { token: data?.token }) }
      const { credentials } = await come.client.ask(OPERATIONS.credentials)
      assert.deepEqual(
        credentials.nodes.map(({ format, attributes }: AnyEvent) => [format, attributes.name]),
        [['DATA_INTEGRITY', 'Ada']],
      )
      const proved = await prove(verifier, come, byVerifier, presentationDefinition(issuer), BY_EXCHANGE)
      assert.deepEqual([proved.state, proved.revealed], ['DONE', { degree: { name: 'Ada' } }])
    })

    test('are neither offered nor asked for in ways that cannot be kept', async () => {
      const offer = async (input: object) =>
        (await issuer.client.send(OPERATIONS.offer, { input: { ...offerOf('Ada'), ...input } })).errors?.[0]
      for (const [input, field] of [
        [{ format: 'SD_JWT_VC' }, 'input.format'],
        [{ format: 'W3C_JWT' }, 'input.format'],
        [{ attributes: [...attributesOf('Ada').slice(0, 2), { name: 'year', value: '007' }] }, 'input.attributes'],
        [{ attributes: attributesOf('') }, 'input.attributes'],
      ] as const) {
        const error = await offer(input)
        assert.deepEqual([error?.extensions.code, error?.extensions.field], ['BAD_USER_INPUT', field])
      }
      const [good] = presentationDefinition(issuer).input_descriptors
      const fields = (...some: object[]) => [{ id: 'it', constraints: { fields: some } }]
      const name = { path: ['$.credentialSubject.name'] }
      for (const input_descriptors of [
        [],
        [good, good],
        fields({ path: ['$.issuer'], filter: { const: issuer.did } }),
        fields(name, name),
        fields(name, { path: ['$.type'], filter: { const: 'x' } }),
        fields(name, { path: ['$.issuanceDate'] }),
        fields({ path: ['$..name'] }),
        fields({ path: ['$.credentialSubject[?(@.length)]'] }),
        fields({ path: ['$.credentialSubject.name', '$.credentialSubject.degree'] }),
        fields({ ...name, filter: { pattern: '^(a+)+$' } }),
        fields({ ...name, predicate: 'required', filter: { const: 'Ada' } }),
        fields({ ...name, optional: true }),
        fields(name, { path: ['$.issuer'], filter: { const: 'a' } }, { path: ['$.issuer'], filter: { const: 'b' } }),
      ]) {
        const input = { name: 'Who?', request: { input_descriptors }, ...BY_EXCHANGE }
        const error = (await verifier.client.send(OPERATIONS.requestProof, { input })).errors?.[0]
        assert.deepEqual(
          [error?.extensions.code, error?.extensions.field],
          ['BAD_USER_INPUT', 'input.request'],
          JSON.stringify(input_descriptors),
        )
      }
    })

    const offerOf = (name: string) => ({
      format: 'DATA_INTEGRITY',
      credentialDefinitionId: issuer.definitionId,
      attributes: attributesOf(name),
    })

    async function ask(definition: object): Promise<AnyEvent> {
      const input = { connectionId: toProver.inviter, name: 'Who?', request: definition, ...BY_EXCHANGE }
      return (await verifier.client.ask(OPERATIONS.requestProof, { input })).requestProof.proofExchange
    }

    /** The holder's side of it, once it is there. */
    async function request(threadId: string): Promise<AnyEvent> {
      const tap = await holder.client.follow()
      try {
        const known = (await exchangesOf(holder)).find((one: AnyEvent) => one.threadId === threadId)
        return known ?? (await tap.find((event) => event.proofExchange?.threadId === threadId)).proofExchange
      } finally {
        await tap.close()
      }
    }
  })
}

const sorted = (attributes: { name: string; value: string }[]) =>
  [...attributes].sort((a, b) => (a.name < b.name ? -1 : 1))

const exchangesOf = async ({ client }: TestTenant): Promise<AnyEvent[]> =>
  (await client.ask('{ proofExchanges(last: 20) { nodes { id threadId state } } }')).proofExchanges.nodes
