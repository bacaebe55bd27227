import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { deferred } from '../../src/lib/deferred.js'
import { tenantLocked } from '../../src/lib/errors.js'
import { type Entry, sizeOf, type TagQuery } from '../../src/storage/entry.js'
import { ConflictError } from '../../src/storage/errors.js'
import { placeInList } from '../../src/storage/list.js'
import type { Profile } from '../../src/storage/profile.js'
import type { Collector, Unit } from '../../src/storage/unit.js'
import { KINDS, openPlace, type StorePlace } from './places.js'

const add = (unit: Unit, name: string, value = '{}') => unit.insert({ category: 'thing', name, value, tags: { name } })

async function increased(unit: Unit, name: string): Promise<void> {
  const entry = await unit.fetch('counter', name)
  const next = { category: 'counter', name, value: `${Number(entry?.value ?? 0) + 1}`, tags: {} }
  if (!(await unit.replace(next))) unit.insert(next)
}

for (const kind of KINDS) {
  describe(`units of work on ${kind}`, () => {
    let place: StorePlace
    let profile: Profile
    before(async () => {
      place = await openPlace(kind)
      profile = place.profile()
    })
    after(() => place?.remove())
    const stored = async (category = 'thing') =>
      (await place.profile().query(category, {})).map(({ name }) => name).sort()

    test('see their own changes, and write them all or none', async () => {
      await profile.transact(async (unit) => {
        add(unit, 'one')
        add(unit, 'gone')
        assert.equal((await unit.fetch('thing', 'one'))?.name, 'one')
        assert.equal((await unit.query('thing', { name: 'one' })).length, 1)
        await unit.remove('thing', 'gone')
        assert.equal(await unit.fetch('thing', 'gone'), undefined)
      })
      assert.deepEqual(await stored(), ['one'])
      const failing = profile.transact(async (unit) => {
        add(unit, 'two')
        await unit.remove('thing', 'one')
        throw new Error('no')
      })
      await assert.rejects(failing, /^Error: no$/)
      assert.deepEqual(await stored(), ['one'])
      assert.ok(await profile.transact((unit) => unit.fetch('thing', 'one')))
    })

    test('leave nothing where the store refuses a part', async () => {
      const { rev } = await profile.head()
      const told: string[] = []
      const collector: Collector<string> = {
        settle: () => ({
          changes: [],
          committed: () => told.push('committed'),
          uncertain: () => told.push('uncertain'),
        }),
      }
      const refused = profile.transact(async (unit) => {
        add(unit, 'before')
        add(unit, 'one')
        unit.add(collector, 'event')
      })
      await assert.rejects(refused, { name: 'Error', message: 'The store could not be used' })
      assert.deepEqual(await stored(), ['one'])
      assert.equal((await profile.head()).rev, rev)
      assert.deepEqual(told, ['uncertain'])
      await profile.transact(async (unit) => add(unit, 'afterwards'))
      assert.deepEqual(await stored(), ['afterwards', 'one'])
    })

    test('tell a store that cannot be used from what went wrong in themselves, from the first look on', async (t) => {
      const failure = { message: 'The store could not be used' }
      const fresh = place.profile()
      const session = t.mock.method(place.store, 'session', () => Promise.reject(new Error('cut')))
      const look = () => fresh.transact((unit) => unit.fetch('thing', 'one'))
      await assert.rejects(look(), failure)
      await assert.rejects(fresh.count(), failure)
      session.mock.mockImplementation(() => Promise.reject(tenantLocked()))
      await assert.rejects(look(), { message: tenantLocked().message })
      session.mock.restore()
      assert.ok(await look())
    })

    test('are known to wait for a store that owes them an answer', async (t) => {
      const answer = deferred<never>()
      const session = t.mock.method(place.store, 'session', () => answer.promise)
      const waiting = place.profile()
      assert.equal(waiting.turnMs, 0)
      const look = waiting.transact((unit) => unit.fetch('thing', 'one'))
      await sleep(20)
      assert.ok(waiting.turnMs > 0)
      session.mock.restore()
      answer.reject(new Error('cut'))
      await assert.rejects(look)
      await sleep(0)
      assert.equal(waiting.turnMs, 0)
    })

    test('count what was written before anything was counted, once', async () => {
      const { bytes, counts, rev } = await profile.head()
      assert.ok(bytes && counts?.['thing'])
      await place.store.transaction(profile.name, async (session) => {
        const head = JSON.parse((await session.fetch({ category: '_head', name: 'head' }))?.value as string)
        const value = JSON.stringify({ ...head, bytes: undefined, counts: undefined, rev: rev + 1 })
        await session.replace({ category: '_head', name: 'head', value })
      })
      const old = place.profile()
      assert.equal((await old.head()).bytes, undefined)
      await old.transact(async (unit) => unit.touch())
      assert.equal((await old.head()).bytes, undefined, 'a unit counts only what it changes')
      await old.count()
      assert.deepEqual([(await old.head()).bytes, (await old.head()).counts], [bytes, counts])
      await old.count()
      assert.equal((await old.head()).rev, rev + 3)
      profile = place.profile()
    })

    test('forget what came after a savepoint', async () => {
      await profile.transact(async (unit) => {
        add(unit, 'kept')
        const savepoint = unit.savepoint()
        add(unit, 'dropped')
        await unit.remove('thing', 'kept')
        unit.head.lists['things'] = { n: 9, at: 9 }
        unit.restore(savepoint)
        assert.equal(unit.head.lists['things'], undefined)
        assert.ok(await unit.fetch('thing', 'kept'))
      })
      assert.ok((await stored()).includes('kept'))
      assert.ok(!(await stored()).includes('dropped'))
    })

    test('keep count of how large the wallet is', async () => {
      const size = async () => {
        const entries = [...(await profile.query('thing', {})), ...(await profile.query('sized', {}))]
        return entries.reduce((sum, entry) => sum + sizeOf(entry), 0)
      }
      const entry = (name: string, value: string) => ({ category: 'sized', name, value, tags: { of: ['é', 'two'] } })
      const after = async (fn: (unit: Unit) => Promise<unknown>) => {
        await profile.transact(fn)
        assert.equal((await profile.head()).bytes, await size())
      }
      await after(async (unit) => {
        unit.insert(entry('a', '1'.repeat(100)))
        unit.insert(entry('b', 'é'.repeat(100)))
        await unit.replace(entry('b', 'ü'))
        unit.insert({ ...entry('apart', 'x'), category: '_own' })
      })
      await after(async (unit) => {
        await unit.replace(entry('a', '22'))
        await unit.replace(entry('a', '333'))
        await unit.remove('sized', 'b')
        unit.insert(entry('b', 'again'))
        unit.insert(entry('c', 'c'))
        const savepoint = unit.savepoint()
        await unit.remove('sized', 'a')
        unit.insert(entry('d', 'never'))
        unit.restore(savepoint)
      })
      await after(async (unit) => {
        await unit.replace(entry('a', 'once more'))
        await unit.remove('sized', 'a')
        unit.insert(entry('e', 'e'))
        await unit.remove('sized', 'e')
        assert.ok(unit.growth < 0)
      })
    })

    test('run again as often as others publish before they do', async () => {
      let runs = 0
      const published: Collector<string> = {
        prepare: async () => {
          runs += 1
          if (runs < 8) throw new ConflictError()
        },
      }
      await profile.transact(async (unit) => {
        add(unit, 'published')
        unit.add(published, 'a list')
      })
      assert.equal(runs, 8)
      assert.ok((await stored()).includes('published'))
      await assert.rejects(
        profile.transact(async () => {
          throw new ConflictError()
        }),
        ConflictError,
      )
      await profile.transact((unit) => unit.remove('thing', 'published'))
    })

    test('take nothing more once they have ended', async () => {
      let late: Unit | undefined
      await profile.transact(async (unit) => {
        late = unit
      })
      assert.throws(() => add(late as Unit, 'late'), /has ended/)
    })

    test('tell what is committed in the order of the commits', async () => {
      const told: number[] = []
      const counter: Collector<null> = {
        settle: (items, head) => {
          head.seq += items.length
          const { seq } = head
          return { changes: [], committed: () => told.push(seq) }
        },
      }
      await Promise.all(Array.from({ length: 20 }, () => profile.transact(async (unit) => unit.add(counter, null))))
      assert.deepEqual(
        told,
        Array.from({ length: 20 }, (_, index) => index + 1),
      )
    })

    test('are written together where they come together, each on what those before it leave', async () => {
      const { rev } = await profile.head()
      const increase = (unit: Unit) => increased(unit, 'together')
      const results = await Promise.allSettled([
        ...Array.from({ length: 10 }, () => profile.transact(increase)),
        profile.transact(async (unit) => {
          await increase(unit)
          throw new Error('not this one')
        }),
        // What the store refuses fails alone.
        profile.transact(async (unit) => {
          await increase(unit)
          add(unit, 'one')
        }),
        ...Array.from({ length: 10 }, () => profile.transact(increase)),
        profile.transact((unit) => unit.query('counter', {})),
      ])
      const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.message] : []))
      assert.deepEqual(failed, ['not this one', 'The store could not be used'])
      assert.equal((await place.profile().fetch('counter', 'together'))?.value, '20')
      const last = results.at(-1)
      assert.deepEqual(last?.status === 'fulfilled' && (last.value as Entry[]).map(({ value }) => value), ['20'])
      assert.equal((await profile.head()).rev, rev + 20)
    })

    test('wait a moment for as many as came together before', async (t) => {
      const increase = () => profile.transact((unit) => increased(unit, 'crowd'))
      const crowd = () => Promise.all(Array.from({ length: 7 }, increase))
      await Promise.all([increase(), crowd()])
      const transaction = t.mock.method(place.store, 'transaction')
      await Promise.all([increase(), sleep(1).then(crowd)])
      assert.equal(transaction.mock.callCount(), 1)
      // Nobody comes this time: it does not wait for long, and the next not at all.
      await increase()
      await increase()
      assert.equal((await profile.fetch('counter', 'crowd'))?.value, '18')
    })

    test('write an entry once that several of them change', async () => {
      const entry = (category: string, name: string, value: string) => ({ category, name, value, tags: {} })
      await profile.transact(async (unit) => {
        for (const name of ['there', 'gone', 'changed']) unit.insert(entry('several', name, '0'))
        unit.insert(entry('swept', 'old', '0'))
      })
      await Promise.all(
        [
          async () => {},
          async (unit: Unit) => unit.insert(entry('several', 'came and went', '1')),
          async (unit: Unit) => void (await unit.remove('several', 'came and went')),
          async (unit: Unit) => void (await unit.remove('several', 'there')),
          async (unit: Unit) => unit.insert(entry('several', 'there', '2')),
          async (unit: Unit) => void (await unit.replace(entry('several', 'gone', '3'))),
          async (unit: Unit) => void (await unit.remove('several', 'gone')),
          async (unit: Unit) => unit.insert(entry('several', 'new', '4')),
          async (unit: Unit) => void (await unit.replace(entry('several', 'new', '5'))),
          async (unit: Unit) => unit.insert(entry('swept', 'before', '6')),
          async (unit: Unit) => unit.clear('swept', {}),
          async (unit: Unit) => unit.insert(entry('swept', 'since', '7')),
        ].map((change) => profile.transact(change)),
      )
      const values = async (category: string) =>
        (await place.profile().query(category, {})).map(({ name, value }) => `${name} ${value}`).sort()
      assert.deepEqual(await values('several'), ['changed 0', 'new 5', 'there 2'])
      assert.deepEqual(await values('swept'), ['since 7'])
    })

    test('take to be absent what hardly ever is there, and look where it is', async () => {
      const entry = (name: string) => ({ category: 'rare', name, value: `"${name}"`, tags: {} })
      await profile.transact(async (unit) => unit.insert(entry('taken')))
      const unaware = place.profile()
      const runs: string[] = []
      const claim = (name: string) =>
        unaware.transact(async (unit) => {
          runs.push(name)
          const found = await unit.fetchUnlikely('rare', name)
          if (!found) unit.insert(entry(name))
          return found?.value
        })
      assert.deepEqual(await Promise.all(['free', 'taken', 'free', 'taken', 'also free'].map(claim)), [
        undefined,
        '"taken"',
        '"free"',
        '"taken"',
        undefined,
      ])
      assert.ok(runs.filter((name) => name === 'taken').length > 2, 'they have run again')
      const release = unaware.transact((unit) => unit.remove('rare', 'taken'))
      assert.deepEqual(await Promise.all([claim('free'), release, claim('taken')]), ['"free"', true, undefined])
      const late = place.profile()
      const [none, found, removed] = await Promise.all([
        late.transact(async () => {}),
        late.transact(async (unit) => {
          const there = await unit.fetchUnlikely('rare', 'taken')
          if (!there) unit.insert(entry('taken'))
          return there?.value
        }),
        late.transact((unit) => unit.remove('rare', 'taken')),
      ])
      assert.deepEqual([none, found, removed], [undefined, '"taken"', true], 'it is not written away unseen')
      await late.transact(async (unit) => unit.insert(entry('taken')))
      unaware.close()
      assert.equal(await claim('taken'), '"taken"')
      profile = place.profile()
      assert.deepEqual(await stored('rare'), ['also free', 'free', 'taken'])
    })

    test('find in memory what is there as a whole, as the store would', async (t) => {
      const made: Entry['tags'][] = [
        { colour: 'red', size: ['1', '2'] },
        { colour: 'green', size: '2' },
        { colour: 'red' },
        { shape: 'round' },
      ]
      await profile.transact(async (unit) => {
        for (const [index, tags] of made.entries()) {
          unit.insert({ category: 'known', name: `${index}`, value: '{}', tags })
        }
      })
      const queries: TagQuery[] = [
        {},
        { colour: 'red' },
        { size: '2' },
        { colour: 'red', size: '1' },
        { $or: [{ colour: 'green' }, { shape: 'round' }] },
        { $not: { colour: 'red' } },
        { colour: { $in: ['green', 'blue'] } },
        { $exist: ['shape'] },
        { colour: { $neq: 'red' } },
      ]
      const names = (entries: Entry[]) => entries.map(({ name }) => name).sort()
      const inStore = await Promise.all(
        queries.map(async (query) => names(await place.profile().query('known', query))),
      )
      const session = t.mock.method(place.store, 'session')
      const found = await profile.transact(async (unit) => {
        unit.touch()
        const all: string[][] = []
        for (const query of queries) all.push(names(await unit.query('known', query)))
        return all
      })
      assert.deepEqual(found, inStore)
      assert.equal(session.mock.callCount(), 0)
    })

    test('run as whoever has asked for them', async () => {
      const who = new AsyncLocalStorage<number>()
      const told: unknown[] = []
      const collector: Collector<null> = {
        prepare: async () => void told.push(who.getStore()),
        settle: () => ({ changes: [], committed: () => told.push(who.getStore()) }),
      }
      await Promise.all(
        [1, 2, 3].map((n) =>
          who.run(n, () =>
            profile.transact(async (unit) => {
              told.push(who.getStore())
              unit.add(collector, null)
            }),
          ),
        ),
      )
      assert.deepEqual(told.toSorted(), [1, 1, 1, 2, 2, 2, 3, 3, 3])
    })

    test('let changes that are in no hurry go with the next commit', async () => {
      const told: string[] = []
      profile.ride({
        changes: [{ op: 'remove', category: 'thing', name: 'kept' }],
        committed: () => told.push('written'),
      })
      assert.ok((await stored()).includes('kept'))
      await assert.rejects(
        profile.transact(async () => {
          throw new Error('no')
        }),
      )
      assert.deepEqual(told, [])
      await profile.land()
      assert.deepEqual(told, ['written'])
      assert.ok(!(await stored()).includes('kept'))
    })

    test('write what they append to a log as one row, and read it one by one', async () => {
      const log = async (unit: Unit, name: string, who: string) => {
        const { tags } = placeInList(unit.head, 'log', Date.now())
        unit.append({ category: '_log', name, value: JSON.stringify({ name, who }), tags: { ...tags, who } })
      }
      await Promise.all(
        ['a1', 'b1', 'a2', 'b2'].map((name) => profile.transact((unit) => log(unit, name, name.slice(0, 1)))),
      )
      await profile.transact((unit) => log(unit, 'a3', 'a'))
      const rows = await profile.read((session) => session.fetchAll({ category: '_log' }))
      assert.ok(rows.length < 5, `${rows.length} rows`)
      const found = async (filter: TagQuery, more: object = {}) =>
        (await profile.list({ category: '_log', list: 'log', filter, limit: 10, ...more })).map(
          ({ n, entry: { value, tags } }) => [n, JSON.parse(value), tags['who']],
        )
      const all = ['a1', 'b1', 'a2', 'b2', 'a3'].map((name, index) => {
        const who = name.slice(0, 1)
        return [index + 1, { name, who }, who]
      })
      assert.deepEqual(await found({}), all)
      assert.deepEqual(await found({}, { reverse: true }), all.toReversed())
      assert.deepEqual(await found({}, { after: 1, before: 4 }), all.slice(1, 3))
      // A row that is found for what one of them has says nothing of the others in it.
      assert.deepEqual(
        await found({ who: 'b' }),
        all.filter(([, , who]) => who === 'b'),
      )
    })

    test('find by tags that do not lie in the store as such', async () => {
      const record = (name: string, tags: Entry['tags']) => ({ category: 'DidRecord', name, value: '{"a":1}', tags })
      const ours = { role: 'created', method: 'peer', did: 'did:peer:1', methodSpecificIdentifier: '"\\1' }
      const theirs = { role: 'received', method: 'peer', did: 'did:peer:1', 'keys:x': '1' }
      const listed = { role: 'created', method: 'web', did: 'did:web:a', _p: 'dids/0', _n: '1' }
      await profile.transact(async (unit) => {
        for (const [name, tags] of Object.entries({ ours, theirs, listed })) unit.insert(record(name, tags))
      })
      const [row] = await profile.read((session) =>
        session.fetchAll({ category: 'DidRecord', tagFilter: { 'keys:x': '1' } }),
      )
      assert.deepEqual(Object.keys(row?.tags ?? {}).sort(), ['did', 'keys:x'])
      assert.deepEqual(await profile.fetch('DidRecord', 'ours'), record('ours', ours))
      const found = async (query: TagQuery) => (await profile.query('DidRecord', query)).map(({ name }) => name).sort()
      assert.deepEqual(await found({ did: 'did:peer:1', role: 'received' }), ['theirs'])
      assert.deepEqual(await found({ role: 'created' }), ['listed', 'ours'])
      assert.deepEqual(await found({ role: 'created', $or: [{ did: 'did:peer:1' }, { method: 'web' }] }), [
        'listed',
        'ours',
      ])
      assert.deepEqual(await found({ $or: [{ did: 'did:peer:1', role: 'created' }, { 'keys:x': '1' }] }), [
        'ours',
        'theirs',
      ])
      assert.deepEqual(await found({ $and: [{ did: 'did:peer:1' }, { $not: { role: 'created' } }] }), ['theirs'])
      assert.deepEqual(await found({ $not: { method: 'peer' } }), ['listed'])
      assert.deepEqual(await found({ $exist: ['methodSpecificIdentifier'] }), ['ours'])
      // And as units see it, with what they have changed themselves.
      const seen = await profile.transact(async (unit) => {
        await unit.replace(record('theirs', { ...theirs, role: 'created' }))
        return (await unit.query('DidRecord', { did: 'did:peer:1', role: 'created' })).map(({ name }) => name).sort()
      })
      assert.deepEqual(seen, ['ours', 'theirs'])
      assert.deepEqual(await found({ did: 'did:peer:1', role: 'created' }), ['ours', 'theirs'])
    })

    test('give places in a list in order, with creation times that ascend', async () => {
      const at = Date.now() + 1000
      for (let turn = 0; turn < 3; turn++) {
        await profile.transact(async (unit) => {
          for (let index = 0; index < 60; index++) {
            const { tags, createdAt } = placeInList(unit.head, 'items', at)
            const n = turn * 60 + index + 1
            const own = { part: n % 2 === 0 ? 'even' : 'odd', ...(n % 100 === 7 ? { rare: 'yes' } : {}) }
            // The number goes with texts of objects, and beside all others.
            const value = n % 3 === 0 ? `${createdAt}` : JSON.stringify({ createdAt })
            unit.insert({ category: 'item', name: `${n}`, value, tags: { ...own, ...tags } })
          }
        })
      }
      const query = { category: 'item', list: 'items', filter: {} }
      const all = await profile.list({ ...query, limit: 1000 })
      assert.deepEqual(
        all.map(({ n }) => n),
        Array.from({ length: 180 }, (_, index) => index + 1),
      )
      const times = all.map(({ entry: { value } }) =>
        Number(value.startsWith('{') ? JSON.parse(value).createdAt : value),
      )
      assert.deepEqual(Object.keys(JSON.parse(all[0]?.entry.value ?? '')), ['createdAt'])
      assert.equal((await place.profile().fetch('item', '1'))?.value, all[0]?.entry.value)
      assert.ok(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0)))
      const numbers = async (part: object) => (await profile.list({ ...query, limit: 5, ...part })).map(({ n }) => n)
      assert.deepEqual(await numbers({ after: 98 }), [99, 100, 101, 102, 103])
      assert.deepEqual(await numbers({ before: 101, reverse: true }), [100, 99, 98, 97, 96])
      assert.deepEqual(await numbers({ after: 178 }), [179, 180])
      assert.deepEqual(await numbers({ after: 180 }), [])
      assert.deepEqual(await numbers({ after: 10, before: 13 }), [11, 12])
      const filtered = (filter: object, part: object) => numbers({ filter, ...part })
      assert.deepEqual(await filtered({ part: 'even' }, { after: 97 }), [98, 100, 102, 104, 106])
      assert.deepEqual(await filtered({ part: 'even' }, { before: 102, reverse: true }), [100, 98, 96, 94, 92])
      assert.deepEqual(await filtered({ rare: 'yes' }, {}), [7, 107])
      assert.deepEqual(await filtered({ rare: 'yes' }, { reverse: true, limit: 1 }), [107])
      assert.deepEqual(await filtered({ rare: 'no' }, {}), [])
    })
  })
}

