import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BoundedBuffer } from '../../src/lib/bounded-buffer.js'
import { consumerTooSlow } from '../../src/lib/errors.js'

const overflow = () => consumerTooSlow()

describe('bounded buffer', () => {
  test('gives what was pushed, in order, and ends', async () => {
    const buffer = new BoundedBuffer<number>({ capacity: 10, overflow })
    for (const item of [1, 2, 3]) assert.equal(buffer.push(item), true)
    buffer.end()
    const seen: number[] = []
    for await (const item of buffer) seen.push(item)
    assert.deepEqual(seen, [1, 2, 3])
    assert.equal(buffer.push(4), false)
  })

  test('hands over to a reader that waits, past the capacity', async () => {
    const buffer = new BoundedBuffer<number>({ capacity: 1, overflow })
    const readers = [buffer.next(), buffer.next(), buffer.next()]
    for (const item of [1, 2, 3]) assert.equal(buffer.push(item), true)
    assert.deepEqual(
      (await Promise.all(readers)).map((result) => result.value),
      [1, 2, 3],
    )
  })

  test('holds no more than may wait by its weight, but one alone in any case', async () => {
    const weight = { most: 10, of: (item: number) => item }
    const buffer = new BoundedBuffer<number>({ capacity: 10, weight, overflow })
    assert.equal(buffer.push(50), true)
    assert.equal((await buffer.next()).value, 50)
    for (const item of [4, 5]) assert.equal(buffer.push(item), true)
    assert.equal((await buffer.next()).value, 4)
    for (const item of [5, 0]) assert.equal(buffer.push(item), true)
    assert.equal(buffer.push(1), false)
    await assert.rejects(buffer.next(), { code: 'CONSUMER_TOO_SLOW' })
  })

  test('drops what waits and throws once when its reader falls behind', async () => {
    let closed = 0
    const buffer = new BoundedBuffer<number>({ capacity: 2, overflow, onClose: () => closed++ })
    assert.deepEqual(
      [1, 2, 3, 4].map((item) => buffer.push(item)),
      [true, true, false, false],
    )
    assert.equal(buffer.size, 0)
    assert.equal(closed, 1)
    await assert.rejects(buffer.next(), { code: 'CONSUMER_TOO_SLOW' })
    assert.deepEqual(await buffer.next(), { value: undefined, done: true })
  })

  test('gives what waits before the error it was ended with', async () => {
    const buffer = new BoundedBuffer<number>({ capacity: 2, overflow })
    buffer.push(1)
    buffer.end(new Error('revoked'))
    assert.deepEqual(await buffer.next(), { value: 1, done: false })
    await assert.rejects(buffer.next(), /revoked/)
  })

  test('wakes a waiting reader at the end, with or without error', async () => {
    const quiet = new BoundedBuffer<number>({ capacity: 1, overflow })
    const waiting = quiet.next()
    quiet.end()
    assert.deepEqual(await waiting, { value: undefined, done: true })
    const loud = new BoundedBuffer<number>({ capacity: 1, overflow })
    const failing = loud.next()
    loud.end(new Error('revoked'))
    await assert.rejects(failing, /revoked/)
  })

  test('is closed by a reader that leaves, also while it waits', async () => {
    let closed = 0
    const buffer = new BoundedBuffer<number>({ capacity: 5, overflow, onClose: () => closed++ })
    buffer.push(1)
    buffer.push(2)
    for await (const item of buffer) {
      assert.equal(item, 1)
      break
    }
    assert.equal(closed, 1)
    assert.equal(buffer.closed, true)
    assert.equal(buffer.size, 0)
    const other = new BoundedBuffer<number>({ capacity: 5, overflow })
    const waiting = other.next()
    await other.return()
    assert.deepEqual(await waiting, { value: undefined, done: true })
  })
})
