import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../src/storage/entry.js'
import { ProfileCache } from '../../src/storage/profile-cache.js'

const entryOf = (value: string): Entry => ({ category: 'thing', name: 'one', value, tags: {} })

test('what was read before a commit is not taken for what is there after it, however late it comes', async () => {
  const cache = new ProfileCache(10)
  let answer = () => {}
  const answered = new Promise<void>((resolve) => {
    answer = resolve
  })
  const read = cache.entry('thing', 'one', () => answered.then(() => entryOf('old')))
  const listed = cache.query('thing', {}, undefined, () => answered.then(() => [entryOf('old')]))
  cache.apply([{ op: 'replace', entry: entryOf('new'), was: 3 }])
  answer()
  assert.equal((await read)?.value, 'old', 'whoever asked then is told')
  await listed
  const fresh = async () => entryOf('new')
  assert.equal((await cache.entry('thing', 'one', fresh))?.value, 'new')
  assert.deepEqual(await cache.query('thing', {}, undefined, async () => [await fresh()]), [entryOf('new')])
})
