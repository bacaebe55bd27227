import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { TurnTaker } from '../../bench/turn-taker.js'
import { tempDir } from '../support/services.js'

/** Measures three blocks, each in its turn, and notes in a file what it has begun. */
const PROGRAM = `
const { appendFileSync } = require('node:fs')
const turns = require('node:readline').createInterface({ input: process.stdin })[Symbol.asyncIterator]()
async function run() {
  await turns.next()
  for (const block of ['one', 'of no interest', 'two']) {
    appendFileSync(process.argv[1], block + '\\n')
    console.error('  ' + block.padEnd(20) + ' c=1   n=10')
    await turns.next()
  }
  appendFileSync(process.argv[1], 'end')
  process.exit(3)
}
run()`

test('a program that measures in turns stands still between them', async () => {
  const folder = tempDir()
  try {
    const notes = join(folder.path, 'notes')
    const begun = () => readFileSync(notes, { encoding: 'utf8', flag: 'a+' })
    const program = TurnTaker.start(process.execPath, ['-e', PROGRAM, notes])
    const scenarios = new Set(['one', 'two'])
    await sleep(200)
    assert.equal(begun(), '')
    assert.equal(await program.measure(scenarios), true)
    await sleep(200)
    assert.equal(begun(), 'one\n')
    assert.equal(await program.measure(scenarios), true)
    assert.equal(begun(), 'one\nof no interest\ntwo\n')
    assert.equal(await program.measure(scenarios), false)
    assert.equal(begun(), 'one\nof no interest\ntwo\nend')
    assert.equal(await program.finish(), 3)
    const other = TurnTaker.start(process.execPath, ['-e', PROGRAM, join(folder.path, 'others')])
    assert.equal(await other.finish(), 3, 'what is left is measured without a pause')
  } finally {
    folder.remove()
  }
})
