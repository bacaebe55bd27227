import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Outgoing } from '../../src/relay/outbox.js'
import { Post } from '../../src/relay/post.js'

const NEAR = 'http://here.example/didcomm'
const FAR = 'http://there.example/didcomm'

describe('the post', () => {
  const message = (endpoint: string, payload: unknown = {}): Outgoing => ({ n: 1, at: 0, endpoint, payload })
  const mayGo = async () => true
  const take = async () => true

  test('brings what stays here to its receiver, however many others are long about theirs', async () => {
    const post = new Post({} as never, 1000, 1000)
    const answer = { status: 200, headers: {}, body: Buffer.alloc(0) }
    post.near = {
      isNear: (endpoint) => endpoint === NEAR,
      post: (_endpoint, envelope) => (envelope === '"slow"' ? new Promise(() => {}) : Promise.resolve(answer)),
    }
    for (let n = 0; n < 100; n++) void post.send('busy', message(NEAR, 'slow'), mayGo, take)
    assert.equal(await post.send('other', message(NEAR, 'quick'), mayGo, take), undefined)
    assert.equal(await post.send('other', message(NEAR), async () => false, take), 'held')
  })

  test('lets wallets take turns at an origin that has no more places', async () => {
    const under: { body: string; end: () => void }[] = []
    const fetch = (_url: string, { body }: { body: string }) =>
      new Promise((resolve) => {
        under.push({ body, end: () => resolve({ status: 200, headers: {}, body: Buffer.alloc(0) }) })
      })
    const post = new Post({ fetch } as never, 1000, 1000)
    const sent: Promise<unknown>[] = []
    for (let n = 0; n < 40; n++) sent.push(post.send('busy', message(FAR, `busy ${n}`), mayGo, take))
    sent.push(post.send('other', message(FAR, 'other'), mayGo, take))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(under.length, 32)
    for (let n = 0; n < 2; n++) under[n]?.end()
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(under.slice(32).some(({ body }) => body === '"other"'))
    for (let n = 0; n < 41; n++) {
      await new Promise((resolve) => setImmediate(resolve))
      under[n]?.end()
    }
    await Promise.all(sent)
  })
})
