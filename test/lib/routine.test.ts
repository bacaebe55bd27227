import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Deferred, deferred } from '../../src/lib/deferred.js'
import { repeat, takeAll } from '../../src/lib/routine.js'

test('what is done again and again is not begun twice at once, and goes on after a failure', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const runs: Deferred<void>[] = []
  const failures: unknown[] = []
  const work = () => {
    const run = deferred()
    runs.push(run)
    return run.promise
  }
  const end = repeat(100, work, (error) => failures.push(error), true)
  t.mock.timers.tick(300)
  assert.equal(runs.length, 1)
  runs[0]?.reject('failed')
  await nextTurn()
  t.mock.timers.tick(100)
  assert.deepEqual([runs.length, failures], [2, ['failed']])
  runs[1]?.resolve()
  await nextTurn()
  end()
  t.mock.timers.tick(100)
  assert.equal(runs.length, 2)
})

test('steps are taken one after the other, whichever of them fails', async () => {
  const taken: unknown[] = []
  const failing = () => Promise.reject('failed')
  await takeAll([async () => taken.push(1), failing, async () => taken.push(2)], (error) => taken.push(error))
  assert.deepEqual(taken, [1, 'failed', 2])
})
