import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AnyEvent, connect, makeTenant, type TestTenant } from '../support/client.js'
import { Front, type FrontMode } from '../support/front.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { assertGapless, placeOf, readAll, readEvents } from '../support/ledger.js'
import { freePort } from '../support/ports.js'
import { eventually, say } from '../support/talk.js'

const GIVE_UP_MS = 4000

for (const kind of STORES) {
  describe(`outbox on ${kind}`, () => {
    let store: TestStore
    let env: Record<string, string>
    let gateway: TestGateway
    let peerStore: TestStore
    let peerGateway: TestGateway
    let front: Front
    let sender: TestTenant
    let peer: TestTenant
    let other: TestTenant
    /** The sender's connections: two to the peer behind the front, one within the gateway. */
    let first: string
    let second: string
    let home: string

    before(async () => {
      front = await Front.open()
      peerStore = await freshStore('sqlite')
      store = await freshStore(kind)
      env = { PORT: `${await freePort()}`, INSTANCE_ID: 'sender', OUTBOUND_TIMEOUT: '1s' }
      const peerPort = await freePort()
      peerGateway = await startGateway(peerStore, { PORT: `${peerPort}`, PUBLIC_URL: front.url })
      front.target = `http://127.0.0.1:${peerPort}`
      gateway = await startGateway(store, env)
      sender = await makeTenant(gateway.url)
      other = await makeTenant(gateway.url)
      peer = await makeTenant(front.target)
      first = (await connect(sender, peer)).inviter
      second = (await connect(sender, peer)).inviter
      home = (await connect(sender, other)).inviter
    })
    after(async () => {
      await gateway?.stop()
      await peerGateway?.stop()
      await front?.down()
      await Promise.all([store?.remove(), peerStore?.remove()])
    })
    beforeEach(async () => {
      await front.up()
      front.mode = 'pass'
      front.decide = undefined
      front.requests.length = 0
    })

    // What a peer does, what it is answered with, and how long it must be left alone then (ms). The store has no part in it.
    const failures: [string, FrontMode, number][] = [
      ['answers 500', { status: 500 }, 0],
      ['answers 503 and says when to come again', { status: 503, headers: { 'retry-after': '1' } }, 950],
      ['answers 404', { status: 404 }, 0],
      ['resets the connection', 'reset', 0],
      ['does not answer', 'hang', 1000],
    ]
    for (const [what, mode, leastMs] of kind === 'sqlite' ? failures : []) {
      test(`tries again, with the same bytes, where the peer ${what}`, async () => {
        const content = `after it ${what}`
        front.decide = () => (front.requests.length <= 1 ? mode : undefined)
        const mark = await lastCursor(sender)
        await say(sender.client, first, content)
        await received(content)
        const [one, two] = front.requests
        assert.equal(two?.body, one?.body)
        assert.ok((two?.at ?? 0) - (one?.at ?? 0) >= leastMs, 'it came again too soon')
        const [delivery] = await deliveries(mark, 1)
        assert.deepEqual([delivery.outcome, delivery.deliveryConnectionId, delivery.attempts], ['DELIVERED', first, 2])
      })
    }

    if (kind === 'sqlite') {
      test('takes no failure for one of the five times that a peer may refuse', async () => {
        front.decide = () => {
          if (front.requests.length <= 4) return 'reset'
          return front.requests.length === 5 ? { status: 404 } : undefined
        }
        const mark = await lastCursor(sender)
        await say(sender.client, first, 'refused once')
        const [delivery] = await deliveries(mark, 1, 60_000)
        assert.deepEqual([delivery.outcome, delivery.attempts], ['DELIVERED', 6])
        front.decide = undefined
        front.mode = { status: 404 }
        front.requests.length = 0
        await say(sender.client, first, 'refused five times')
        const [, refused] = await deliveries(mark, 2, 60_000)
        assert.deepEqual([refused.outcome, refused.attempts, front.requests.length], ['GIVEN_UP', 5, 5])
      })
    }

    test('keeps the order of a connection over failures, and holds up no other connection', async () => {
      let calls = 0
      front.decide = () => (++calls % 3 === 0 ? undefined : { status: 503 })
      const contents = Array.from({ length: 5 }, (_, index) => `in order ${index}`)
      for (const content of contents) await say(sender.client, first, content)
      await received(contents.at(-1) as string, 30_000)
      const messages = await readAll(peer.client, 'basicMessages')
      assert.deepEqual(
        messages.map(({ content }) => content).filter((content) => contents.includes(content)),
        contents,
      )
    })

    test('lets a peer that hangs hold up nobody else', async () => {
      front.mode = 'hang'
      for (let index = 0; index < 5; index++) await say(sender.client, first, `held up ${index}`)
      await say(sender.client, second, 'held up by itself')
      const start = Date.now()
      await say(sender.client, home, 'meanwhile')
      await eventually(async () =>
        (await readAll(other.client, 'basicMessages')).some(({ content }) => content === 'meanwhile'),
      )
      assert.ok(Date.now() - start < 2000, 'the peer that hangs held it up')
      front.mode = 'pass'
      await received('held up 4')
      await received('held up by itself')
    })

    test('survives kill -9 twice over, and sends what waits in its order before what is new', async () => {
      await front.down()
      const contents = Array.from({ length: 6 }, (_, index) => `through kills ${index}`)
      for (const content of contents.slice(0, 3)) await say(sender.client, first, content)
      await gateway.kill()
      gateway = await startGateway(store, env)
      await gateway.kill()
      gateway = await startGateway(store, env)
      for (const content of contents.slice(3)) await say(sender.client, first, content)
      await front.up()
      await received(contents.at(-1) as string)
      assert.deepEqual(
        (await contentsOf(peer)).filter((content) => contents.includes(content)),
        contents,
      )
    })

    test('loses nothing by SIGTERM', async () => {
      front.mode = 'hang'
      const contents = Array.from({ length: 3 }, (_, index) => `through a stop ${index}`)
      for (const content of contents) await say(sender.client, first, content)
      await sleep(200)
      assert.equal(await gateway.stop(), 0)
      front.mode = 'pass'
      gateway = await startGateway(store, env)
      await received(contents.at(-1) as string)
      assert.deepEqual(
        (await contentsOf(peer)).filter((content) => contents.includes(content)),
        contents,
      )
    })

    if (kind === 'postgres') return
    test('gives up after the time for it, tells so, and goes on with what comes later', async () => {
      await gateway.stop()
      gateway = await startGateway(store, { ...env, OUTBOX_GIVE_UP: `${GIVE_UP_MS}ms` })
      await front.down()
      const mark = await lastCursor(sender)
      await say(sender.client, first, 'never arrives')
      const [delivery] = await deliveries(mark, 1, 30_000)
      assert.deepEqual([delivery.outcome, delivery.deliveryConnectionId], ['GIVEN_UP', first])
      assert.ok(delivery.attempts > 2)
      assert.ok(delivery.reason)
      await front.up()
      await say(sender.client, first, 'arrives again')
      await received('arrives again')
      assert.ok(!(await contentsOf(peer)).includes('never arrives'))
    })

    test('does not wait for longer than it would try, whatever the peer asks for', async () => {
      front.mode = { status: 503, headers: { 'retry-after': '99999999' } }
      const mark = await lastCursor(sender)
      await say(sender.client, first, 'refused for years')
      const [delivery] = await deliveries(mark, 1, 30_000)
      assert.equal(delivery.outcome, 'GIVEN_UP')
      assert.ok(front.requests.length <= 3, `it was sent ${front.requests.length} times`)
    })

    async function contentsOf({ client }: TestTenant): Promise<string[]> {
      return (await readAll(client, 'basicMessages')).map(({ content }) => content)
    }

    async function received(content: string, timeoutMs?: number): Promise<void> {
      await eventually(async () => (await contentsOf(peer)).includes(content), timeoutMs)
      assert.equal((await contentsOf(peer)).filter((other) => other === content).length, 1)
    }

    async function deliveries(after: string, count: number, timeoutMs?: number): Promise<AnyEvent[]> {
      return eventually(async () => {
        const events = await readEvents(sender.client, after)
        assertGapless(events, placeOf(after).seq + 1)
        const found = events.filter(({ topic }) => topic === 'DELIVERY')
        return found.length >= count ? found : undefined
      }, timeoutMs)
    }
  })
}

async function lastCursor({ client }: TestTenant): Promise<string> {
  return (await client.ask('{ events(last: 1) { pageInfo { endCursor } } }')).events.pageInfo.endCursor
}
