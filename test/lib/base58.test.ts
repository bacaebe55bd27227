import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { TypedArrayEncoder } from '@credo-ts/core'
import { base58Decode, base58Encode } from '../../src/lib/base58.js'

const vectors: [string, string][] = [
  ['', ''],
  ['Hello World!', '2NEpo7TZRRrLZSi2U'],
  ['The quick brown fox jumps over the lazy dog.', 'USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z'],
]

describe('base58', () => {
  for (const [plain, encoded] of vectors) {
    test(`follows the draft's vector for '${plain}'`, () => {
      assert.equal(base58Encode(Buffer.from(plain)), encoded)
      assert.equal(Buffer.from(base58Decode(encoded)).toString(), plain)
    })
  }

  test('keeps leading zeros', () => {
    assert.equal(base58Encode(Buffer.from('0000287fb4cd', 'hex')), '11233QC4')
    assert.equal(Buffer.from(base58Decode('11233QC4')).toString('hex'), '0000287fb4cd')
    assert.equal(base58Encode(new Uint8Array(32)), '1'.repeat(32))
    assert.deepEqual(base58Decode('1'.repeat(32)), new Uint8Array(32))
  })

  test('agrees with the agent framework for keys', () => {
    for (let i = 0; i < 500; i++) {
      const key = randomBytes(i % 2 ? 32 : i % 70)
      if (i % 5 === 0) key.subarray(0, 3).fill(0)
      const text = TypedArrayEncoder.toBase58(key)
      assert.equal(base58Encode(key), text)
      assert.deepEqual(Buffer.from(base58Decode(text)), Buffer.from(key))
    }
  })

  test('refuses what is outside the alphabet without repeating it', () => {
    for (const text of ['0', 'O', 'I', 'l', 'ab cd', 'é', '日本', '+/=']) {
      assert.throws(() => base58Decode(text), { name: 'SyntaxError', message: 'Not base58' })
    }
  })
})
