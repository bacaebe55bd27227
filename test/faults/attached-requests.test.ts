import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { attributesOf, type Issuer, makeIssuer, OPERATIONS, proofRequest } from '../credentials/story.js'
import { makeTenant, type TestTenant } from '../support/client.js'
import { Front } from '../support/front.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { eventually } from '../support/talk.js'

const RECEIVE = `mutation($message: JSON!) {
  receiveInvitation(input: {message: $message}) { connection { id } } }`

for (const kind of ['sqlite'] as const) {
  describe(`what an invitation brings along on ${kind}`, () => {
    let store: TestStore
    let front: Front
    let here: TestGateway
    let issuer: Issuer
    const env: Record<string, string> = {}

    before(async () => {
      store = await freshStore(kind)
      front = await Front.open()
      Object.assign(env, {
        PORT: `${await freePort()}`,
        PUBLIC_URL: front.url,
        LOCAL_DELIVERY: 'off',
        INSTANCE_ID: 'here',
      })
      here = await start()
      front.target = here.url
      issuer = await makeIssuer(here.url)
    })
    after(async () => {
      await here?.stop()
      await front?.down()
      await store?.remove()
    })

    /** By its port: what is told as its URL leads to the front. */
    const start = async () => ({ ...(await startGateway(store, env)), url: `http://127.0.0.1:${env['PORT']}` })

    async function makeHolder(): Promise<TestTenant> {
      const holder = await makeTenant(here.url)
      await holder.client.ask(
        'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }',
        {
          input: { tenantId: holder.id, settings: { autoAcceptCredentials: 'ALWAYS' } },
        },
      )
      return holder
    }

    async function offerWithHandshake() {
      const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
        input: { credentialDefinitionId: issuer.definitionId, attributes: attributesOf('Ada'), handshake: true },
      })
      return offerCredential
    }

    const isDone = (query: string, id: string, name: string) => async () =>
      (await issuer.client.ask(query, { id }))[name].state === 'DONE'

    async function prove(holder: TestTenant): Promise<void> {
      const { proofExchanges } = await eventually(async () => {
        const found = await holder.client.ask(
          '{ proofExchanges(filter: {state: REQUEST_RECEIVED}) { nodes { id connectionId } } }',
        )
        return found.proofExchanges.nodes.length > 0 && found
      }, 60_000)
      const [{ id: exchangeId, connectionId }] = proofExchanges.nodes
      assert.ok(connectionId)
      await holder.client.ask(OPERATIONS.acceptProof, { input: { exchangeId } })
    }

    test('goes on once the handshake is completed', async () => {
      const holder = await makeHolder()
      const offered = await offerWithHandshake()
      await holder.client.ask(RECEIVE, { message: offered.invitation.message })
      await eventually(isDone(OPERATIONS.exchange, offered.credentialExchange.id, 'credentialExchange'), 60_000)
      const { requestProof } = await issuer.client.ask(OPERATIONS.requestProof, {
        input: { name: 'Who?', request: proofRequest(issuer), handshake: true },
      })
      await holder.client.ask(RECEIVE, { message: requestProof.invitation.message })
      await prove(holder)
      await eventually(isDone(OPERATIONS.proof, requestProof.proofExchange.id, 'proofExchange'), 60_000)
    })

    test('goes on where the gateway was killed before the handshake was completed', async () => {
      const holder = await makeHolder()
      const offered = await offerWithHandshake()
      const { requestProof } = await issuer.client.ask(OPERATIONS.requestProof, {
        input: { name: 'Who?', request: proofRequest(issuer), handshake: true },
      })
      for (const { message } of [offered.invitation, requestProof.invitation]) {
        await front.down()
        await holder.client.ask(RECEIVE, { message })
        await here.kill()
        here = await start()
        await front.up()
        if (message === offered.invitation.message) {
          await eventually(isDone(OPERATIONS.exchange, offered.credentialExchange.id, 'credentialExchange'), 60_000)
        }
      }
      await prove(holder)
      await eventually(isDone(OPERATIONS.proof, requestProof.proofExchange.id, 'proofExchange'), 60_000)
    })
  })
}
