import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '../support/services.js'
import { script } from './scripts.js'

const { hashOf, isStamped, writeStamp } = await script('stamp')

test('a stamp holds while the files are the same, and no longer', (t) => {
  const dir = tempDir()
  t.after(() => dir.remove())
  const src = join(dir.path, 'src')
  const file = join(src, 'deep', 'a.ts')
  mkdirSync(join(src, 'deep'), { recursive: true })
  writeFileSync(file, 'one')
  const stamp = join(dir.path, 'dist', '.stamp')
  const hash = () => hashOf(dir.path, [src, join(dir.path, 'absent')])
  const first = hash()

  assert.equal(isStamped(stamp, first), false)
  writeStamp(stamp, first)
  assert.equal(isStamped(stamp, hash()), true)

  utimesSync(file, 1, 1)
  assert.equal(isStamped(stamp, hash()), true, 'another time is no change')

  writeFileSync(file, 'two')
  assert.equal(isStamped(stamp, hash()), false, 'changed')
  writeFileSync(file, 'one')
  writeFileSync(join(src, 'b.ts'), '')
  assert.equal(isStamped(stamp, hash()), false, 'added')
  rmSync(join(src, 'b.ts'))
  renameSync(file, join(src, 'a.ts'))
  assert.equal(isStamped(stamp, hash()), false, 'moved')
  renameSync(join(src, 'a.ts'), file)
  assert.equal(isStamped(stamp, hash()), true, 'as before')
})