test('a unit of work that waits holds nothing that others need', async () => {
  // One place: a session that the first kept would never let the second begin.
  const place = await openPlace('postgres', 3)
  try {
    const [one, other] = [place.profile(), place.profile()]
    let waited = false
    await one.transact(async (unit) => {
      await unit.fetch('thing', 'any')
      if (waited) return
      waited = true
      await other.transact((inner) => increased(inner, 'it'))
    })
    assert.equal((await one.fetch('counter', 'it'))?.value, '1')
  } finally {
    await place.remove()
  }
})

describe('units of work of two instances', () => {
  let place: StorePlace
  before(async () => {
    place = await openPlace('postgres')
  })
  after(() => place?.remove())

  test('run again where the other was quicker, and lose no update', async () => {
    const [one, other] = [place.profile(), place.profile()]
    const increase = (profile: Profile) => profile.transact((unit) => increased(unit, 'it'))
    // The very first writes of a profile are at once as well.
    await Promise.all([one, other].flatMap((profile) => Array.from({ length: 40 }, () => increase(profile))))
    assert.equal((await one.fetch('counter', 'it'))?.value, '80')
    assert.equal((await one.head()).rev, 80)
  })

  test('of the base wallet lock the other out at once where it was quicker, and lose no update', async (t) => {
    const { Profile } = await import('../../src/storage/profile.js')
    const { BASE_PROFILE } = await import('../../src/storage/store.js')
    const [one, other] = [new Profile(place.store, BASE_PROFILE), new Profile(place.store, BASE_PROFILE)]
    const increase = (profile: Profile) => profile.transact((unit) => increased(unit, 'both'))
    for (const profile of [one, other, one]) await increase(profile)
    const held = t.mock.method(place.store, 'heldTransaction')
    await increase(other)
    assert.equal(held.mock.callCount(), 0, 'it has lost, and run again')
    await increase(other)
    assert.equal(held.mock.callCount(), 1)
    await Promise.all([one, other].flatMap((profile) => Array.from({ length: 20 }, () => increase(profile))))
    assert.equal((await one.fetch('counter', 'both'))?.value, '45')
  })

  test('that compute for long with others locked out show that they live', async (t) => {
    const { Profile } = await import('../../src/storage/profile.js')
    const { BASE_PROFILE } = await import('../../src/storage/store.js')
    const [one, other] = [new Profile(place.store, BASE_PROFILE), new Profile(place.store, BASE_PROFILE)]
    const increase = (profile: Profile) => profile.transact((unit) => increased(unit, 'long'))
    for (const profile of [one, other, one, other]) await increase(profile)
    const held = t.mock.method(place.store, 'heldTransaction')
    const silent = await other.transact(async (unit) => {
      await sleep(7000)
      await increased(unit, 'long')
      return place.store.database.query<{ seconds: number }>(
        `SELECT extract(epoch FROM now() - state_change)::float8 AS seconds FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction'`,
      )
    })
    assert.equal(held.mock.callCount(), 1)
    assert.equal(silent.length, 1)
    assert.ok((silent[0]?.seconds ?? 9) < 5)
    assert.equal((await one.fetch('counter', 'long'))?.value, '5')
  })

  test('come to their turn though the other never rests', async () => {
    const [busy, slow] = [place.profile(), place.profile()]
    let resting = false
    let written = 0
    const work = (async () => {
      for (; !resting; written++) await busy.transact(async (unit) => add(unit, `busy ${written}`))
    })()
    let runs = 0
    await slow.transact(async (unit) => {
      runs += 1
      // The other is quicker each time, until it is locked out.
      const before = written
      for (let waits = 0; written === before && waits < 100 && runs < 4; waits++) await sleep(10)
      add(unit, 'slow')
    })
    resting = true
    await work
    assert.ok(await slow.fetch('thing', 'slow'))
    assert.equal(runs, 4)
  })

  test('know for how long nobody else has written', async () => {
    const [one, other] = [place.profile(), place.profile()]
    const changed: string[] = []
    one.onOthers = (isChanged) => changed.push(...['alone', 'shared'].filter(isChanged))
    const write = (profile: Profile, category: string) =>
      profile.transact(async (unit) => unit.insert({ category, name: `${Math.random()}`, value: '{}', tags: {} }))
    await write(one, 'alone')
    assert.ok(one.isCurrent(60_000))
    changed.length = 0
    await one.lookForOthers(0)
    await write(one, 'alone')
    assert.deepEqual(changed, [])
    await write(other, 'shared')
    await one.lookForOthers(60_000)
    assert.deepEqual(changed, [], 'that was looked at a moment ago')
    await one.lookForOthers(0)
    assert.deepEqual(changed, ['shared'])
    await write(other, 'shared')
    await write(one, 'alone')
    assert.deepEqual(changed, ['shared', 'shared'])
  })

  test('look for what they know to be absent only once the other may have written it', async () => {
    const [one, other] = [place.profile(), place.profile()]
    const entry = (category: string, name: string) => ({ category, name, value: '{}', tags: {} })
    await one.transact(async (unit) => {
      unit.insert(entry('part', 'first'))
      unit.knowAbsent('part', 'it')
    })
    const isFound = async (name: string) => (await one.transact((unit) => unit.fetch('part', name))) !== undefined
    // Of what is written past the units nobody knows.
    await place.store.transaction(one.name, async (session) => {
      for (const name of ['it', 'another']) await session.insert(entry('part', name))
    })
    assert.deepEqual([await isFound('it'), await isFound('another')], [false, true])
    await other.transact(async (unit) => unit.insert(entry('part', 'third')))
    assert.deepEqual([await isFound('it'), await isFound('third')], [true, true])
  })

  test('do not answer from what was read before the other wrote', async () => {
    const [one, other] = [place.profile(), place.profile()]
    const read = () => one.transact((unit) => unit.fetch('answer', 'it'))
    assert.equal(await read(), undefined)
    await other.transact(async (unit) => unit.insert({ category: 'answer', name: 'it', value: '1', tags: {} }))
    assert.equal((await read())?.value, '1')
    assert.equal((await one.transact((unit) => unit.query('answer', {}))).length, 1)
  })

  test('find no key that the other has removed', async () => {
    const { Key, KeyAlgorithm } = await import('@openwallet-foundation/askar-shared')
    const [one, other] = [place.profile(), place.profile()]
    const isThere = (profile: Profile, name: string) =>
      profile.transact(async (unit) => (await unit.fetchKey(name)) !== undefined)
    const make = async (name: string) =>
      one.transact(async (unit) => unit.changeKey({ op: 'insert', name, key: Key.generate(KeyAlgorithm.Ed25519) }))
    await make('first')
    assert.ok(await isThere(other, 'first'))
    await make('second')
    await one.transact(async (unit) => unit.changeKey({ op: 'remove', name: 'first' }))
    assert.deepEqual([await isThere(other, 'first'), await isThere(other, 'second')], [false, true])
  })
})
