import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Recent } from '../../src/lib/recent.js'

describe('what was used last', () => {
  test('is kept, and what was not used for longest goes', () => {
    const recent = new Recent<string, number>(3)
    for (const [index, name] of ['a', 'b', 'c'].entries()) recent.set(name, index)
    assert.equal(recent.get('a'), 0)
    recent.set('d', 3)
    assert.deepEqual([...recent.keys()].sort(), ['a', 'c', 'd'])
    recent.set('c', 7)
    assert.deepEqual([recent.size, recent.get('c')], [3, 7])
    recent.delete('d')
    recent.set('e', 4).set('f', 5)
    assert.deepEqual([...recent.keys()].sort(), ['c', 'e', 'f'])
  })

  test('is kept no longer than it may be', async () => {
    const recent = new Recent<string, true>(3, 200)
    recent.set('a', true)
    assert.equal(recent.get('a'), true)
    await sleep(250)
    assert.equal(recent.get('a'), undefined)
  })

  test('takes no memory before it is there', () => {
    const used = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
    const before = used()
    const recent = new Recent<string, true>(5_000_000)
    assert.ok(used() - before < 2 ** 20, `${used() - before} bytes`)
    assert.equal(recent.size, 0)
  })
})
