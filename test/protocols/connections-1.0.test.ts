import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { keyOfDid, Peer } from '../../bench/peer.js'
import { PeerServer } from '../../bench/peer-server.js'
import { makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { invite, receive } from '../support/talk.js'

/** The only one that Credo 0.5 takes, and that of Aries RFC 0160. */
const CONTEXT = 'https://w3id.org/did/v1'
/** A signed value of Aries RFC 0234 begins with its time. */
const TIMESTAMP_BYTES = 8

interface Connection {
  DIDDoc: { '@context': string }
}

describe('the DID documents of connections 1.0', () => {
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

  test('have the context that older agents take, in a request', async () => {
    const { url, firstEnvelope } = server.endpoint('inviter')
    const peer = await Peer.create(url)
    await receive(tenant, {
      '@type': 'https://didcomm.org/connections/1.0/invitation',
      '@id': randomUUID(),
      label: 'An older agent',
      recipientKeys: [peer.verkey],
      serviceEndpoint: url,
    })
    const { connection } = peer.open(await firstEnvelope) as unknown as { connection: Connection }
    assert.equal(connection.DIDDoc['@context'], CONTEXT)
  })

  test('have it in a response, and are signed so', async () => {
    const { url, firstEnvelope } = server.endpoint('invitee')
    const peer = await Peer.create(url)
    const { message } = (await invite(tenant)) as {
      message: { '@id': string; services: { recipientKeys: string[] }[] }
    }
    const request = peer.pack(
      peer.connectionRequest(message['@id']),
      keyOfDid(message.services[0]?.recipientKeys[0] ?? ''),
    )
    const headers = { 'content-type': 'application/didcomm-envelope-enc' }
    await fetch(`${gateway.url}/didcomm`, { method: 'POST', headers, body: new Uint8Array(request) })
    const response = peer.open(await firstEnvelope) as unknown as { 'connection~sig': { sig_data: string } }
    const signed = Buffer.from(response['connection~sig'].sig_data, 'base64url').subarray(TIMESTAMP_BYTES)
    assert.equal((JSON.parse(signed.toString()) as Connection).DIDDoc['@context'], CONTEXT)
  })
})
