import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { eventually } from '../support/talk.js'
import { invitationTo } from './invitations.js'

const RECEIVE = 'mutation($input: ReceiveInvitationInput!) { receiveInvitation(input: $input) { connection { id } } }'

/** A server that must not be reached, and how often it was. */
interface Trap {
  port: number
  connections: () => number
  server: Server
}

async function listen(host: string, location?: string): Promise<Trap> {
  let connections = 0
  const server = createServer((_request, response) => {
    if (location) response.writeHead(302, { location })
    response.end('{}')
  })
  server.on('connection', () => {
    connections += 1
  })
  server.listen(0, host)
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port, connections: () => connections }
}

describe('a gateway that listens beyond loopback', () => {
  /** Stands for an address of the outside: the only one that is allowed. */
  const OUTSIDE = '127.0.0.2'
  const traps: Trap[] = []
  let store: TestStore
  let gateway: TestGateway
  let acme: TestTenant
  let trap: Trap
  let trap6: Trap
  let redirecting: Trap
  let deadPort: number

  before(async () => {
    trap = await listen('127.0.0.1')
    trap6 = await listen('::1')
    redirecting = await listen(OUTSIDE, `http://127.0.0.1:${trap.port}/`)
    traps.push(trap, trap6, redirecting)
    deadPort = await freePort()
    const port = await freePort()
    store = await freshStore('sqlite')
    gateway = await startGateway(store, {
      HOST: '0.0.0.0',
      PORT: `${port}`,
      PUBLIC_URL: `http://gateway.invalid:${port}`,
      ALLOW_ADDRESSES: OUTSIDE,
      OUTBOX_GIVE_UP: '1s',
    })
    acme = await makeTenant(`http://127.0.0.1:${port}`)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
    for (const { server } of traps) server.close()
  })

  const assertUntouched = () => assert.deepEqual([trap.connections(), trap6.connections()], [0, 0])

  test('fetches no invitation from inside, and does not tell what is there', async () => {
    const urls = [
      `http://127.0.0.1:${trap.port}/`,
      `http://127.0.0.1:${deadPort}/`,
      `http://localhost:${trap.port}/`,
      `http://[::1]:${trap6.port}/`,
      `http://[::ffff:127.0.0.1]:${trap.port}/`,
      `http://[::ffff:7f00:1]:${trap.port}/`,
      `http://2130706433:${trap.port}/`,
      `http://0x7f.1:${trap.port}/`,
      `http://0.0.0.0:${trap.port}/`,
      `http://[::]:${trap6.port}/`,
      `http://user:pass@127.0.0.1:${trap.port}/`,
      'http://169.254.169.254/latest/meta-data/',
      'http://10.0.0.1/',
      'http://192.168.0.1/',
      'http://[fe80::1]/',
      'http://[fd00::1]/',
      'http://name.invalid/',
    ]
    const answers = new Set<string>()
    for (const url of urls) {
      const { errors } = await acme.client.send(RECEIVE, { input: { url } })
      assert.equal(errors?.[0]?.extensions.code, 'PEER_UNREACHABLE', url)
      answers.add(JSON.stringify(errors))
    }
    assert.equal(answers.size, 1)
    assertUntouched()
  })

  test('takes no invitation by another scheme', async () => {
    for (const url of ['file:///etc/passwd', `ftp://127.0.0.1:${trap.port}/`, 'didcomm://invite']) {
      const { errors } = await acme.client.send(RECEIVE, { input: { url } })
      assert.deepEqual(errors?.[0]?.extensions, { code: 'BAD_USER_INPUT', field: 'input.url' }, url)
    }
    assertUntouched()
  })

  test('follows no redirect to the inside', async () => {
    const input = { url: `http://${OUTSIDE}:${redirecting.port}/` }
    assert.equal(await acme.client.codeOf(RECEIVE, { input }), 'PEER_UNREACHABLE')
    assert.equal(redirecting.connections(), 1)
    assertUntouched()
  })

  test('tells the operator once what was refused, and how to allow it', async () => {
    for (const [host, url] of [
      ['10.1.2.3', 'http://10.1.2.3/secret-path?id=secret-id'],
      ['localhost', `http://localhost:${trap.port}/secret-path`],
      ['127.0.0.1', `http://${OUTSIDE}:${redirecting.port}/`],
    ] as const) {
      const before = gateway.log().length
      assert.equal(await acme.client.codeOf(RECEIVE, { input: { url } }), 'PEER_UNREACHABLE')
      const told = () =>
        gateway
          .log()
          .slice(before)
          .split('\n')
          .filter((line) => line.includes('ALLOW_ADDRESSES'))
      await eventually(async () => told().length > 0)
      assert.equal(told().length, 1)
      const { level, tenantId, host: refused } = JSON.parse(told()[0] as string)
      assert.deepEqual({ level, tenantId, refused }, { level: 'warn', tenantId: acme.id, refused: host })
    }
    assert.ok(!gateway.log().includes('secret-'))
  })

  test('resolves no did:web from inside', async () => {
    const resolve = async (port: number) => {
      const did = `did:web:127.0.0.1%3A${port}`
      const { resolveDid } = await acme.client.ask(
        'query($did: String!) { resolveDid(did: $did) { document resolutionMetadata } }',
        { did },
      )
      const { resolutionTime: _time, ...metadata } = resolveDid.resolutionMetadata
      return { document: resolveDid.document, metadata }
    }
    const there = await resolve(trap.port)
    assert.equal(there.document, null)
    assert.deepEqual(there, await resolve(deadPort))
    assertUntouched()
  })

  test('sends nothing to endpoints inside, and gives up on them as on dead ones', async () => {
    const tap = await acme.client.follow({ topics: ['DELIVERY'] })
    const endpoints = [
      `http://127.0.0.1:${trap.port}/`,
      `http://127.0.0.1:${deadPort}/`,
      `http://[::1]:${trap6.port}/`,
      `http://localhost:${trap.port}/`,
      `http://${OUTSIDE}:${deadPort}/`,
    ]
    for (const endpoint of endpoints) {
      const { receiveInvitation } = await acme.client.ask(RECEIVE, { input: { message: invitationTo(endpoint) } })
      const { id } = receiveInvitation.connection
      const event = await tap.find(({ deliveryConnectionId }) => deliveryConnectionId === id)
      assert.deepEqual([event.outcome, event.reason], ['GIVEN_UP', 'unreachable'], endpoint)
    }
    await tap.close()
    assertUntouched()
  })
})
