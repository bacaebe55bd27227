import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  buildSchema,
  findBreakingChanges,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  parse,
  print,
} from 'graphql'
import { schemaText } from '../src/server/schema.js'

const inRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

const committed = readFileSync(inRoot('schema/schema.graphql'), 'utf8')
const contract = readFileSync(inRoot('test/contract/contract.graphql'), 'utf8')
const schema = buildSchema(committed)

describe('the schema', () => {
  test('breaks nothing of the contract', () => {
    assert.deepEqual(findBreakingChanges(buildSchema(contract), schema), [])
  })

  test('is compared with the contract that stands beside the checkout, where one does', () => {
    const shared = inRoot('../shared/contract.graphql')
    const bare = (sdl: string) => print(parse(sdl, { noLocation: true }))
    if (existsSync(shared)) assert.equal(bare(readFileSync(shared, 'utf8')), bare(contract))
  })

  test('is committed as the code has it', () => {
    assert.equal(`${schemaText().trimEnd()}\n`, committed)
  })

  test('describes every type, field, argument and value', () => {
    const types = Object.values(schema.getTypeMap()).filter(
      (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type),
    )
    assert.deepEqual(types.flatMap(undescribed), [])
  })

  test('says of each root field who may use it', () => {
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
    const silent = roots
      .flatMap((root) => Object.values(root?.getFields() ?? {}))
      .filter(({ description }) => !/^\((anyone|operator|tenant)\b/.test(description ?? ''))
    assert.deepEqual(
      silent.map(({ name }) => name),
      [],
    )
  })
})

function undescribed(type: GraphQLNamedType): string[] {
  const parts: { path: string; description?: string | null }[] = [{ path: type.name, description: type.description }]
  if (isEnumType(type)) {
    for (const value of type.getValues()) parts.push({ path: `${type.name}.${value.name}`, ...value })
  }
  if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) parts.push({ path: `${type.name}.${field.name}`, ...field })
  }
  if (isObjectType(type) || isInterfaceType(type)) {
    for (const field of Object.values(type.getFields())) {
      parts.push({ path: `${type.name}.${field.name}`, description: field.description })
      for (const arg of field.args) parts.push({ path: `${type.name}.${field.name}(${arg.name})`, ...arg })
    }
  }
  return parts.filter(({ description }) => !description?.trim()).map(({ path }) => path)
}
