import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AnyEvent, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { assertNothingLeft } from '../tenancy/raw.js'
import { deleteTenant, resume, stateAt, suspend } from '../tenancy/states.js'
import { attributesOf, type Issuer, issue, makeIssuer, OPERATIONS, proofRequest } from './story.js'

const LISTS = {
  credentialExchange: `query($threadId: ID!) { credentialExchanges(filter: {threadId: $threadId}) { nodes { id state } } }`,
  proofExchange: `query($threadId: ID!) { proofExchanges(filter: {threadId: $threadId}) { nodes { id state } } }`,
} as const
type Kind = keyof typeof LISTS
const PROPOSE = `mutation($input: ProposeCredentialInput!) {
  proposeCredential(input: $input) { credentialExchange { id threadId } } }`
const OWN_WORD = { requested_attributes: { who: { name: 'name' } } }

/** An exchange as it is at both ends. */
interface Both {
  kind: Kind
  /** Of the tenant that has begun it. */
  begun: string
  /** Of the other. */
  taken: string
}

for (const kind of STORES) {
  describe(`exchanges under way on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let gone: Issuer
    let peer: TestTenant
    let issuer: Issuer
    let toPeer: { inviter: string; invitee: string }
    let toGone: { inviter: string; invitee: string }

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      ;[gone, issuer, peer] = await Promise.all([
        makeIssuer(gateway.url, { revocable: true, revocationRegistrySize: 20 }),
        makeIssuer(gateway.url),
        makeTenant(gateway.url),
      ])
      toPeer = await connect(gone, peer)
      toGone = await connect(issuer, gone)
    })
    after(async () => {
      await gateway?.stop()
      await assertNothingLeft(store, [gone], [peer, issuer])
      await store?.remove()
    })

    const exchange = async ({ client }: TestTenant, of: Kind, id: string): Promise<AnyEvent> =>
      (await client.ask(of === 'proofExchange' ? OPERATIONS.proof : OPERATIONS.exchange, { id }))[of]

    const becomes = (tenant: TestTenant, of: Kind, id: string, state: string): Promise<AnyEvent> =>
      eventually(async () => {
        const found = await exchange(tenant, of, id)
        return found.state === state && found
      })

    /** Where what one has begun has come to at the other. */
    const arrived = async (other: TestTenant, of: Kind, { id, threadId }: AnyEvent): Promise<Both> => {
      const nodes = async () => Object.values(await other.client.ask(LISTS[of], { threadId }))[0] as AnyEvent
      return { kind: of, begun: id, taken: await eventually(async () => (await nodes()).nodes[0]?.id) }
    }

    const offer = async (from: Issuer, to: TestTenant, connectionId: string, more: object = {}): Promise<Both> => {
      const input = {
        connectionId,
        credentialDefinitionId: from.definitionId,
        attributes: attributesOf('Ada'),
        ...more,
      }
      const { offerCredential } = await from.client.ask(OPERATIONS.offer, { input })
      return arrived(to, 'credentialExchange', offerCredential.credentialExchange)
    }

    const ask = async (
      from: TestTenant,
      to: TestTenant,
      connectionId: string,
      request: object,
      more: object = {},
    ): Promise<Both> => {
      const input = { connectionId, name: 'Entry', request, ...more }
      const { requestProof } = await from.client.ask(OPERATIONS.requestProof, { input })
      return arrived(to, 'proofExchange', requestProof.proofExchange)
    }

    const present = ({ client }: TestTenant, exchangeId: string, selection?: object) =>
      client.ask(OPERATIONS.acceptProof, { input: { exchangeId, selection } })

    test('go on to their end once a suspended tenant is resumed, on whichever side it was', async () => {
      await issue(issuer, gone, toGone, 'Ada')
      const asIssuer = await offer(gone, peer, toPeer.inviter)
      const asHolder = await offer(issuer, gone, toGone.inviter, { autoAccept: 'NEVER' })
      await gone.client.ask(OPERATIONS.acceptOffer, { id: asHolder.taken })
      await becomes(issuer, 'credentialExchange', asHolder.begun, 'REQUEST_RECEIVED')
      const asVerifier = await ask(gone, peer, toPeer.inviter, OWN_WORD)

      await suspend(gateway.url, gone)
      await peer.client.ask(OPERATIONS.acceptOffer, { id: asIssuer.taken })
      await issuer.client.ask(OPERATIONS.acceptRequest, { id: asHolder.begun })
      await present(peer, asVerifier.taken, { who: { selfAttested: 'Ada' } })
      const { requestProof } = await issuer.client.ask(OPERATIONS.requestProof, {
        input: { connectionId: toGone.inviter, name: 'Entry', request: proofRequest(issuer) },
      })
      await eventually(async () => (await stateAt(gateway.url, gone))?.queuedMessages === 4)
      // Each waits where it is; nobody is told that it has ended.
      assert.equal((await exchange(peer, 'credentialExchange', asIssuer.taken)).state, 'REQUEST_SENT')
      assert.equal((await exchange(issuer, 'credentialExchange', asHolder.begun)).state, 'CREDENTIAL_ISSUED')
      assert.equal((await exchange(peer, 'proofExchange', asVerifier.taken)).state, 'PRESENTATION_SENT')

      await resume(gateway.url, gone)
      const asProver = await arrived(gone, 'proofExchange', requestProof.proofExchange)
      await present(gone, asProver.taken)
      for (const [both, other] of [
        [asIssuer, peer],
        [asVerifier, peer],
      ] as const) {
        await becomes(gone, both.kind, both.begun, 'DONE')
        await becomes(other, both.kind, both.taken, 'DONE')
      }
      for (const both of [asHolder, asProver]) {
        await becomes(issuer, both.kind, both.begun, 'DONE')
        await becomes(gone, both.kind, both.taken, 'DONE')
      }
      assert.deepEqual((await exchange(gone, 'proofExchange', asVerifier.begun)).revealed, { who: 'Ada' })
      assert.equal((await exchange(issuer, 'proofExchange', asProver.begun)).verified, true)
    })

    test('with a suspended tenant that is deleted are told of by the transport: it says nothing more itself', async () => {
      const silent = await makeTenant(gateway.url)
      const link = await connect(silent, peer)
      const asked = await ask(silent, peer, link.inviter, OWN_WORD)
      await suspend(gateway.url, silent)
      await deleteTenant(gateway.url, silent)
      assert.equal((await exchange(peer, 'proofExchange', asked.taken)).state, 'REQUEST_RECEIVED')
      const tap = await peer.client.follow()
      await present(peer, asked.taken, { who: { selfAttested: 'Ada' } })
      const { outcome, reason } = await tap.find((event) => event.deliveryConnectionId === link.invitee, 60_000)
      assert.equal(outcome, 'GIVEN_UP')
      assert.match(reason, /404/)
      await tap.close()
    })

    test('end at the other side, with a reason, where a tenant is deleted', async () => {
      const done = await issue(gone, peer, toPeer, 'Grace')
      const offered = await offer(gone, peer, toPeer.inviter)
      const { proposeCredential } = await peer.client.ask(PROPOSE, {
        input: {
          connectionId: toPeer.invitee,
          credentialDefinitionId: gone.definitionId,
          attributes: attributesOf('Ida'),
        },
      })
      const proposed = await arrived(gone, 'credentialExchange', proposeCredential.credentialExchange)
      const asked = await ask(gone, peer, toPeer.inviter, OWN_WORD)
      const requested = await offer(issuer, gone, toGone.inviter, { autoAccept: 'NEVER' })
      await gone.client.ask(OPERATIONS.acceptOffer, { id: requested.taken })
      await becomes(issuer, 'credentialExchange', requested.begun, 'REQUEST_RECEIVED')
      const unanswered = await ask(issuer, gone, toGone.inviter, OWN_WORD)
      const shown = await ask(issuer, gone, toGone.inviter, OWN_WORD, { autoAccept: 'NEVER' })
      await present(gone, shown.taken, { who: { selfAttested: 'Grace' } })
      await becomes(issuer, 'proofExchange', shown.begun, 'PRESENTATION_RECEIVED')

      await deleteTenant(gateway.url, gone)
      const ends = [
        [peer, 'credentialExchange', offered.taken],
        [peer, 'credentialExchange', proposed.begun],
        [peer, 'proofExchange', asked.taken],
        [issuer, 'credentialExchange', requested.begun],
        [issuer, 'proofExchange', unanswered.begun],
      ] as const
      for (const [tenant, of, id] of ends) {
        assert.match((await becomes(tenant, of, id, 'ABANDONED')).errorMessage, /no longer there/)
      }
      assert.equal(await peer.client.codeOf(OPERATIONS.acceptOffer, { id: offered.taken }), 'CONFLICT')
      assert.equal((await exchange(peer, 'credentialExchange', done.held.id)).state, 'DONE')
      // What was presented is there to be accepted.
      await issuer.client.ask(OPERATIONS.acceptPresentation, { id: shown.begun })
      const { state, verified } = await exchange(issuer, 'proofExchange', shown.begun)
      assert.deepEqual([state, verified], ['DONE', true])
    })
  })
}
