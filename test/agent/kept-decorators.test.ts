import 'reflect-metadata'
import '../../src/agent/kept-decorators.js'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Exclude, Expose, instanceToPlain, plainToInstance, Transform, Type } from 'class-transformer'

class Part {
  @Expose({ name: '@id' })
  id!: string
}

class Parent {
  @Type(() => Part)
  parts!: Part[]

  @Exclude({ toPlainOnly: true })
  secret = 's'
}

class Child extends Parent {
  @Transform(({ value }) => Number(value), { toClassOnly: true })
  count!: number
}

test('decorators that are kept are those of the class and of what it inherits, by direction, each time', () => {
  for (let time = 0; time < 2; time++) {
    const child = plainToInstance(Child, { parts: [{ '@id': 'a' }], count: '7', secret: 't', other: { count: '8' } })
    assert.ok(child.parts[0] instanceof Part)
    assert.deepEqual({ ...child }, { parts: [child.parts[0]], count: 7, secret: 't', other: { count: '8' } })
    assert.deepEqual(instanceToPlain(child), { parts: [{ '@id': 'a' }], count: 7, other: { count: '8' } })
    assert.deepEqual(instanceToPlain(plainToInstance(Parent, { count: '7' })), { count: '7', parts: undefined })
  }
})

test('names that others choose are not kept without end, and are found all the same', () => {
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`name ${n}`, n]))
  assert.deepEqual(instanceToPlain(plainToInstance(Child, { ...many, count: '7' })), {
    ...many,
    count: 7,
    parts: undefined,
  })
})
