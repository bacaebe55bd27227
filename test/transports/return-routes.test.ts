import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PeerServer } from '../../bench/peer-server.js'
import { makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually, say } from '../support/talk.js'
import { asking, MobilePeer } from './mobile-peer.js'

const CONNECTIONS = '{ connections { nodes { id state } } }'
const PENDING = /^tenantry_outbound_pending (\d+)$/m

for (const kind of STORES) {
  describe(`return routes, on ${kind}`, () => {
    let store: TestStore
    let gateways: TestGateway[]
    let url: string
    let acme: TestTenant
    let mobile: MobilePeer
    let connectionId: string
    let server: PeerServer

    before(async () => {
      store = await freshStore(kind)
      gateways = [await startGateway(store)]
      if (kind === 'postgres') gateways.push(await startGateway(store))
      url = gateways[0]?.url as string
      server = await PeerServer.listen()
      acme = await makeTenant(url)
      mobile = await MobilePeer.connectTo(acme)
      connectionId = await connectionOf(acme)
    })
    after(async () => {
      await mobile?.close()
      await server?.close()
      for (const gateway of gateways ?? []) await gateway.stop()
      await store?.remove()
    })

    async function connectionOf({ client }: TestTenant): Promise<string> {
      return eventually(async () => {
        const { nodes } = (await client.ask(CONNECTIONS)).connections
        return nodes[0]?.state === 'COMPLETED' && nodes[0].id
      })
    }

    const everyGateway = (tenant: TestTenant) => gateways.map((gateway) => tenant.client.at(gateway.url))

    test('an agent without an endpoint connects and talks by its socket alone', async () => {
      mobile.socket?.send(mobile.pack(asking(mobile.ping())))
      assert.match((await mobile.next())['@type'], /trust_ping\/1\.0\/ping_response$/)
    })

    test('what the API sends later comes by the open socket, whichever instance is asked', async () => {
      for (const client of everyGateway(acme)) {
        for (const content of ['first', 'second', 'third']) {
          await say(client, connectionId, content)
          assert.equal((await mobile.next())['content'], content)
        }
      }
    })

    test('what is sent while no socket is open waits, in order, also over a crash, for the next one', async () => {
      await mobile.close()
      const contents = ['waits 1', 'waits 2', 'waits 3']
      for (const content of contents) await say(acme.client, connectionId, content)
      await sleep(300)
      const last = gateways.length - 1
      await gateways[last]?.kill()
      gateways[last] = await startGateway(store)
      if (last === 0) {
        url = gateways[0]?.url as string
        acme = { ...acme, client: acme.client.at(url) }
      }
      const socket = await mobile.open(gateways[last]?.url)
      socket.send(mobile.message('asks for nothing'))
      await sleep(300)
      assert.equal(socket.pending, 0)
      socket.send(mobile.pack(asking(mobile.peer.trustPing())))
      for (const content of contents) assert.equal((await mobile.next())['content'], content)
      await say(acme.client, connectionId, 'live again')
      assert.equal((await mobile.next())['content'], 'live again')
      await sleep(300)
      assert.equal(socket.pending, 0)
    })

    test('what a dead socket does not take stays, and goes by the next one', async () => {
      await mobile.close()
      const dead = await mobile.open(url)
      dead.send(mobile.pack(asking(mobile.ping())))
      await mobile.next()
      await dead.settle()
      // It stands, and neither reads nor answers.
      dead.ws.pause()
      await say(acme.client, connectionId, 'to a dead socket')
      await sleep(300)
      dead.ws.terminate()
      const socket = await mobile.open(url)
      socket.send(mobile.pack(asking(mobile.peer.trustPing())))
      assert.equal((await mobile.next())['content'], 'to a dead socket')
    })

    test('the response of a request carries the answer that it asks for, by the media type that it takes', async () => {
      const globex = await makeTenant(url)
      const phone = await MobilePeer.create(globex)
      const { request, invitationKey } = await phone.request()
      const response = await phone.post(phone.peer.pack(asking(request), invitationKey), {}, url)
      assert.equal(response.status, 200)
      assert.match(response.headers.get('content-type') ?? '', /^application\/didcomm-envelope-enc/)
      const envelope = Buffer.from(await response.arrayBuffer())
      assert.match(phone.peer.open(envelope)['@type'], /connections\/1\.0\/response$/)
      phone.recipientKey = phone.peer.senderOf(envelope)
      for (const [headers, expected] of [
        [{ accept: 'application/ssi-agent-wire' }, 'application/ssi-agent-wire'],
        [{ 'content-type': 'application/ssi-agent-wire' }, 'application/ssi-agent-wire'],
        [
          { accept: 'application/ssi-agent-wire;q=0.1, application/didcomm-envelope-enc' },
          'application/didcomm-envelope-enc',
        ],
        [{ accept: 'text/html' }, 'application/didcomm-envelope-enc'],
      ] as const) {
        const answer = await phone.post(phone.pack(asking(phone.ping())), headers, url)
        assert.equal(answer.headers.get('content-type')?.split(';')[0], expected)
        assert.match(phone.peer.open(Buffer.from(await answer.arrayBuffer()))['@type'], /ping_response$/)
      }
      // Where nothing is asked for or nothing to be said the answer is empty, and at once.
      for (const message of [asking(phone.peer.trustPing()), phone.peer.basicMessage('x')]) {
        const began = Date.now()
        const empty = await phone.post(phone.pack(message), {}, url)
        assert.deepEqual([empty.status, (await empty.arrayBuffer()).byteLength], [200, 0])
        assert.ok(Date.now() - began < 1500)
      }
      // What waited is fetched one by one.
      const id = await connectionOf(globex)
      for (const content of ['one', 'two']) await say(globex.client, id, content)
      for (const content of ['one', 'two']) {
        const fetched = await phone.post(phone.pack(asking(phone.peer.trustPing())), {}, url)
        assert.equal(phone.peer.open(Buffer.from(await fetched.arrayBuffer()))['content'], content)
      }
    })

    test('by thread: only what belongs to it comes back', async () => {
      const globex = await makeTenant(url)
      const phone = await MobilePeer.connectTo(globex, url)
      const id = await connectionOf(globex)
      await phone.close()
      const socket = await phone.open(url)
      const ping = phone.ping()
      socket.send(phone.pack(asking(ping, { return_route: 'thread', return_route_thread: ping['@id'] })))
      assert.match((await phone.next())['@type'], /ping_response$/)
      await say(globex.client, id, 'of another thread')
      await sleep(300)
      assert.equal(socket.pending, 0)
      socket.send(phone.pack(asking(phone.peer.trustPing())))
      assert.equal((await phone.next())['content'], 'of another thread')
      await phone.close()
    })

    test('nothing comes back to a socket of another key, or of another tenant', async () => {
      const globex = await makeTenant(url)
      const [other, ofGlobex] = [await MobilePeer.connectTo(acme, url), await MobilePeer.connectTo(globex, url)]
      await say(acme.client, connectionId, 'for one alone')
      assert.equal((await mobile.next())['content'], 'for one alone')
      await sleep(200)
      assert.deepEqual([other.socket?.pending, ofGlobex.socket?.pending], [0, 0])
      await other.close()
      await ofGlobex.close()
    })

    test('an answer for a peer with an endpoint goes by the request that asks for it, else to the endpoint', async () => {
      const globex = await makeTenant(url)
      const name = randomUUID()
      const endpoint = server.endpoint(name)
      const peer = await MobilePeer.create(globex, url, endpoint.url)
      const { request, invitationKey } = await peer.request()
      const response = await peer.post(peer.peer.pack(asking(request), invitationKey))
      const envelope = Buffer.from(await response.arrayBuffer())
      assert.match(peer.peer.open(envelope)['@type'], /connections\/1\.0\/response$/)
      peer.recipientKey = peer.peer.senderOf(envelope)
      assert.equal((await (await peer.post(peer.pack(peer.ping()))).arrayBuffer()).byteLength, 0)
      assert.match(peer.peer.open(await endpoint.firstEnvelope)['@type'], /ping_response$/)
      const later = server.endpoint(name)
      await say(globex.client, await connectionOf(globex), 'by the endpoint')
      assert.equal(peer.peer.open(await later.firstEnvelope)['content'], 'by the endpoint')
    })

    test('a peer whose endpoint is dead gets what waited for it by its socket', async () => {
      const globex = await makeTenant(url)
      const peer = await MobilePeer.create(globex, url, 'http://127.0.0.1:1/')
      const { request, invitationKey } = await peer.request()
      const socket = await peer.open()
      await peer.post(peer.peer.pack(request, invitationKey))
      await eventually(async () => Number(PENDING.exec(await (await fetch(`${url}/metrics`)).text())?.[1]) > 0)
      socket.send(peer.peer.pack(asking(peer.peer.trustPing()), invitationKey))
      assert.match((await peer.next())['@type'], /connections\/1\.0\/response$/)
      await peer.close()
    })

    test('an agent whose DID document names no service at all is answered by its socket', async () => {
      const globex = await makeTenant(url)
      const phone = await MobilePeer.create(globex, url)
      const { request, invitationKey } = await phone.request()
      const { connection } = request as unknown as { connection: { DIDDoc: { service: unknown[] } } }
      connection.DIDDoc.service = []
      const socket = await phone.open()
      socket.send(phone.peer.pack(asking(request), invitationKey))
      assert.match((await phone.next())['@type'], /connections\/1\.0\/response$/)
      await phone.close()
    })
  })
}
