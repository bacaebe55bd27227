import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalize } from '../../src/lib/canonical-json.js'

test('JSON has the canonical form of RFC 8785', () => {
  // Its examples, section 3.2.2 and 3.2.3.
  const values = {
    numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  }
  assert.equal(
    canonicalize(values),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
  const names = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
  assert.equal(canonicalize(names), '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}')
  const nested = { b: [{ z: undefined, y: [[], {}] }, 'a', null], '10': -0, '9': {}, '!': 'ü' }
  assert.equal(canonicalize(nested), '{"!":"ü","10":0,"9":{},"b":[{"y":[[],{}]},"a",null]}')
})
