import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { keyOfDid, Peer, type Plaintext } from '../../bench/peer.js'
import { PeerServer } from '../../bench/peer-server.js'
import { shared } from '../../src/askar/index.js'
import { base58Decode, base58Encode } from '../../src/lib/base58.js'
import { connectPeer } from '../security/outside-peer.js'
import { deliver } from '../security/raw-http.js'
import { makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { invite } from '../support/talk.js'

const ED25519 = [0xed, 0x01]
const X25519 = [0xec, 0x01]

const multibase = (codec: number[], key: Uint8Array) => `z${base58Encode(Buffer.from([...codec, ...key]))}`
const named = ({ verkey }: Peer) => `V${multibase(ED25519, base58Decode(verkey))}`
function namedForAgreement({ verkey }: Peer): string {
  const { Key, KeyAlgorithm } = shared
  const key = Key.fromPublicBytes({ algorithm: KeyAlgorithm.Ed25519, publicKey: base58Decode(verkey) })
  return `E${multibase(X25519, key.convertkey({ algorithm: KeyAlgorithm.X25519 }).publicBytes)}`
}

/** A DID whose document names the first `count` of some keys as those that messages come by. */
function didOf(endpoint: string, keys: string[], count = keys.length): string {
  const recipientKeys = keys.slice(0, count).map((_, index) => `#key-${index + 1}`)
  const service = { t: 'did-communication', s: endpoint, r: [], recipientKeys }
  return `did:peer:2.${keys.join('.')}.S${Buffer.from(JSON.stringify(service)).toString('base64url')}`
}

/** A document that says to be of a DID, names the key of a peer, and is signed as Aries RFC 0023 has it. */
function signedDocument(id: string, { verkey, endpoint }: Peer) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  const method = (key: string, publicKeyBase58: string) => ({
    ...{ id: `#${key}`, type: 'Ed25519VerificationKey2018', controller: id, publicKeyBase58 },
  })
  const service = { type: 'did-communication', serviceEndpoint: endpoint, priority: 0, recipientKeys: ['#own'] }
  const document = {
    '@context': ['https://w3id.org/did/v1'],
    id,
    authentication: [method('own', verkey), method('signs', base58Encode(Buffer.from(x, 'base64url')))],
    service: [{ id: '#inline-0', ...service, routingKeys: [] }],
  }
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const [payload, header] = [encoded(document), encoded({ alg: 'EdDSA', jwk: { kty: 'OKP', crv: 'Ed25519', x } })]
  const signature = sign(null, Buffer.from(`${header}.${payload}`), privateKey).toString('base64url')
  const kid = `did:key:${multibase(ED25519, Buffer.from(x, 'base64url'))}`
  return { '@id': 'doc', data: { base64: payload, jws: { header: { kid }, protected: header, signature } } }
}

