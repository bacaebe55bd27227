import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type AnyEvent, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually, say } from '../support/talk.js'
import { behindStock, Stranger } from './behind-stock.js'

/** Sealed in a delivery, a few of them are longer than what a gateway receives. */
const LONG = 'x'.repeat(30_000)
const MAX_MESSAGE_SIZE = '64KiB'

for (const [how, env] of Object.entries<Record<string, string>>({
  'by HTTP': {},
  'by WebSocket': { SOCKETS: 'on' },
}))
  describe(`what waits with a mediator that delivers as many as it is asked for, ${how}`, () => {
    let behind: Awaited<ReturnType<typeof behindStock>>
    let store: TestStore
    let outside: TestGateway
    let bob: TestTenant
    before(async () => {
      behind = await behindStock({ QUEUES: 'on', HANDS_OVER_AGAIN: 'on', ...env }, { MAX_MESSAGE_SIZE })
      store = await freshStore('sqlite')
      outside = await startGateway(store)
      bob = await makeTenant(outside.url)
    })
    after(async () => {
      await behind?.remove()
      await outside?.stop()
      await store?.remove()
    })

    /** Has a mediator keep messages before the gateway asks for any of them. */
    async function atOnce(count: number, send: () => Promise<void>): Promise<void> {
      const { forwards } = await behind.stock.told()
      behind.gateway.process.kill('SIGSTOP')
      try {
        await send()
        await eventually(async () => (await behind.stock.told()).forwards >= forwards + count)
      } finally {
        behind.gateway.process.kill('SIGCONT')
      }
    }

    test('comes though all of it is too long for one delivery', async () => {
      const alice = await makeTenant(behind.url)
      const connection = await connect(alice, bob)
      const tap = await alice.client.follow()
      const heard = () => tap.events.filter(({ message }: AnyEvent) => message?.content.length > LONG.length).length
      await atOnce(4, async () => {
        for (let n = 0; n < 4; n++) await say(bob.client, connection.invitee, `${LONG}${n}`)
      })
      await eventually(async () => heard() === 4, 45_000)
      // New keys are told meanwhile, and afterwards.
      await Stranger.of(alice)
      await tap.close()
    })

    test('comes to a tenant while a message for another needs a document that does not come', async () => {
      const hanging = new Set<ServerResponse>()
      const server = createServer((_request, response) => {
        hanging.add(response)
        response.on('close', () => hanging.delete(response))
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      try {
        const [alice, carol] = [await makeTenant(behind.url), await makeTenant(behind.url)]
        const connection = await connect(alice, bob)
        const stranger = await Stranger.of(carol)
        const id = randomUUID()
        const request = stranger.seal({
          '@type': 'https://didcomm.org/didexchange/1.1/request',
          '@id': id,
          '~thread': { thid: id, pthid: stranger.invitationId },
          label: 'a stranger',
          did: `did:web:127.0.0.1%3A${(server.address() as AddressInfo).port}`,
        })
        const tap = await alice.client.follow()
        await atOnce(2, async () => {
          await stranger.forward(request)
          await say(bob.client, connection.invitee, 'behind it')
        })
        await tap.find(({ message }) => message?.content === 'behind it')
        assert.equal(hanging.size, 1)
        await tap.close()
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })
  })
