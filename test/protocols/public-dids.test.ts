import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually, say } from '../support/talk.js'

const CREATE_DID = 'mutation($input: CreateDidInput!) { createDid(input: $input) { did { did document } } }'
const UPDATE_DID = 'mutation($input: UpdateDidInput!) { updateDid(input: $input) { did { document } } }'
const INVITE = `mutation($input: CreateInvitationInput!) {
  createInvitation(input: $input) { invitation { id url message } } }`
const RECEIVE = `mutation($input: ReceiveInvitationInput!) {
  receiveInvitation(input: $input) { connection { id state } } }`
const ACCEPT = 'mutation($id: ID!) { acceptConnectionRequest(connectionId: $id) { connection { id } } }'
const CONNECTIONS = `query($filter: ConnectionFilter) {
  connections(filter: $filter, first: 50) { nodes { id state theirLabel theirDid } } }`

interface Document {
  service?: { id: string; type: string; recipientKeys: string[]; serviceEndpoint: string }[]
  verificationMethod: { id: string }[]
  assertionMethod: string[]
}

const connectionsOf = async (client: ApiClient, filter: object = {}) =>
  (await client.ask(CONNECTIONS, { filter })).connections.nodes

for (const kind of STORES) {
  describe(`a public DID of a tenant on ${kind}`, () => {
    let store: TestStore
    let otherStore: TestStore
    let gateway: TestGateway
    let other: TestGateway
    let acme: TestTenant
    let peer: TestTenant

    before(async () => {
      store = await freshStore(kind)
      otherStore = await freshStore('sqlite')
      gateway = await startGateway(store)
      other = await startGateway(otherStore)
      acme = await makeTenant(gateway.url, { label: 'Acme' })
      peer = await makeTenant(other.url, { label: 'A peer' })
    })
    after(async () => {
      await Promise.all([gateway?.stop(), other?.stop()])
      await Promise.all([store?.remove(), otherStore?.remove()])
    })

    const makeDid = async (method: string): Promise<{ did: string; document: Document }> =>
      (await acme.client.ask(CREATE_DID, { input: { method, options: { didcomm: true } } })).createDid.did
    const completed = ({ client }: TestTenant, id: string) =>
      eventually(async () =>
        (await connectionsOf(client)).find(
          (one: { id: string; state: string }) => one.id === id && one.state === 'COMPLETED',
        ),
      )
    const talk = async (id: string, content: string) => {
      const tap = await acme.client.follow()
      await say(peer.client, id, content)
      await tap.find(({ message }) => message?.content === content)
      await tap.close()
    }

    for (const method of ['web', 'webvh']) {
      test(`did:${method}: an invitation names it, and whoever has that connects`, async () => {
        const { did, document } = await makeDid(method)
        const [service] = document.service ?? []
        assert.deepEqual([service?.type, service?.serviceEndpoint], ['did-communication', `${gateway.url}/didcomm`])
        // Not the key that it signs with.
        assert.ok(!document.assertionMethod.includes(service?.recipientKeys[0] as string))
        assert.ok(document.verificationMethod.some(({ id }) => id === service?.recipientKeys[0]))
        const { createInvitation } = await acme.client.ask(INVITE, { input: { did, multiUse: true } })
        const { id, message } = createInvitation.invitation
        assert.deepEqual(message.services, [did])
        const { receiveInvitation } = await peer.client.ask(RECEIVE, { input: { message } })
        await completed(peer, receiveInvitation.connection.id)
        const [own] = await eventually(async () => {
          const found = await connectionsOf(acme.client, { invitationId: id, state: 'COMPLETED' })
          return found.length > 0 && found
        })
        assert.equal(own.theirLabel, 'A peer')
        await talk(receiveInvitation.connection.id, `by did:${method}`)
      })

      test(`did:${method}: whoever knows it asks without an invitation, and waits to be accepted`, async () => {
        const { did } = await makeDid(method)
        // One that was used is nobody's who does without.
        for (const _ of [1, 2]) {
          const { createInvitation } = await acme.client.ask(INVITE, { input: { did } })
          const { message } = createInvitation.invitation
          const { receiveInvitation } = await peer.client.ask(RECEIVE, { input: { message } })
          await completed(peer, receiveInvitation.connection.id)
        }
        for (const round of [1, 2, 3]) {
          const before = new Set((await connectionsOf(acme.client)).map(({ id }: { id: string }) => id))
          const { receiveInvitation } = await peer.client.ask(RECEIVE, { input: { did } })
          assert.equal(receiveInvitation.connection.state, 'REQUEST_SENT')
          const asked = await eventually(async () =>
            (await connectionsOf(acme.client, { state: 'REQUEST_RECEIVED' })).find(
              ({ id }: { id: string }) => !before.has(id),
            ),
          )
          await acme.client.ask(ACCEPT, { id: asked.id })
          await completed(peer, receiveInvitation.connection.id)
          await completed(acme, asked.id)
          await talk(receiveInvitation.connection.id, `without an invitation by did:${method} ${round}`)
        }
      })
    }

    test('goes on to be one as its keys are rotated, and is none once that is taken away', async () => {
      const { did, document } = await makeDid('webvh')
      const key = document.service?.[0]?.recipientKeys[0]
      const update = async (input: object): Promise<Document> =>
        (await acme.client.ask(UPDATE_DID, { input: { did, ...input } })).updateDid.did.document
      const service = { id: 'site', type: 'LinkedDomains', serviceEndpoint: 'https://acme.example' }
      const rotated = await update({ rotateKeys: true, addServices: [service] })
      assert.deepEqual(
        rotated.service?.map(({ type }) => type),
        ['LinkedDomains', 'did-communication'],
      )
      assert.equal(rotated.service?.[1]?.recipientKeys[0], key)
      assert.notDeepEqual(rotated.assertionMethod, document.assertionMethod)
      const renewed = await update({ didcomm: true })
      assert.notEqual(renewed.service?.[1]?.recipientKeys[0], key)
      const { createInvitation } = await acme.client.ask(INVITE, { input: { did } })
      const { message } = createInvitation.invitation
      const { receiveInvitation } = await peer.client.ask(RECEIVE, { input: { message } })
      await completed(peer, receiveInvitation.connection.id)
      assert.deepEqual(
        (await update({ didcomm: false })).service?.map(({ type }) => type),
        ['LinkedDomains'],
      )
      assert.equal(await acme.client.codeOf(INVITE, { input: { did } }), 'CONFLICT')
      const stranger = await makeTenant(gateway.url)
      assert.equal(await stranger.client.codeOf(INVITE, { input: { did } }), 'NOT_FOUND')
      assert.equal(await peer.client.codeOf(RECEIVE, { input: { did: `${did}x` } }), 'PROTOCOL_ERROR')
      for (const bad of ['acme', `${did}#site`, 'did:web'])
        assert.equal(await peer.client.codeOf(RECEIVE, { input: { did: bad } }), 'BAD_USER_INPUT')
      const reserved = { ...service, id: 'did-communication' }
      assert.equal(await acme.client.codeOf(UPDATE_DID, { input: { did, addServices: [reserved] } }), 'BAD_USER_INPUT')
    })
  })
}
