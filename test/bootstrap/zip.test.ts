import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { script } from './scripts.js'
import { zipFile } from './zip-file.js'

const { readDirectory, readEntry } = await script('zip')

describe('zip reader', () => {
  const entries = { 'a/library.so': randomBytes(100_000), 'a/empty': Buffer.alloc(0), 'ü.txt': Buffer.from('text') }

  for (const stored of [false, true]) {
    test(`gives every entry of ${stored ? 'a stored' : 'a compressed'} archive`, () => {
      const archive = zipFile(entries, { stored, comment: 'a comment after the directory' })
      assert.deepEqual([...readDirectory(archive).keys()], Object.keys(entries))
      for (const [name, content] of Object.entries(entries)) assert.ok(content.equals(readEntry(archive, name)), name)
    })
  }

  test('names an entry that is not there', () => {
    assert.throws(() => readEntry(zipFile(entries), 'other'), { message: 'the archive has no other' })
  })

  test('refuses what is no archive, and one that is cut off', () => {
    const archive = zipFile(entries)
    assert.throws(() => readDirectory(Buffer.from('<html>not found</html>')), /not a zip archive/)
    assert.throws(() => readDirectory(Buffer.alloc(0)), /not a zip archive/)
    assert.throws(() => readDirectory(archive.subarray(0, archive.length / 2)), /not a zip archive/)
    assert.throws(() => readEntry(archive.subarray(1_000), 'a/library.so'))
  })

  test('inflates no more than the directory says', () => {
    const archive = zipFile({ bomb: Buffer.alloc(1_000_000) })
    const size = archive.lastIndexOf('PK\x01\x02') + 24
    archive.writeUInt32LE(10, size)
    assert.throws(() => readEntry(archive, 'bomb'))
  })
})
