import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deferred } from '../../src/lib/deferred.js'
import { KeyedMutex } from '../../src/lib/keyed-mutex.js'

describe('keyed mutex', () => {
  test('runs one at a time per key, in order', async () => {
    const mutex = new KeyedMutex()
    const order: number[] = []
    let inside = 0
    await Promise.all(
      [0, 1, 2, 3].map((i) =>
        mutex.run('a', async () => {
          assert.equal(++inside, 1)
          await new Promise((resolve) => setImmediate(resolve))
          order.push(i)
          inside--
        }),
      ),
    )
    assert.deepEqual(order, [0, 1, 2, 3])
  })

  test('does not hold up another key', async () => {
    const mutex = new KeyedMutex()
    const gate = deferred()
    const held = mutex.run('a', () => gate.promise)
    assert.equal(await mutex.run('b', () => 'free'), 'free')
    assert.equal(mutex.isHeld('a'), true)
    assert.equal(mutex.isHeld('b'), false)
    gate.resolve()
    await held
  })

  test('keeps nothing of idle keys, not even after errors and aborts', async () => {
    const mutex = new KeyedMutex()
    const gate = deferred()
    const held = mutex.run('a', () => gate.promise)
    const abort = new AbortController()
    const waiting = mutex.run('a', () => 'never', abort.signal)
    abort.abort(new Error('gave up'))
    await assert.rejects(waiting, /gave up/)
    gate.resolve()
    await held
    await assert.rejects(
      mutex.run('b', () => Promise.reject(new Error('broken'))),
      /broken/,
    )
    assert.equal(mutex.size, 0)
  })

  test('goes on after a turn that failed', async () => {
    const mutex = new KeyedMutex()
    const failing = mutex.run('a', () => Promise.reject(new Error('broken')))
    const next = mutex.run('a', () => 'next')
    await assert.rejects(failing, /broken/)
    assert.equal(await next, 'next')
  })
})
