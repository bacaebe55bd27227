import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { buildSchema, parse } from 'graphql'
import { assertCost } from '../../src/graphql/limits.js'

const schema = buildSchema(`
  type Node { id: ID }
  type Query { nodes(first: Int, last: Int): [Node] }`)
const limits = { depth: 12, cost: 50 }

describe('the cost of a query', () => {
  const costs = (query: string) => {
    const document = parse(query)
    return (variables: Record<string, unknown>) => assertCost(schema, document, variables, undefined, limits)
  }

  test('follows its variables, whichever were sent before', () => {
    const assertFor = costs('query($n: Int = 100, $all: Boolean!) { nodes(first: $n) { id @include(if: $all) } }')
    for (const _ of [1, 2]) {
      assertFor({ all: true, n: 40 })
      assertFor({ all: true, n: null })
      assertFor({ all: false })
      for (const variables of [{ all: true, n: 60 }, { all: true }]) {
        assert.throws(() => assertFor(variables), { code: 'QUERY_TOO_COMPLEX' })
      }
    }
  })

  test('is remembered without what its operation does not declare', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const assertFor = costs('query($n: Int) { nodes(first: $n) { id } }')
    const used = () => {
      // The engine itself holds the names of objects of late through the first.
      collect()
      collect()
      return process.memoryUsage().heapUsed
    }
    const before = used()
    for (let n = 0; n < 60; n++) assertFor({ n: 1, [`${n}${'x'.repeat(1_000_000)}`]: 1 })
    assert.ok(used() - before < 20_000_000)
  })
})
