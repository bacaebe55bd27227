import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { unpack } from '../../src/lib/msgpack.js'

const read = (hex: string) => unpack(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** By the specification. */
const vectors: [string, unknown][] = [
  ['c0', null],
  ['c2', false],
  ['c3', true],
  ['7f', 127],
  ['e0', -32],
  ['cc ff', 255],
  ['cd 0100', 256],
  ['ce ffffffff', 4_294_967_295],
  ['cf 001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['d0 80', -128],
  ['d1 8000', -32_768],
  ['d2 80000000', -2_147_483_648],
  ['d3 ffffffffffffffff', -1],
  ['a2 c3a9', 'é'],
  ['d9 01 61', 'a'],
  ['da 0001 61', 'a'],
  ['db 00000001 61', 'a'],
  ['93 01 02 03', [1, 2, 3]],
  ['dc 0001 01', [1]],
  ['dd 00000001 01', [1]],
  ['82 a161 01 a162 90', { a: 1, b: [] }],
  ['de 0001 a161 01', { a: 1 }],
  ['df 00000001 a161 01', { a: 1 }],
]

/** What could be understood in two ways, or not at all. */
const refused: Record<string, string> = {
  nothing: '',
  'a key twice': '82 a161 01 a161 02',
  'a key that is no text': '81 01 02',
  'something behind it': '01 02',
  'less than it says': '92 01',
  'a text that ends early': 'a5 61',
  'a text that is none': 'a1 ff',
  'a type that does not exist': 'c1',
  'an extension': 'd4 01 00',
  'a float': 'ca 3f800000',
  'a number that is too large': 'cf ffffffffffffffff',
  'a large array of nothing': 'dd ffffffff',
  'what is too deep': `${'91'.repeat(40)}01`,
}

describe('MessagePack', () => {
  test('is read as it is specified', () => {
    for (const [hex, value] of vectors) assert.deepEqual(read(hex), value, hex)
    for (const hex of ['c4 02 0102', 'c5 0002 0102', 'c6 00000002 0102']) {
      assert.deepEqual(Buffer.from(read(hex) as Uint8Array), Buffer.from([1, 2]), hex)
    }
    const polluted = read('81 a9 5f5f70726f746f5f5f 81 a161 01') as object
    assert.deepEqual([Object.keys(polluted), 'a' in polluted], [['__proto__'], false])
  })

  test('is refused where it is not plain', () => {
    for (const [what, hex] of Object.entries(refused)) assert.throws(() => read(hex), what)
  })
})
