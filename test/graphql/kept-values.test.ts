import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildSchema, getVariableValues, type OperationDefinitionNode, parse, validate } from 'graphql'
import { mayBeKept, textMayBeKept } from '../../src/graphql/documents.js'
import { namesOf, withoutSecrets, withoutValues } from '../../src/graphql/errors.js'

const KEY = 'HWx5ivnXQekQ; tBmRGnhPo" at "input.other"; Field'
const schema = buildSchema(`
  enum Mode { MANAGED UNMANAGED }
  input Create { name: String!, mode: Mode, walletKey: String, count: Int }
  type Query { create(input: Create, walletKey: String, mode: Mode): Boolean }`)

const schemaWithLongNames = buildSchema('type Query { walletKeyDerivation(aLongArgumentName: Int): Boolean }')

describe('what graphql-js refuses', () => {
  test('is told of without the value, in variables', () => {
    const document = parse('query($input: Create!) { create(input: $input) }')
    const [operation] = document.definitions as OperationDefinitionNode[]
    const messageFor = (input: unknown) => {
      const { errors } = getVariableValues(schema, operation?.variableDefinitions ?? [], { input })
      return withoutValues(errors?.[0]?.message ?? '')
    }
    const name = 'x'
    assert.equal(
      messageFor({ name, walletKey: [KEY] }),
      'Variable "$input" got an invalid value at "input.walletKey"; String cannot represent a non string value.',
    )
    assert.equal(
      messageFor({ name, mode: KEY }),
      'Variable "$input" got an invalid value at "input.mode"; The value does not exist in "Mode" enum.',
    )
    assert.equal(
      messageFor({ walletKey: KEY }),
      'Variable "$input" got an invalid value; Field "name" of required type "String!" was not provided.',
    )
    assert.equal(
      messageFor({ name, walletKey: KEY, extra: 1 }),
      'Variable "$input" got an invalid value; Field "extra" is not defined by type "Create".',
    )
    assert.equal(
      messageFor({ name, count: KEY }),
      'Variable "$input" got an invalid value at "input.count"; Int cannot represent non-integer value.',
    )
  })

  test('is told of without the value, in documents', () => {
    const literal = JSON.stringify(KEY)
    for (const args of [
      `walletKey: [${literal}]`,
      `mode: ${literal}`,
      `input: ${literal}`,
      `input: {name: ["a", ${literal}]}`,
      `input: {name: "a", count: ${literal}}`,
    ]) {
      const errors = validate(schema, parse(`{ create(${args}) }`))
      assert.ok(errors.length > 0)
      for (const { message } of errors)
        assert.ok(!/HWx5|tBmR|other/.test(withoutValues(message)), withoutValues(message))
    }
    const refuse = () => parse(`{ create(walletKey ${literal}) }`)
    assert.throws(
      refuse,
      ({ message }: Error) => withoutValues(message) === 'Syntax Error: Expected ":", found String.',
    )
  })

  test('is told of without the value where that is long, whatever it repeats of an error', () => {
    const document = parse('query($input: Create!) { create(input: $input) }')
    const [operation] = document.definitions as OperationDefinitionNode[]
    for (const text of ['a; b ', 'cannot represent ', 'got invalid value ', 'Value "', ', found a ']) {
      const input = { name: 'x', mode: text.repeat(400_000 / text.length) }
      const { errors } = getVariableValues(schema, operation?.variableDefinitions ?? [], { input })
      // What takes the square of the length does not come to an end here.
      assert.equal(withoutValues(errors?.[0]?.message ?? ''), 'Variable "$input": a long value does not fit here.')
    }
  })

  test('is told of as it is where there is no value in it', () => {
    for (const message of [
      'Unknown argument "x" on field "Query.create".',
      'Syntax Error: Expected Name, found <EOF>.',
    ]) {
      assert.equal(withoutValues(message), message)
    }
  })
})

describe('what may be a key', () => {
  const names = namesOf(schemaWithLongNames)
  const told = (query: string) => {
    try {
      return validate(schemaWithLongNames, parse(query)).map(({ message }) => withoutSecrets(message, names))
    } catch (error) {
      return [withoutSecrets((error as Error).message, names)]
    }
  }

  test('is not told wherever it stands in a document', () => {
    for (const key of ['FkDGFLHcnqyJUjpvZbNmbhWjFkDGFLHcnqyJUjpvZbNm', 'correcthorsebattery']) {
      for (const query of [
        `{ ${key} }`,
        `{ walletKeyDerivation { ${key} } }`,
        `{ walletKeyDerivation(${key}: 1) }`,
        `{ walletKeyDerivation(aLongArgumentName: ${key}) }`,
        `{ walletKeyDerivation(aLongArgumentName: $${key}) }`,
        `{ walletKeyDerivation @${key} }`,
        `{ ...${key} }`,
        `{ ... on ${key} { a } }`,
        `query($a: ${key}) { walletKeyDerivation }`,
        `query($${key}: Int) { walletKeyDerivation }`,
        `query ${key} { walletKeyDerivation } query ${key} { walletKeyDerivation }`,
        `{ a } ${key}`,
        `{ ${key}: walletKeyDerivation ${key}: __typename }`,
      ]) {
        const messages = told(query)
        assert.ok(messages.length > 0, query)
        for (const message of messages) assert.ok(!message.includes(key), message)
      }
    }
  })

  test('hides no name of the schema, none that is spelt like one, and no short one', () => {
    assert.deepEqual(told('{ walletKeyDerivatio }'), [
      'Cannot query field "walletKeyDerivatio" on type "Query". Did you mean "walletKeyDerivation"?',
    ])
    assert.equal(withoutSecrets('PersistedQueryNotFound', names), 'PersistedQueryNotFound')
    assert.deepEqual(told('{ wallet }'), ['Cannot query field "wallet" on type "Query".'])
  })
})

describe('a document', () => {
  test('is kept unless there are texts in it', () => {
    for (const query of ['{ create }', 'query($k: String) { create(walletKey: $k, mode: MANAGED) }']) {
      assert.ok(mayBeKept(parse(query)))
      assert.ok(textMayBeKept(query))
    }
    for (const query of [
      '{ create(walletKey: "k") }',
      'query($k: String = "k") { create(walletKey: $k) }',
      '{ create(input: {name: """k"""}) }',
      'query @a(b: ["k"]) { create }',
    ]) {
      assert.ok(!mayBeKept(parse(query)))
      assert.ok(!textMayBeKept(query))
    }
  })
})
