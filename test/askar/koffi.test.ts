import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findLibrary, shared } from '../../src/askar/index.js'
import { createKoffiAskar } from '../../src/askar/koffi/koffi-askar.js'
import { askarContract } from './contract.js'
import { askarError, codes, createStore, inSession, type TestStore } from './stores.js'

await askarContract('koffi')

describe('koffi', () => {
  const { Key, KeyAlgorithm } = shared
  let made: TestStore
  before(async () => {
    made = await createStore('sqlite')
  })
  after(() => made[Symbol.asyncDispose]())

  test('the error code is that of the call, 1,024 times with 32 at once', async () => {
    await inSession(made.store, (session) => session.insert({ category: 'error', name: 'taken', value: '' }))
    const sessions = await Promise.all(Array.from({ length: 32 }, () => made.store.session().open()))
    const seen = await Promise.all(
      sessions.map(async (session, worker) => {
        const wrong: unknown[] = []
        for (let round = 0; round < 32; round++) {
          const duplicate = (worker + round) % 2 === 0
          const call = duplicate
            ? session.insert({ category: 'error', name: 'taken', value: '' })
            : session.remove({ category: 'error', name: 'missing' })
          const error: unknown = await call.then(
            () => 'no error',
            (reason: unknown) => reason,
          )
          if (!askarError(duplicate ? codes.duplicate : codes.notFound)(error)) wrong.push(error)
        }
        return wrong
      }),
    )
    await Promise.all(sessions.map((session) => session.close()))
    assert.deepEqual(seen.flat(), [])
  })

  test('a handle is freed once, and is an error afterwards', async () => {
    const key = Key.generate(KeyAlgorithm.Ed25519)
    key.handle.free()
    key.handle.free()
    assert.throws(() => key.publicBytes, shared.AskarError)

    await inSession(made.store, async (session) => {
      const sessionHandle = session.handle
      assert.ok(sessionHandle)
      const list = await shared.askar.sessionFetchAll({ sessionHandle, forUpdate: false })
      list?.free()
      list?.free()
      assert.throws(() => list?.getName(0), shared.AskarError)
    })
  })

  test('a page of a scan is freed with the next one', async () => {
    await inSession(made.store, (session) => session.insert({ category: 'page', name: 'one', value: '' }))
    const scanHandle = await shared.askar.scanStart({ storeHandle: made.store.handle, category: 'page' })
    const page = await shared.askar.scanNext({ scanHandle })
    assert.equal(page?.getName(0), 'one')
    assert.equal(await shared.askar.scanNext({ scanHandle }), null)
    assert.throws(() => page?.getName(0), shared.AskarError)
    shared.askar.scanFree({ scanHandle })
  })

  test('a name with a NUL is refused, where C would cut it short', async () => {
    await inSession(made.store, async (session) => {
      const record = { category: 'thing', name: 'on\0e', value: '' }
      await assert.rejects(session.insert(record), askarError(codes.input))
      await session.insert({ ...record, name: 'one', value: 'a\0b', tags: { tag: 'c\0d' } })
      const found = await session.fetch({ category: 'thing', name: 'one' })
      assert.equal(found?.value, 'a\0b')
      assert.deepEqual(found?.tags, { tag: 'c\0d' })
    })
  })

  test('the backends of keys are told', () => {
    assert.ok(createKoffiAskar(findLibrary()).keyGetSupportedBackends().includes('software'))
  })

  test('the log comes from every thread, until it is cleared', async () => {
    const lines: string[] = []
    const logger = (_context: unknown, _level: number, target: string, message: string) => {
      lines.push(`${target}: ${message}`)
    }
    shared.askar.setCustomLogger({ logLevel: shared.LogLevel.Error, logger: () => assert.fail('it was replaced') })
    shared.askar.setCustomLogger({ logLevel: shared.LogLevel.Debug, logger })
    await inSession(made.store, (session) => session.count({}))
    assert.ok(lines.some((line) => line.includes('session')))
    shared.askar.clearCustomLogger()
    lines.length = 0
    await inSession(made.store, (session) => session.count({}))
    assert.deepEqual(lines, [])
  })
})

describe('koffi in a process of its own', () => {
  const run = async (child: string) => {
    const file = fileURLToPath(new URL(`./children/${child}.js`, import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', file], { timeout: 120_000 })
    return JSON.parse(stdout) as Record<string, number>
  }

  test('calls under way keep the process alive, and nothing does after closing', async () => {
    const { closedAfterMs, exitedAfterMs } = await run('exit')
    assert.ok(closedAfterMs !== undefined && exitedAfterMs !== undefined)
    assert.ok(exitedAfterMs - closedAfterMs < 1000, `it went on for ${exitedAfterMs - closedAfterMs} ms`)
  })

  test('memory stays the same from the 5,000th to the 20,000th fetch, scans and keys included', async () => {
    const { earlyMb, lateMb } = await run('leak')
    assert.ok(earlyMb !== undefined && lateMb !== undefined)
    // The allocator's own noise is up to 7 MB; entry lists that nobody frees would be 40, ffi-napi loses 45.
    assert.ok(lateMb - earlyMb < 15, `RSS grew from ${earlyMb} to ${lateMb} MB`)
  })
})
