import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Peer } from '../../bench/peer.js'
import { ApiClient, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { readAll } from '../support/ledger.js'
import { eventually } from '../support/talk.js'
import { asking, MobilePeer } from './mobile-peer.js'
import { PeerSocket } from './peer-socket.js'

const IDLE_MS = 1000

for (const kind of STORES) {
  describe(`DIDComm by WebSocket, on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let acme: TestTenant
    let mobile: MobilePeer

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store, { MAX_MESSAGE_SIZE: '100KiB', DIDCOMM_SOCKETS_MAX: '20' })
      acme = await makeTenant(gateway.url)
      mobile = await MobilePeer.connectTo(acme)
    })
    after(async () => {
      await mobile?.close()
      await gateway?.stop()
      await store?.remove()
    })

    const contents = async (tenant = acme): Promise<string[]> =>
      (await readAll(tenant.client, 'basicMessages')).map(({ content }) => content)

    const open = (path = '/didcomm') => PeerSocket.open(`${gateway.wsUrl}${path}`)

    /** What a socket is closed with that sends this. */
    async function closeOf(envelope: Buffer | string) {
      const socket = await open()
      socket.send(envelope)
      return socket.closed
    }

    test('takes envelopes in the order in which they come, as bytes or as text', async () => {
      const socket = await open()
      const expected = Array.from({ length: 60 }, (_, index) => `in order ${index}`)
      for (const [index, content] of expected.entries()) {
        const envelope = mobile.message(content)
        socket.send(index % 2 ? envelope : envelope.toString())
      }
      // The socket is closed at once: what was sent before is taken all the same.
      await socket.close()
      const taken = await eventually(async () => {
        const all = (await contents()).filter((content) => content.startsWith('in order'))
        return all.length === expected.length && all
      })
      assert.deepEqual(taken, expected)
    })

    test('takes the same envelope once', async () => {
      const socket = await open()
      const envelope = mobile.message('once')
      for (let time = 0; time < 3; time++) socket.send(envelope)
      socket.send(mobile.message('after it'))
      await eventually(async () => (await contents()).includes('after it'))
      assert.equal((await contents()).filter((content) => content === 'once').length, 1)
      await socket.close()
    })

    test('closes a socket that sends what it does not take, by a code that says why, and takes nothing behind it', async () => {
      for (const bad of ['', 'garbage', '{}', mobile.message('cut').subarray(0, 100)]) {
        assert.equal((await closeOf(bad)).code, 1007, bad.toString().slice(0, 20))
      }
      const stranger = await Peer.create('http://127.0.0.1:1/')
      const unknown = mobile.peer.pack(mobile.peer.basicMessage('x'), stranger.verkey)
      assert.deepEqual(await closeOf(unknown), { code: 1008, reason: 'No such recipient.' })
      assert.equal((await closeOf('x'.repeat(200_000))).code, 1009)
      const socket = await open()
      socket.send(mobile.message('before the bad one'))
      socket.send('garbage')
      socket.send(mobile.message('behind the bad one'))
      assert.equal((await socket.closed).code, 1007)
      assert.ok((await contents()).includes('before the bad one'))
      assert.ok(!(await contents()).includes('behind the bad one'))
    })

    test('holds to the rate of a tenant, and says when to come again by closing', async () => {
      const globex = await makeTenant(gateway.url, { policy: { inboundPerMinute: 4 } })
      const peer = await MobilePeer.connectTo(globex)
      for (let count = 0; count < 4; count++) peer.socket?.send(peer.message(`limited ${count}`))
      assert.equal((await peer.socket?.closed)?.code, 1013)
      assert.deepEqual(await contents(globex), ['limited 0', 'limited 1'])
    })

    test('reaches a tenant alone at its own endpoint', async () => {
      const slug = uniqueName('acme')
      const own = await makeTenant(gateway.url, { endpoint: slug })
      const peer = await MobilePeer.create(own)
      const socket = await peer.open(gateway.url, `/didcomm/t/${slug}`)
      const { request, invitationKey } = await peer.request()
      socket.send(peer.peer.pack(asking(request), invitationKey))
      assert.match((await peer.next())['@type'], /connections\/1\.0\/response$/)
      socket.send(mobile.message('astray'))
      assert.equal((await socket.closed).code, 1008)
      assert.equal(await PeerSocket.refusal(`${gateway.wsUrl}/elsewhere`), 404)
    })

    test('opens so many sockets and no more', async () => {
      const sockets: PeerSocket[] = []
      let refused: number | undefined
      while (refused === undefined && sockets.length < 30) {
        const socket = await open().catch(() => undefined)
        if (socket) sockets.push(socket)
        else refused = await PeerSocket.refusal(`${gateway.wsUrl}/didcomm`)
      }
      assert.equal(refused, 503)
      await Promise.all(sockets.map((socket) => socket.close()))
      await eventually(async () => (await open().catch(() => undefined))?.close())
    })

    test('queues for a suspended tenant what comes by a socket, which stays open', async () => {
      const operator = ApiClient.operator(gateway.url)
      const socket = await open()
      await operator.ask('mutation($id: ID!) { suspendTenant(tenantId: $id) { tenant { id } } }', { id: acme.id })
      socket.send(mobile.message('waits'))
      await sleep(300)
      await operator.ask('mutation($id: ID!) { resumeTenant(tenantId: $id) { tenant { id } } }', { id: acme.id })
      socket.send(mobile.message('comes behind'))
      await eventually(async () => (await contents()).includes('comes behind'))
      assert.deepEqual((await contents()).slice(-2), ['waits', 'comes behind'])
      await socket.close()
    })
  })
}

describe('WebSockets for DIDComm', () => {
  let store: TestStore
  let gateway: TestGateway
  let mobile: MobilePeer

  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store, { DIDCOMM_SOCKET_IDLE: `${IDLE_MS}ms` })
    mobile = await MobilePeer.connectTo(await makeTenant(gateway.url))
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  test('are closed when nobody speaks on them, but not where answers may come and the peer lives', async () => {
    const idle = await PeerSocket.open(`${gateway.wsUrl}/didcomm`)
    assert.equal((await idle.closed).code, 1001)
    await sleep(3 * IDLE_MS)
    mobile.socket?.send(mobile.pack(asking(mobile.ping())))
    assert.match((await mobile.next())['@type'], /ping_response$/)
  })

  test('are ended where a peer does not say that it lives', async () => {
    const socket = await PeerSocket.open(`${gateway.wsUrl}/didcomm`, { autoPong: false })
    socket.send(mobile.pack(asking(mobile.peer.trustPing())))
    assert.equal((await socket.closed).code, 1006)
  })

  test('are told when the gateway stops, once what they have sent is handled', async () => {
    const socket = mobile.socket as PeerSocket
    socket.send(mobile.pack(asking(mobile.ping())))
    await sleep(50)
    const stopped = gateway.stop()
    assert.deepEqual(await socket.closed, { code: 1001, reason: 'The gateway stops. Connect again.' })
    assert.equal(await stopped, 0)
  })
})
