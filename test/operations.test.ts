import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildSchema, parse, validate } from 'graphql'

const root = new URL('../../', import.meta.url)
const schema = buildSchema(readFileSync(new URL('schema/schema.graphql', root), 'utf8'))
const graphqlFiles = (folder: string) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith('.graphql'))
    .map((name) => fileURLToPath(new URL(`${folder}/${name}`, root)))

const operations = parse(
  graphqlFiles('schema/operations')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n'),
)

test('the operations of examples and tests are valid against the schema', () => {
  assert.deepEqual(validate(schema, operations), [])
})

describe('the explorer offers', () => {
  for (const file of graphqlFiles('explorer')) {
    const name = file.slice(file.lastIndexOf('/') + 1)
    test(`valid operations in ${name}, each with a name of its own`, () => {
      const document = parse(readFileSync(file, 'utf8'))
      assert.deepEqual(validate(schema, document), [])
      const names = document.definitions.map((definition) =>
        'name' in definition ? definition.name?.value : undefined,
      )
      assert.equal(new Set(names).size, document.definitions.length)
    })
  }
})
