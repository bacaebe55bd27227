import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Session } from '@openwallet-foundation/askar-shared'
import { leaveSession, readEntry, readEntryList, readValue, shared } from '../../src/askar/index.js'
import { askarError, type Backend, codes, createStore, inSession, type TestStore } from './stores.js'

/** What sessions, transactions and scans do with records, with any binding. */
export function recordContract(backend: Backend): void {
  describe(`records on ${backend}`, () => {
    let made: TestStore
    before(async () => {
      made = await createStore(backend)
    })
    after(() => made[Symbol.asyncDispose]())
    beforeEach(() => inSession(made.store, (session) => session.removeAll({})))

    const withSession = <Result>(work: (session: Session) => Promise<Result>) => inSession(made.store, work)
    const fruits = async (session: Session) => {
      for (const [index, name] of ['apple', 'banana', 'cherry', 'damson'].entries()) {
        const tags = { colour: index === 1 ? 'yellow' : 'red', '~position': String(index) }
        await session.insert({ category: 'fruit', name, value: { index }, tags })
      }
    }

    test('a record is inserted, replaced, fetched and removed', async () => {
      await withSession(async (session) => {
        const record = { category: 'thing', name: 'öné ✓', value: 'värde "1"\n', tags: { a: 'x', '~b': 'y' } }
        await session.insert(record)
        assert.deepEqual(await session.fetch({ category: 'thing', name: 'öné ✓' }), record)
        await session.replace({ ...record, value: { json: true }, tags: { a: 'z' } })
        const replaced = await session.fetch({ category: 'thing', name: 'öné ✓', isJson: true })
        assert.deepEqual(replaced?.value, { json: true })
        assert.deepEqual(replaced?.tags, { a: 'z' })
        await session.remove({ category: 'thing', name: 'öné ✓' })
        assert.equal(await session.fetch({ category: 'thing', name: 'öné ✓' }), null)
      })
    })

    test('values of every length come back whole', async () => {
      await withSession(async (session) => {
        for (const length of [0, 1, 100, 1_000_000]) {
          const value = 'é'.repeat(length)
          await session.insert({ category: 'long', name: String(length), value })
          assert.equal((await session.fetch({ category: 'long', name: String(length) }))?.value, value)
        }
      })
    })

    test('bytes that are not text come back as they are', async () => {
      await withSession(async (session) => {
        const sessionHandle = session.handle
        assert.ok(sessionHandle)
        // A part of a larger buffer: only this part must be stored.
        const value = new Uint8Array([9, 0, 255, 128, 1, 9]).subarray(1, 5)
        await shared.askar.sessionUpdate({ sessionHandle, operation: 0, category: 'raw', name: 'one', value })
        const handle = await shared.askar.sessionFetch({
          sessionHandle,
          category: 'raw',
          name: 'one',
          forUpdate: false,
        })
        assert.deepEqual(handle?.getValue(0), new Uint8Array([0, 255, 128, 1]))
        assert.equal(handle?.getTags(0), null)
        handle?.free()
      })
    })

    test('errors have the code of the call', async () => {
      await withSession(async (session) => {
        await session.insert({ category: 'thing', name: 'one', value: '1' })
        await assert.rejects(
          session.insert({ category: 'thing', name: 'one', value: '2' }),
          askarError(codes.duplicate),
        )
        await assert.rejects(
          session.replace({ category: 'thing', name: 'none', value: '' }),
          askarError(codes.notFound),
        )
        await assert.rejects(session.remove({ category: 'thing', name: 'none' }), askarError(codes.notFound))
        await assert.rejects(session.fetchAll({ tagFilter: { $nonsense: 1 } }), askarError(codes.input))
        await assert.rejects(session.fetchAll({ orderBy: 'name' }), askarError(codes.unsupported))
      })
    })

    test('records are counted and found by tags', async () => {
      await withSession(async (session) => {
        await fruits(session)
        const names = async (tagFilter: Record<string, unknown>) =>
          (await session.fetchAll({ category: 'fruit', tagFilter })).map(({ name }) => name).sort()
        assert.equal(await session.count({ category: 'fruit' }), 4)
        assert.equal(await session.count({ category: 'fruit', tagFilter: { colour: 'red' } }), 3)
        assert.deepEqual(await names({ colour: 'yellow' }), ['banana'])
        assert.deepEqual(await names({ $not: { colour: 'red' } }), ['banana'])
        assert.deepEqual(await names({ '~position': { $gt: '1' } }), ['cherry', 'damson'])
        assert.deepEqual(await names({ $or: [{ '~position': '0' }, { colour: 'yellow' }] }), ['apple', 'banana'])
        assert.deepEqual(await names({ '~position': { $in: ['2', '3'] } }), ['cherry', 'damson'])
        assert.deepEqual(await names({ colour: 'blue' }), [])
      })
    })

    test('lists have an order and a limit', async () => {
      await withSession(async (session) => {
        await fruits(session)
        const names = async (options: { limit?: number; descending?: boolean }) =>
          (await session.fetchAll({ category: 'fruit', orderBy: 'id', ...options })).map(({ name }) => name)
        assert.deepEqual(await names({}), ['apple', 'banana', 'cherry', 'damson'])
        assert.deepEqual(await names({ descending: true, limit: 2 }), ['damson', 'cherry'])
      })
    })

    test('scans read pages, with offset, limit and order', async () => {
      await withSession(fruits)
      const scan = async (options: object) =>
        (await made.store.scan({ category: 'fruit', orderBy: 'id', ...options }).fetchAll()).map(({ name }) => name)
      assert.deepEqual(await scan({}), ['apple', 'banana', 'cherry', 'damson'])
      assert.deepEqual(await scan({ offset: 1, limit: 2 }), ['banana', 'cherry'])
      assert.deepEqual(await scan({ descending: true, tagFilter: { colour: 'red' } }), ['damson', 'cherry', 'apple'])
      assert.deepEqual(await scan({ tagFilter: { colour: 'blue' } }), [])
    })

    test('a scan of many pages gives every record once', async () => {
      const numbers = Array.from({ length: 150 }, (_, index) => String(index))
      await withSession(async (session) => {
        for (const name of numbers) await session.insert({ category: 'many', name, value: name })
      })
      const rows = await made.store.scan({ category: 'many' }).fetchAll()
      assert.deepEqual(
        rows.map(({ value }) => Number(value)).sort((a, b) => a - b),
        numbers.map(Number),
      )
    })

    test('all of a kind are removed at once', async () => {
      await withSession(async (session) => {
        await fruits(session)
        await session.removeAll({ category: 'fruit', tagFilter: { colour: 'red' } })
        assert.deepEqual(
          (await session.fetchAll({ category: 'fruit' })).map(({ name }) => name),
          ['banana'],
        )
      })
    })

    test('an expired record is not found', async () => {
      await withSession(async (session) => {
        await session.insert({ category: 'thing', name: 'brief', value: '', expiryMs: 1 })
        await new Promise((resolve) => setTimeout(resolve, 1100))
        assert.equal(await session.fetch({ category: 'thing', name: 'brief' }), null)
      })
    })

    test('a transaction is committed whole, or rolled back whole', async () => {
      for (const end of ['commit', 'rollback'] as const) {
        const transaction = await made.store.transaction().open()
        await transaction.insert({ category: 'ended', name: `${end} 1`, value: '' })
        await transaction.insert({ category: 'ended', name: `${end} 2`, value: '' })
        assert.ok(await transaction.fetch({ category: 'ended', name: `${end} 1`, forUpdate: true }))
        await transaction[end]()
      }
      const rows = await withSession((session) => session.fetchAll({ category: 'ended', orderBy: 'id' }))
      assert.deepEqual(
        rows.map(({ name }) => name),
        ['commit 1', 'commit 2'],
      )
    })

    test('entries are read whole, one and many', async () => {
      await withSession(async (session) => {
        await fruits(session)
        await session.insert({ category: 'bare', name: 'one', value: '' })
        const sessionHandle = session.handle
        assert.ok(sessionHandle)
        const fetch = (category: string, name: string) =>
          shared.askar.sessionFetch({ sessionHandle, category, name, forUpdate: false })
        const fetchAll = (category: string) =>
          shared.askar.sessionFetchAll({ sessionHandle, category, orderBy: 'id', forUpdate: false })

        const apple = {
          category: 'fruit',
          name: 'apple',
          value: '{"index":0}',
          tags: { colour: 'red', '~position': '0' },
        }
        assert.deepEqual(readEntry(await fetch('fruit', 'apple')), apple)
        assert.deepEqual(readEntry(await fetch('bare', 'one')), { category: 'bare', name: 'one', value: '', tags: {} })
        assert.equal(readEntry(await fetch('fruit', 'none')), null)
        const list = readEntryList(await fetchAll('fruit'))
        assert.deepEqual(list[0], apple)
        assert.equal(list.length, 4)
        assert.deepEqual(readEntryList(await fetchAll('nothing')), [])
        assert.equal(readValue(await fetch('fruit', 'apple')), apple.value)
        assert.equal(readValue(await fetch('bare', 'one')), '')
        assert.equal(readValue(await fetch('fruit', 'none')), null)
      })
    })

    test('a session that is left gives its connection back', async () => {
      // More than there are connections.
      for (let count = 0; count < 40; count++) {
        const session = await made.store.session().open()
        await session.count({ category: 'none' })
        await leaveSession(session)
      }
    })

    test('64 calls at once each get their own answer', async () => {
      await withSession(async (session) => {
        const names = Array.from({ length: 64 }, (_, index) => String(index))
        await Promise.all(names.map((name) => session.insert({ category: 'crowd', name, value: `value ${name}` })))
        const sessions = await Promise.all(Array.from({ length: 4 }, () => made.store.session().open()))
        const found = await Promise.all(
          names.map((name, index) => sessions[index % 4]?.fetch({ category: 'crowd', name })),
        )
        assert.deepEqual(
          found.map((entry) => entry?.value),
          names.map((name) => `value ${name}`),
        )
        await Promise.all(sessions.map((open) => open.close()))
      })
    })
  })
}
