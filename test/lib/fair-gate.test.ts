import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { enterGateAgain, FairGate, leaveGate } from '../../src/lib/fair-gate.js'

const OPTIONS = { most: 4, share: 1, yieldMs: 0, many: 1, aboutMs: 60_000, stayMs: 60_000 }

/** Asks at once, and notes who is let in. */
function crowd(gate: FairGate, keys: string[]) {
  const inside: { key: string; leave: () => void }[] = []
  for (const key of keys) void gate.enter(key).then((leave) => inside.push({ key, leave }))
  return { inside, keys: () => inside.map(({ key }) => key).join('') }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('fair gate', () => {
  test('lets one key have all places while nobody else is about', async () => {
    const gate = new FairGate(OPTIONS)
    const { keys } = crowd(gate, [...'aaaaaa'])
    await settled()
    assert.equal(keys(), 'aaaa')
    assert.equal(gate.waiting, 2)
  })

  test('lets a newcomer in next, and keeps the other at its share from then on', async () => {
    const gate = new FairGate(OPTIONS)
    const busy = crowd(gate, [...'aaaaaaaaaa'])
    await settled()
    const other = crowd(gate, [...'bb'])
    busy.inside[0]?.leave()
    await settled()
    assert.equal(other.keys(), 'b')
    for (const { leave } of busy.inside.slice(1, 4)) leave()
    await settled()
    // All four have left; one more is in, though three places are free.
    assert.equal(busy.keys(), 'aaaaa')
    assert.equal(other.keys(), 'b')
    other.inside[0]?.leave()
    await settled()
    assert.equal(other.keys(), 'bb')
  })

  test('lets who asks for little go before who asks for much, and that one go on all the same', async () => {
    const gate = new FairGate({ ...OPTIONS, yieldMs: 300 })
    const busy = crowd(gate, [...'aaaaaaaaaa'])
    const light = crowd(gate, ['b'])
    await settled()
    assert.equal(light.keys(), '')
    for (const { leave } of busy.inside.slice(0, 4)) leave()
    await settled()
    // The newcomer is in, and nothing of the other until it has left.
    assert.deepEqual([light.keys(), busy.keys()], ['b', 'aaaa'])
    light.inside[0]?.leave()
    await settled()
    assert.equal(busy.keys(), 'aaaaa')
    // As long as somebody is always there, one comes in after each while.
    const others = crowd(gate, ['c'])
    await settled()
    busy.inside[4]?.leave()
    await settled()
    assert.equal(busy.keys(), 'aaaaa')
    await sleep(350)
    crowd(gate, ['d'])
    await settled()
    assert.deepEqual([others.keys(), busy.keys()], ['c', 'aaaaaa'])
  })

  test('gives all places back once nobody else is about', async () => {
    const gate = new FairGate({ ...OPTIONS, aboutMs: 50 })
    const other = crowd(gate, ['b'])
    const busy = crowd(gate, [...'aaaaa'])
    await settled()
    other.inside[0]?.leave()
    await settled()
    assert.equal(busy.keys(), 'a')
    await sleep(80)
    busy.inside[0]?.leave()
    await settled()
    assert.equal(busy.keys(), 'aaaaa')
  })

  test('takes no more than its places, whoever asks', async () => {
    const gate = new FairGate(OPTIONS)
    const { keys, inside } = crowd(gate, [...'abcdef'])
    await settled()
    assert.equal(keys(), 'abcd')
    inside[1]?.leave()
    inside[1]?.leave()
    await settled()
    assert.equal(keys(), 'abcde')
  })

  test('keeps no place for who stays long', async () => {
    const gate = new FairGate({ ...OPTIONS, stayMs: 30 })
    crowd(gate, ['b'])
    const busy = crowd(gate, [...'aa'])
    await settled()
    assert.equal(busy.keys(), 'a')
    await sleep(60)
    assert.equal(busy.keys(), 'aa')
  })

  test('lets work that has given its place away wait for one again, and keeps none that it leaves behind', async () => {
    const gate = new FairGate({ ...OPTIONS, most: 1 })
    const steps: string[] = []
    const work = gate.use('a', async () => {
      leaveGate()
      await settled()
      steps.push('out')
      await enterGateAgain()
      steps.push('in again')
      // What has a place needs no other.
      await enterGateAgain()
    })
    const other = crowd(gate, ['b'])
    await settled()
    await settled()
    assert.deepEqual([other.keys(), steps], ['b', ['out']])
    other.inside[0]?.leave()
    await work
    assert.deepEqual(steps, ['out', 'in again'])
    const next = crowd(gate, ['c'])
    await settled()
    assert.equal(next.keys(), 'c')
  })

  test('gives no place to what work has left behind', async () => {
    const gate = new FairGate({ ...OPTIONS, most: 1 })
    let left: Promise<void> | undefined
    await gate.use('a', async () => {
      left = settled().then(enterGateAgain)
    })
    await left
    const next = crowd(gate, ['b'])
    await settled()
    assert.equal(next.keys(), 'b')
  })
})
