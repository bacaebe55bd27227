import '../../src/agent/kept-rules.js'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IsInt, IsString, MaxLength, validateSync } from 'class-validator'

class Parent {
  @IsString()
  name: unknown = 'Ada'

  @IsInt({ groups: ['strict'] })
  age: unknown = 'old'
}

class Child extends Parent {
  @MaxLength(3, { always: true })
  code = 'abc'
}

const wrong = (object: object, options = {}) => validateSync(object, options).map(({ property }) => property)

test('rules that are kept are those of the class and of what it inherits, by group, each time', () => {
  for (let time = 0; time < 2; time++) {
    assert.deepEqual(wrong(new Child(), { strictGroups: true }), [])
    assert.deepEqual(wrong(Object.assign(new Child(), { name: 7, code: 'long' })), ['code', 'name', 'age'])
    assert.deepEqual(wrong(Object.assign(new Child(), { name: 7 }), { groups: ['strict'] }), ['age'])
    assert.deepEqual(wrong(Object.assign(new Parent(), { age: 36 })), [])
  }
})
