import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Redis } from 'ioredis'
import { PeerServer } from '../../bench/peer-server.js'
import { ApiClient, connect, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { watchRedis } from '../support/redis-traffic.js'
import { eventually, say } from '../support/talk.js'
import { invitationTo } from './invitations.js'
import { connectPeer } from './outside-peer.js'
import { deliver, request } from './raw-http.js'
import { codeOf, TRANSPORTS } from './transports.js'

/** SQLite logs to a person, Postgres with Redis to a machine: each format is searched once. */
const FORMAT = { sqlite: 'pretty', postgres: 'json' }

for (const kind of STORES) {
  describe(`what is marked, on ${kind}`, () => {
    /** Texts that must not be found, by what they are. */
    const marks: Record<string, string> = {}
    const mark = (what: string) => {
      marks[what] ??= `marked-${what.replaceAll(' ', '-')}-${randomUUID()}`
      return marks[what]
    }
    const answers: string[] = []
    const redisTraffic: string[] = []
    let store: TestStore
    let gateway: TestGateway
    let server: PeerServer
    let monitor: Redis | undefined
    let acme: TestTenant

    before(async () => {
      store = await freshStore(kind)
      monitor = await watchRedis(store, redisTraffic)
      gateway = await startGateway(store, { LOG_LEVEL: 'trace', LOG_FORMAT: FORMAT[kind] })
      server = await PeerServer.listen()
      acme = await makeTenant(gateway.url, { label: mark('label'), groupId: mark('group') })
      await passThroughEveryPath()
    })
    after(async () => {
      monitor?.disconnect()
      await server?.close()
      await gateway?.stop()
      await store?.remove()
    })

    async function passThroughEveryPath(): Promise<void> {
      const { url } = gateway
      const globex = await makeTenant(url)
      // 1. What goes well: invitation, handshake, message, ping.
      await acme.client.ask(
        'mutation($input: CreateInvitationInput!) { createInvitation(input: $input) { invitation { id } } }',
        {
          input: { alias: mark('alias'), goal: mark('goal'), label: mark('label of an invitation') },
        },
      )
      const { inviter, invitee } = await connect(acme, globex)
      const tap = await acme.client.follow()
      await say(globex.client, invitee, mark('content'))
      await tap.find(({ message }) => message?.content === mark('content'))
      await tap.close()
      await globex.client.ask('mutation($id: ID!) { sendPing(connectionId: $id) { threadId } }', { id: invitee })

      // 2. What comes in and cannot be handled, or opened.
      const { peer, recipientKey } = await connectPeer(url, acme, server)
      const received = peer.pack(peer.basicMessage(mark('content from outside')), recipientKey)
      answers.push((await deliver(url, received)).text)
      const unknown = { '@type': `https://example.org/${mark('protocol')}/1.0/x`, '@id': 'x', content: mark('content') }
      const broken = {
        '@type': 'https://didcomm.org/basicmessage/1.0/message',
        '@id': 'x',
        content: { x: mark('content') },
      }
      const report = {
        '@type': 'https://didcomm.org/notification/1.0/problem-report',
        '@id': randomUUID(),
        description: { code: mark('problem'), en: mark('problem') },
      }
      for (const message of [unknown, broken, report]) {
        answers.push((await deliver(url, peer.pack(message, recipientKey))).text)
      }
      const tampered = JSON.parse(received.toString())
      for (const body of [{ ...tampered, tag: 'AAAA' }, { ...tampered, protected: mark('header') }, mark('body')]) {
        answers.push((await deliver(url, JSON.stringify(body))).text)
      }

      // 3. What fails in the API, on each transport.
      const send = 'mutation($input: SendBasicMessageInput!) { sendBasicMessage(input: $input) { message { id } } }'
      const failing = [
        { query: send, variables: { input: { connectionId: randomUUID(), content: mark('content') } } },
        { query: send, variables: { input: { connectionId: inviter, content: `${mark('content')}\u0000` } } },
        {
          query: 'mutation($k: String!) { unlockWallet(walletKey: $k) { tenant { id } } }',
          variables: { k: mark('wallet key') },
        },
        { query: `{ resolveDid(did: "did:peer:${mark('did')}") { document resolutionMetadata } }`, variables: {} },
        { query: `{ ${mark('query').replaceAll('-', '_')} }`, variables: {} },
        { query: `{ "${mark('syntax')}" }`, variables: {} },
      ]
      for (const transport of Object.values(TRANSPORTS)) {
        const line = transport(acme.client)
        for (const operation of failing) assert.notEqual(codeOf(await line.send(operation)), 'INTERNAL_SERVER_ERROR')
        await line.close()
        const stranger = transport(new ApiClient(url, { token: mark('token'), apiKey: mark('key') }))
        answers.push(JSON.stringify(await stranger.send({ query: '{ viewer { role } }', variables: {} })))
        await stranger.close()
      }
      const withKey = { name: uniqueName('key'), walletKey: mark('wallet key') }
      const create = 'mutation($input: CreateTenantInput!) { createTenant(input: $input) { token } }'
      answers.push(JSON.stringify(await ApiClient.operator(url).send(create, { input: withKey })))

      // 4. What cannot be delivered, or fetched.
      const tapOfFailures = await acme.client.follow({ topics: ['INVITATION'] })
      await acme.client.ask(
        'mutation($input: ReceiveInvitationInput!) { receiveInvitation(input: $input) { connection { id } } }',
        {
          input: {
            message: invitationTo(`http://127.0.0.1:1/${randomUUID()}`, mark('label of another')),
            alias: mark('alias'),
          },
        },
      )
      await tapOfFailures.find(({ invitation }) => invitation !== undefined)
      await tapOfFailures.close()
      const short = { input: { url: `http://127.0.0.1:1/?secret=${mark('query of a URL')}` } }
      const receive =
        'mutation($input: ReceiveInvitationInput!) { receiveInvitation(input: $input) { connection { id } } }'
      answers.push(JSON.stringify(await acme.client.send(receive, short)))

      marks['token of a tenant'] = acme.client.credentials.token as string
      for (const name of ['JWT_SECRET', 'STORE_KEY', 'OPERATOR_API_KEYS']) marks[name] = store.env[name] as string
    }

    const found = (text: string) => Object.keys(marks).filter((what) => text.includes(marks[what] as string))

    test('is in no line of the log, at any level', async () => {
      const log = await eventually(async () => gateway.log().includes('Ready') && gateway.log())
      assert.ok(log.split('\n').length > 50, 'the log is full of lines')
      assert.deepEqual(found(log), [])
    })

    test('is in no metric, and no tenant is', async () => {
      const { status, text } = await request(`${gateway.url}/metrics`, {})
      assert.equal(status, 200)
      assert.deepEqual(found(text), [])
      assert.ok(!text.includes(acme.id))
    })

    test('is in no error answer', () => {
      assert.ok(answers.length > 8)
      assert.deepEqual(found(answers.join('\n')), [])
    })

    test('is in nothing that lies in the data folder', () => {
      for (const name of readdirSync(store.env['DATA_DIR'] as string, { recursive: true, withFileTypes: true })) {
        if (name.isFile())
          assert.deepEqual(found(readFileSync(join(name.parentPath, name.name), 'latin1')), [], name.name)
      }
    })

    if (kind === 'postgres') {
      test('is in no key, value or message of Redis', async () => {
        const redis = new Redis(store.env['REDIS_URL'] as string)
        try {
          const values: string[] = []
          for await (const keys of redis.scanStream({ match: 'tenantry:*', count: 500 }) as AsyncIterable<string[]>) {
            for (const key of keys) values.push(key, await textOf(redis, key))
          }
          assert.ok(values.length > 0, 'there are keys')
          assert.deepEqual(found(values.join('\n')), [])
        } finally {
          redis.disconnect()
        }
        const own = redisTraffic.filter((line) => line.includes('tenantry:'))
        assert.ok(
          own.some((line) => line.startsWith('publish')),
          'the traffic was seen',
        )
        assert.deepEqual(found(redisTraffic.join('\n')), [])
      })
    }
  })
}

/** All that a key holds; nothing where it is gone. */
async function textOf(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key)
  if (type === 'none') return ''
  if (type === 'string') return (await redis.get(key)) ?? ''
  if (type === 'hash') return JSON.stringify(await redis.hgetall(key))
  throw new Error(`Nothing is known to be kept as a ${type}`)
}
