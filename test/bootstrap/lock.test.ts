import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { tempDir } from '../support/services.js'
import { script } from './scripts.js'

const { withLock } = await script('lock')

const lockModule = new URL('../../../scripts/lib/lock.mjs', import.meta.url).href

/** A process that takes the lock, says so, and keeps it until it is killed. */
async function holder(lock: string) {
  const code = `import { withLock } from '${lockModule}'
    await withLock(process.argv[1], () => new Promise((r) => { console.log('held'); setTimeout(r, 60_000) }))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, lock], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

describe('lock', () => {
  test('lets one work at a time and leaves nothing behind', async (t) => {
    const dir = tempDir()
    t.after(() => dir.remove())
    const lock = join(dir.path, 'lock')
    const file = join(dir.path, 'count')
    writeFileSync(file, '0')
    const add = () =>
      withLock(lock, async () => {
        const count = Number(readFileSync(file, 'utf8'))
        await sleep(5)
        writeFileSync(file, String(count + 1))
      })
    await Promise.all(Array.from({ length: 8 }, add))
    assert.equal(readFileSync(file, 'utf8'), '8')
    assert.equal(existsSync(lock), false)
  })

  test('is given back when the work fails', async (t) => {
    const dir = tempDir()
    t.after(() => dir.remove())
    const lock = join(dir.path, 'lock')
    await assert.rejects(() => withLock(lock, () => Promise.reject(new Error('no'))), { message: 'no' })
    assert.equal(await withLock(lock, async () => 'again'), 'again')
  })

  test('is waited for while its process lives, and taken over once it was killed', async (t) => {
    const dir = tempDir()
    t.after(() => dir.remove())
    const lock = join(dir.path, 'lock')
    const child = await holder(lock)
    t.after(() => child.kill('SIGKILL'))
    let waited = 0
    const work = withLock(lock, async () => child.signalCode, { onWait: () => (waited += 1) })
    await sleep(500)
    assert.equal(waited, 1)
    child.kill('SIGKILL')
    assert.equal(await work, 'SIGKILL')
  })
})
