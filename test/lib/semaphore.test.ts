import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deferred } from '../../src/lib/deferred.js'
import { Semaphore } from '../../src/lib/semaphore.js'

describe('semaphore', () => {
  test('lets no more in than its limit, and in order', async () => {
    const semaphore = new Semaphore(2)
    const order: number[] = []
    let inside = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        semaphore.use(async () => {
          order.push(i)
          most = Math.max(most, ++inside)
          await new Promise((resolve) => setImmediate(resolve))
          inside--
        }),
      ),
    )
    assert.equal(most, 2)
    assert.deepEqual(
      order,
      Array.from({ length: 20 }, (_, i) => i),
    )
    assert.equal(semaphore.free, 2)
    assert.equal(semaphore.waiting, 0)
  })

  test('counts who waits and what is free', async () => {
    const semaphore = new Semaphore(1)
    const gate = deferred()
    const first = semaphore.use(() => gate.promise)
    const second = semaphore.use(() => 'done')
    assert.equal(semaphore.free, 0)
    assert.equal(semaphore.waiting, 1)
    gate.resolve()
    await first
    assert.equal(await second, 'done')
  })

  test('gives the place back when the work throws', async () => {
    const semaphore = new Semaphore(1)
    await assert.rejects(
      semaphore.use(() => {
        throw new Error('broken')
      }),
      /broken/,
    )
    assert.equal(semaphore.free, 1)
  })

  test('a place given back twice counts once', async () => {
    const semaphore = new Semaphore(2)
    const release = await semaphore.acquire()
    await semaphore.acquire()
    release()
    release()
    assert.equal(semaphore.free, 1)
  })

  test('one who gives up leaves the queue to the others', async () => {
    const semaphore = new Semaphore(1)
    const release = await semaphore.acquire()
    const abort = new AbortController()
    const impatient = semaphore.use(() => 'never', { signal: abort.signal })
    const patient = semaphore.use(() => 'served')
    abort.abort(new Error('gave up'))
    await assert.rejects(impatient, /gave up/)
    release()
    assert.equal(await patient, 'served')
    await assert.rejects(
      semaphore.use(() => 'never', { signal: AbortSignal.abort(new Error('too late')) }),
      /too late/,
    )
    assert.equal(semaphore.free, 1)
  })

  test('serves keys in turn, however many of one wait', async () => {
    const semaphore = new Semaphore(1)
    const release = await semaphore.acquire({ key: 'busy' })
    const order: string[] = []
    const ask = (key: string) => semaphore.use(() => order.push(key), { key })
    const asked = [...Array.from({ length: 5 }, () => ask('busy')), ask('other'), ask('other'), ask('third')]
    assert.equal(semaphore.waiting, 8)
    release()
    await Promise.all(asked)
    assert.deepEqual(order, ['busy', 'other', 'third', 'busy', 'other', 'busy', 'busy', 'busy'])
    assert.equal(semaphore.waiting, 0)
  })

  test('refuses a limit that lets no one in', () => {
    assert.throws(() => new Semaphore(0), RangeError)
  })
})
