import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { TagQuery, Tags } from '../../src/storage/entry.js'
import { matchesTags } from '../../src/storage/tag-match.js'
import { KINDS, openPlace, type StorePlace } from './places.js'

const ENTRIES: Record<string, Tags> = {
  bare: {},
  red: { color: 'red' },
  blue: { color: 'blue', size: '1' },
  both: { color: ['red', 'blue'], size: '2' },
  twice: { color: ['red', 'red'] },
  empty: { color: '' },
  odd: { color: 'r\'ed"', 'na:me': '1', size: 'größe' },
}

const QUERIES: TagQuery[] = [
  {},
  { color: 'red' },
  { color: '' },
  { color: 'Red' },
  { color: 'r\'ed"' },
  { 'na:me': '1' },
  { size: 'größe' },
  { nothing: 'red' },
  { color: 'red', size: '2' },
  { $and: [{ color: 'red' }, { color: 'blue' }] },
  { $and: [] },
  { $or: [{ color: 'blue' }, { size: '2' }] },
  { $or: [{ color: 'nobody' }] },
  { color: 'red', $or: [{ size: '1' }, { size: '2' }] },
  { $not: { color: 'red' } },
  { $not: { $or: [{ color: 'red' }, { size: '1' }] } },
  { $not: { $not: { size: '1' } } },
  { $not: { color: 'red', size: '2' } },
  { color: { $in: ['red', 'nobody'] } },
  { color: { $in: ['nobody'] } },
  { color: { $neq: 'red' } },
  { size: { $neq: '1' } },
  { $not: { color: { $neq: 'red' } } },
  { $not: { color: { $in: ['red'] } } },
  { $exist: ['color'] },
  { $exist: ['size'] },
  { $exist: ['size', 'color'] },
  { $exist: 'size' },
  { $not: { $exist: ['size'] } },
]

for (const kind of KINDS) {
  describe(`queries that a unit answers by itself, beside Askar's answers on ${kind}`, () => {
    let place: StorePlace
    before(async () => {
      place = await openPlace(kind)
      await place.profile().transact(async (unit) => {
        for (const [name, tags] of Object.entries(ENTRIES)) unit.insert({ category: 'thing', name, value: '{}', tags })
      })
    })
    after(() => place?.remove())

    for (const query of QUERIES) {
      test(JSON.stringify(query), async () => {
        const stored = await place.profile().query('thing', query)
        const own = Object.entries(ENTRIES).filter(([, tags]) => matchesTags(tags, query))
        assert.deepEqual(own.map(([name]) => name).sort(), stored.map(({ name }) => name).sort())
      })
    }
  })
}
