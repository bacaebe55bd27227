import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { Peer } from '../../bench/peer.js'
import { base58Decode, base58Encode } from '../../src/lib/base58.js'
import { makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { asking, NO_ENDPOINT } from '../transports/mobile-peer.js'
import { EdgeAgent, postTo } from './edge-agent.js'

const ED25519 = [0xed, 0x01]

/** A DID that names the key of a peer, which has no endpoint. */
function didOf({ verkey }: Peer): string {
  const service = { t: 'did-communication', s: NO_ENDPOINT, r: [], recipientKeys: ['#key-1'] }
  const key = base58Encode(Buffer.from([...ED25519, ...base58Decode(verkey)]))
  return `did:peer:2.Vz${key}.S${Buffer.from(JSON.stringify(service)).toString('base64url')}`
}

describe('an agent that rotates its DID', () => {
  let store: TestStore
  let gateway: TestGateway
  let tenant: TestTenant
  let sender: Peer
  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
    tenant = await makeTenant(gateway.url, { settings: { mediates: true } })
    sender = await Peer.create(NO_ENDPOINT)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  const send = async (edge: EdgeAgent, content: string) =>
    assert.equal(await postTo(`${gateway.url}/didcomm`, edge.forwarded(sender, content)), 200)

  test('gets its mail by the new key, and whoever has the old one gets none', async () => {
    const edge = await EdgeAgent.mediatedBy(tenant, gateway.url)
    const [old, next] = [edge.phone.peer, await Peer.create(NO_ENDPOINT)]
    const ROTATE = 'https://didcomm.org/did-rotate/1.0/rotate'
    const ack = await edge.ask({ '@type': ROTATE, '@id': randomUUID(), to_did: didOf(next) })
    assert.match(ack['@type'], /did-rotate\/1\.0\/ack$/)
    await edge.close()
    await send(edge, 'after it')
    // By no protocol, and by each: what is to be said goes to the agent.
    const asks = [old.trustPing(), edge.deliveryRequest(), edge.batchPickup(), edge.liveDelivery(true)]
    for (const message of asks) assert.equal(await edge.post(message, gateway.url), undefined)
    edge.phone.peer = next
    const socket = await edge.phone.open(gateway.url)
    socket.send(edge.phone.pack(asking(next.trustPing())))
    const sealed = await Promise.all(asks.map(() => socket.next()))
    const contents = sealed.map((envelope) => {
      try {
        return edge.inbox.open(envelope)['content']
      } catch {
        return next.open(envelope)['@type'].split('/').at(-1)
      }
    })
    assert.deepEqual(contents.sort(), ['after it', 'problem-report', 'problem-report', 'problem-report'])
    assert.equal((await edge.ask(edge.liveDelivery(true)))['live_delivery'], true)
    await send(edge, 'live')
    assert.equal(edge.opened(await edge.phone.next())[0]?.content, 'live')
    await edge.close()
  })
})