describe('a DID document that names the key of another', () => {
  let store: TestStore
  let gateway: TestGateway
  let tenant: TestTenant
  let server: PeerServer
  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
    tenant = await makeTenant(gateway.url)
    server = await PeerServer.listen()
  })
  after(async () => {
    await server?.close()
    await gateway?.stop()
    await store?.remove()
  })

  const newPeer = async () => {
    const endpoint = server.endpoint(randomUUID())
    return { peer: await Peer.create(endpoint.url), endpoint }
  }
  const invitation = async () => {
    const { id, message } = await invite(tenant)
    const { services, '@id': pthid } = message as { services: { recipientKeys: string[] }[]; '@id': string }
    return { id, pthid, key: keyOfDid(services[0]?.recipientKeys[0] ?? '') }
  }
  const requestOf = (did: string, pthid: string): Plaintext => {
    const id = randomUUID()
    const thread = { thid: id, pthid }
    return { '@type': 'https://didcomm.org/didexchange/1.1/request', '@id': id, '~thread': thread, label: 'peer', did }
  }
  const connectionsBy = async (invitationId: string): Promise<{ id: string }[]> =>
    (
      await tenant.client.ask(
        'query($invitationId: ID!) { connections(filter: {invitationId: $invitationId}) { nodes { id } } }',
        { invitationId },
      )
    ).connections.nodes

  /** That a message of a peer comes, by the connection that it is of. */
  async function isHeard(peer: Peer, recipientKey: string, connectionId: string): Promise<void> {
    const content = randomUUID()
    await deliver(gateway.url, peer.pack(peer.basicMessage(content), recipientKey))
    const { basicMessages } = await tenant.client.ask('{ basicMessages(last: 1) { nodes { content connectionId } } }')
    assert.deepEqual(basicMessages.nodes, [{ content, connectionId }])
  }

  test('next to its own does not keep what that one sends from its connection', async () => {
    const known = await connectPeer(gateway.url, tenant, server)
    const { peer, endpoint } = await newPeer()
    const { id, pthid, key } = await invitation()
    const did = didOf(endpoint.url, [named(peer), named(known.peer)])
    await deliver(gateway.url, peer.pack(requestOf(did, pthid), key))
    const recipientKey = peer.senderOf(await endpoint.firstEnvelope)
    await isHeard(known.peer, known.recipientKey, known.connectionId)
    const [connection] = await connectionsBy(id)
    await isHeard(peer, recipientKey, connection?.id ?? '')
  })

  test('alone is not taken, and that one can connect', async () => {
    const other = await newPeer()
    const { peer, endpoint } = await newPeer()
    const { id, pthid, key } = await invitation()
    const did = didOf(endpoint.url, [named(other.peer), named(peer)], 1)
    const { connection } = other.peer.connectionRequest(pthid)
    for (const request of [requestOf(did, pthid), { ...peer.connectionRequest(pthid), connection }]) {
      await deliver(gateway.url, peer.pack(request, key))
      assert.deepEqual(await connectionsBy(id), [], request['@type'])
    }
    await deliver(gateway.url, other.peer.pack(other.peer.connectionRequest(pthid), key))
    const recipientKey = other.peer.senderOf(await other.endpoint.firstEnvelope)
    const [made] = await connectionsBy(id)
    await isHeard(other.peer, recipientKey, made?.id ?? '')
  })

  test('is none where it names the own key in the form for key agreement', async () => {
    const { peer, endpoint } = await newPeer()
    const { id, pthid, key } = await invitation()
    const did = didOf(endpoint.url, [namedForAgreement(peer), named(peer)], 1)
    await deliver(gateway.url, peer.pack(requestOf(did, pthid), key))
    const recipientKey = peer.senderOf(await endpoint.firstEnvelope)
    const [connection] = await connectionsBy(id)
    await isHeard(peer, recipientKey, connection?.id ?? '')
  })

  test('may be one that is attached, but not that of a DID which another has', async () => {
    const known = await connectPeer(gateway.url, tenant, server)
    const { peer, endpoint } = await newPeer()
    const { id, pthid, key } = await invitation()
    const { connection } = await tenant.client.ask('query($id: ID!) { connection(id: $id) { theirDid } }', {
      id: known.connectionId,
    })
    const theirs: string = connection.theirDid
    const own = `${theirs.slice(0, -4)}abcd`
    const ask = (did: string, of: string) => {
      const request = { ...requestOf(did, pthid), 'did_doc~attach': signedDocument(of, peer) }
      return deliver(gateway.url, peer.pack(request, key))
    }
    for (const did of [theirs, own]) {
      await ask(did, theirs)
      assert.deepEqual(await connectionsBy(id), [], did)
    }
    await isHeard(known.peer, known.recipientKey, known.connectionId)
    await ask(own, own)
    const recipientKey = peer.senderOf(await endpoint.firstEnvelope)
    const [made] = await connectionsBy(id)
    await isHeard(peer, recipientKey, made?.id ?? '')
  })
})
