import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql'
import type { GraphContext, Viewer } from '../graphql/viewer.js'

/** What one event came to, by who asked for it and what was asked. */
type Results = Map<string, ExecutionResult | Promise<ExecutionResult>>

export type Subscribe = (args: ExecutionArgs) => Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult>

/**
 * Subscribes as GraphQL does, but computes what an event comes to once for all who ask the same of it with the same
 * rights: a stream of a thousand subscribers costs little more than the sending.
 */
export function sharedResults(): Subscribe {
  const resultsOfEvents = new WeakMap<object, Results>()
  const shapes = new WeakMap<OperationDefinitionNode, { number: number; variables: string[] }>()
  let operations = 0

  function shapeOf(document: DocumentNode, operation: OperationDefinitionNode) {
    const shape = shapes.get(operation) ?? { number: ++operations, variables: shaping(document, operation) }
    shapes.set(operation, shape)
    return shape
  }

  function keyOf({ document, operationName, variableValues, contextValue }: ExecutionArgs): string {
    const { number, variables } = shapeOf(document, getOperationAST(document, operationName) as OperationDefinitionNode)
    const values = Object.fromEntries(variables.map((name) => [name, variableValues?.[name]]))
    const { viewer } = contextValue as GraphContext
    return JSON.stringify([number, values, rightsOf(viewer)])
  }

  function resultOf(event: object, key: string, args: ExecutionArgs): ExecutionResult | Promise<ExecutionResult> {
    const results: Results = resultsOfEvents.get(event) ?? new Map()
    resultsOfEvents.set(event, results)
    const known = results.get(key)
    if (known) return known
    const result = execute({ ...args, rootValue: event })
    results.set(key, result)
    return result
  }

  return async (args) => {
    const source = await createSourceEventStream(args)
    if (!(Symbol.asyncIterator in source)) return source
    const key = keyOf(args)
    return mapped(source as AsyncIterable<object>, (event) => resultOf(event, key, args))
  }
}

/** Names of the variables that may change what an event comes to: where a stream begins does not. */
function shaping(document: DocumentNode, { selectionSet }: OperationDefinitionNode): string[] {
  const fields = selectionSet.selections.filter((selection) => selection.kind === Kind.FIELD)
  const starts = fields.flatMap((field) => field.arguments ?? []).filter(({ name }) => name.value === 'after')
  const names = new Set<string>()
  visit(document, {
    enter(node) {
      if (node.kind === Kind.VARIABLE_DEFINITION || (node.kind === Kind.ARGUMENT && starts.includes(node))) return false
      if (node.kind === Kind.VARIABLE) names.add(node.name.value)
      return undefined
    },
  })
  return [...names]
}

function rightsOf(viewer: Viewer): unknown {
  if (viewer.role === 'TENANT') return [viewer.role, viewer.tenantId, viewer.scopes, viewer.suspended]
  return viewer.role === 'OPERATOR' ? [viewer.role, viewer.operatorKey.scopes] : [viewer.role]
}

/** Ends with the error where an event is refused whole, as its reader may see none any more. */
function mapped(
  source: AsyncIterable<object>,
  map: (event: object) => ExecutionResult | Promise<ExecutionResult>,
): AsyncGenerator<ExecutionResult, void, void> {
  const events = source[Symbol.asyncIterator]()
  const results: AsyncGenerator<ExecutionResult, void, void> = {
    async next() {
      const { done, value } = await events.next()
      if (done) return { done: true, value: undefined }
      try {
        const result = await map(value)
        const refused = result.errors?.find(({ path }) => path?.length === 1)
        if (refused) throw refused.originalError ?? refused
        return { done: false, value: result }
      } catch (error) {
        await events.return?.()
        throw error
      }
    },
    async return() {
      await events.return?.()
      return { done: true, value: undefined }
    },
    throw: (error) => Promise.reject(error),
    [Symbol.asyncIterator]: () => results,
  }
  return results
}
