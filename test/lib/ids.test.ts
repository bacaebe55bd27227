import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId, sha256 } from '../../src/lib/ids.js'

describe('ids', () => {
  test('are UUIDs of version 4, each its own', () => {
    assert.match(newId(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.notEqual(newId(), newId())
  })

  test('hashes as FIPS 180-4 has it', () => {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    assert.equal(sha256('abc').toString('hex'), abc)
    assert.equal(sha256(Buffer.from('abc')).toString('hex'), abc)
  })
})
