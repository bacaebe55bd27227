import { createSourceEventStream, type DocumentNode, type ExecutionArgs, type ExecutionResult, execute } from 'graphql'
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
  const numbers = new WeakMap<DocumentNode, number>()
  let documents = 0

  function numberOf(document: DocumentNode): number {
    const number = numbers.get(document) ?? ++documents
    numbers.set(document, number)
    return number
  }

  /** Where a stream begins changes nothing in what an event comes to. */
  function keyOf({ document, operationName, variableValues, contextValue }: ExecutionArgs): string {
    const { after: _, ...variables } = variableValues ?? {}
    const { viewer } = contextValue as GraphContext
    return JSON.stringify([numberOf(document), operationName, variables, rightsOf(viewer)])
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

function rightsOf(viewer: Viewer): unknown {
  if (viewer.role === 'TENANT') return [viewer.role, viewer.tenantId, viewer.scopes, viewer.suspended]
  return viewer.role === 'OPERATOR' ? [viewer.role, viewer.operatorKey.scopes] : [viewer.role]
}

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
        return { done: false, value: await map(value) }
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
