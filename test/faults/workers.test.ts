import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Client } from 'undici'
import { SEEN_MAX } from '../../src/storage/head.js'
import { runCli } from '../support/cli.js'
import { type ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually, say } from '../support/talk.js'
import { homeIn, metricOf, startWorkers, workersOf } from '../support/workers.js'
import { asking, MobilePeer } from '../transports/mobile-peer.js'

const WORKERS = 2
const SEND = 'mutation($input: SendBasicMessageInput!) { sendBasicMessage(input: $input) { message { id } } }'

describe('workers behind one port', () => {
  let store: TestStore
  let gateway: TestGateway
  let acme: TestTenant
  let globex: TestTenant
  let connectionId: string

  before(async () => {
    store = await freshStore('postgres')
    gateway = await startWorkers(store, { INSTANCE_ID: 'host' })
    ;[acme, globex] = await Promise.all([makeTenant(gateway.url), makeTenant(gateway.url)])
    connectionId = (await connect(acme, globex)).inviter
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  const workers = () => workersOf(gateway)
  const readyLines = () =>
    gateway
      .log()
      .split('\n')
      .flatMap((line) => (line.includes('"Ready"') ? [JSON.parse(line)] : []))

  /**
   * Sends messages one after the other until told to end, each over a connection of its own: one that is kept open any
   * HTTP server may close while a request is on its way.
   */
  function talk(prefix: string) {
    let ended = false
    const sent: string[] = []
    const talking = (async () => {
      for (let n = 0; !ended; n++) {
        sent.push(`${prefix} ${n}`)
        const response = await fetch(`${gateway.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', connection: 'close', ...acme.client.headers },
          body: JSON.stringify({ query: SEND, variables: { input: { connectionId, content: `${prefix} ${n}` } } }),
        })
        assert.equal(((await response.json()) as { errors?: unknown }).errors, undefined)
      }
    })()
    const end = async () => {
      ended = true
      await talking
      return sent
    }
    return { sent, end }
  }
  async function received(client: ApiClient, prefix: string): Promise<string[]> {
    const found: string[] = []
    const query =
      'query($after: String) { basicMessages(first: 100, after: $after) { nodes { content } pageInfo { hasNextPage endCursor } } }'
    for (let after: string | null = null; ; ) {
      const { basicMessages } = await client.ask(query, { after })
      found.push(...basicMessages.nodes.map(({ content }: { content: string }) => content))
      if (!basicMessages.pageInfo.hasNextPage) return found.filter((content) => content.startsWith(prefix))
      after = basicMessages.pageInfo.endCursor
    }
  }

  test('are as many as are asked for, each an instance of its own', async () => {
    assert.equal(workers().length, WORKERS)
    assert.deepEqual(
      readyLines().map(({ instanceId }) => instanceId),
      ['host-1', 'host-2'],
    )
    assert.equal(new Set(readyLines().map(({ port }) => port)).size, 1)
  })

  test('have one page of metrics, whichever of them answers', async () => {
    const page = async () => {
      const response = await fetch(`${gateway.url}/metrics`, { headers: { connection: 'close' } })
      const text = await response.text()
      return (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
    }
    const inbound = 'tenantry_inbound_messages_total{outcome="handled"}'
    const before = (await page())(inbound.replace(/[{}]/g, '\\$&'))
    for (let n = 0; n < 6; n++) await say(acme.client, connectionId, `counted ${n}`)
    await eventually(async () => (await received(globex.client, 'counted')).length === 6)
    for (let n = 0; n < 4; n++) {
      const of = await page()
      assert.equal(of('tenantry_processes'), WORKERS)
      assert.equal(of('tenantry_store_up'), 1)
      assert.equal(of('tenantry_tenants'), 2)
      assert.ok(of(inbound.replace(/[{}]/g, '\\$&')) >= before + 6)
    }
  })

  test('are renewed one by one at SIGHUP, while every request is answered and no message lost or doubled', async () => {
    const before = workers()
    const { sent, end } = talk('renewed')
    gateway.process.kill('SIGHUP')
    await eventually(async () => /All workers are started anew/.test(gateway.log()), 60_000)
    await eventually(async () => sent.length > 5)
    const all = await end()
    assert.ok(workers().every((pid) => !before.includes(pid)))
    await eventually(async () => (await received(globex.client, 'renewed')).length >= all.length, 30_000)
    assert.deepEqual(await received(globex.client, 'renewed'), all)
  })

  test('are started again where one is killed', async () => {
    const ready = readyLines().length
    const [victim, other] = workers() as [number, number]
    process.kill(victim, 'SIGKILL')
    const now = () => workers().filter((pid) => pid !== victim)
    await eventually(async () => now().length === WORKERS && readyLines().length > ready, 30_000)
    assert.ok(now().includes(other))
    assert.match(gateway.log(), /A worker has ended and is started again/)
    await say(acme.client, connectionId, 'after the kill')
    await eventually(async () => (await received(globex.client, 'after the kill')).length === 1, 30_000)
  })

  test('leave nobody waiting whose connection was on its way to one that is killed', async () => {
    const ready = readyLines().length
    const [victim] = workers() as [number, number]
    process.kill(victim, 'SIGSTOP')
    // By connections of their own, one goes to each of them.
    const clients = [1, 2].map(() => new Client(gateway.url, { headersTimeout: 20_000 }))
    const asking = clients.map((client) => client.request({ method: 'GET', path: '/health/live' }))
    await Promise.any(asking)
    process.kill(victim, 'SIGKILL')
    const lost = (await Promise.allSettled(asking)).filter((outcome) => outcome.status === 'rejected')
    assert.deepEqual(
      lost.map(({ reason }) => reason.code),
      ['ECONNRESET'],
    )
    await Promise.all(clients.map((client) => client.destroy()))
    await eventually(async () => readyLines().length > ready, 30_000)
  })

  describe('with what comes for a wallet', () => {
    let peer: MobilePeer
    before(async () => {
      peer = await MobilePeer.connectTo(globex)
      await peer.close()
    })

    /** To whichever worker is next: by a connection of its own. */
    const post = (envelope: Buffer) => peer.post(envelope, { connection: 'close' })
    const handed = () => metricOf(gateway, 'tenantry_inbound_handed_total')
    const contents = (prefix: string, length: number) => Array.from({ length }, (_, n) => `${prefix} ${n}`)

    test('hand it to the one that it is at home with', async () => {
      const before = await handed()
      const all = contents('at home', 6)
      for (const content of all) assert.equal((await post(peer.message(content))).status, 200)
      assert.deepEqual(await received(globex.client, 'at home'), all)
      assert.ok((await handed()) > before)
    })

    test('take it whatever else is in an envelope, however deep it is nested', async () => {
      const before = workers()
      const deep = `,"more":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
      const all = contents('deep', 4)
      for (const content of all) {
        const envelope = peer.message(content).toString()
        assert.equal((await post(Buffer.from(`${envelope.slice(0, -1)}${deep}`))).status, 200)
      }
      assert.deepEqual(await received(globex.client, 'deep'), all)
      assert.deepEqual(workers(), before)
    })

    test('answer by the way that it has come, whoever is at home with it', async () => {
      for (let n = 0; n < 4; n++) {
        const response = await post(peer.pack(asking(peer.ping())))
        const answer = peer.peer.open(Buffer.from(await response.arrayBuffer()))
        assert.match(answer['@type'], /trust_ping\/1\.0\/ping_response$/)
      }
    })

    test('do without that one where it is stuck', async () => {
      const home = homeIn(gateway, globex.id)
      // More than the digests that a wallet remembers: what goes on there later must not be handled again.
      const all = contents('stuck', 3 * SEEN_MAX)
      let answered = 0
      process.kill(home, 'SIGSTOP')
      try {
        const posting = all.map(async (content) => {
          assert.equal((await post(peer.message(content))).status, 200)
          answered += 1
        })
        // Whatever has come to the one that stands still waits with it.
        await eventually(async () => answered > SEEN_MAX, 30_000)
        process.kill(home, 'SIGCONT')
        await Promise.all(posting)
      } finally {
        process.kill(home, 'SIGCONT')
      }
      assert.deepEqual((await received(globex.client, 'stuck')).sort(), all.sort())
    })
  })

  test('are not begun where the first cannot start, which says why', async () => {
    const taken = new URL(gateway.url).port
    const { code, stderr } = await runCli(['serve', '--workers', '2', '--port', taken], store.env)
    assert.equal(code, 1)
    assert.match(stderr, /^PORT: \d+ on 127\.0\.0\.1 is taken/m)
  })

  test('all end at SIGTERM', async () => {
    const before = workers()
    assert.equal(await gateway.stop(), 0)
    const alive = before.filter((pid) => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    })
    assert.deepEqual(alive, [])
  })

  test('do not outlive the process that started them', async () => {
    gateway = await startGateway(store, { WORKERS: `${WORKERS}`, INSTANCE_ID: 'host' })
    const before = workers()
    await gateway.kill()
    await eventually(async () => {
      const alive = before.filter((pid) => readStatus(pid) !== undefined)
      return alive.length === 0
    }, 30_000)
  })
})

function readStatus(pid: number): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return /^State:\tZ/m.test(status) ? undefined : status
  } catch {
    return undefined
  }
}
