import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { mayBeKept } from '../graphql/documents.js'
import { formatError, namesOf } from '../graphql/errors.js'
import { assertCost, type LimitOptions, limitRules, TOKENS_MAX } from '../graphql/limits.js'
import type { GraphContext, Viewer } from '../graphql/viewer.js'
import type { Logger } from '../lib/logger.js'
import type { Admission } from './rate-limit.js'

export interface OperationOptions {
  schema: GraphQLSchema
  limits: LimitOptions
  admit: Admission
  introspection: boolean
  logger: Logger
}

export interface OperationRequest {
  query?: unknown
  variables?: Record<string, unknown> | null
  operationName?: string | null
}

/** Of all documents that are kept, together. */
const DOCUMENTS_MAX_CHARS = 4_000_000

/** Checks an operation as Apollo does over HTTP, for the transports that Apollo does not serve. */
export class OperationChecker {
  private readonly rules
  private readonly names: ReadonlySet<string>
  private readonly documents = new LRUCache<string, DocumentNode>({
    max: 1000,
    maxSize: DOCUMENTS_MAX_CHARS,
    sizeCalculation: (_document, text) => text.length || 1,
  })

  constructor(private readonly options: OperationOptions) {
    this.names = namesOf(options.schema)
    this.rules = [
      ...specifiedRules,
      ...limitRules(options.limits),
      ...(options.introspection ? [] : [NoSchemaIntrospectionCustomRule]),
    ]
  }

  /** @returns what to execute, or the errors to answer with, which are not masked yet */
  async check(
    { query, variables, operationName }: OperationRequest,
    contextValue: GraphContext,
  ): Promise<ExecutionArgs | GraphQLError[]> {
    const { schema, limits, admit } = this.options
    try {
      if (typeof query !== 'string') throw withCode(new GraphQLError('The operation needs a "query".'), 'BAD_REQUEST')
      const document = this.document(query)
      if (Array.isArray(document)) return document
      if (!getOperationAST(document, operationName)) {
        throw withCode(new GraphQLError('Name one of the operations of the document.'), 'OPERATION_RESOLUTION_FAILURE')
      }
      assertCost(schema, document, variables, operationName, limits)
      await admit(contextValue, document, operationName, variables)
      return { schema, document, variableValues: variables, operationName, contextValue }
    } catch (error) {
      return this.refuse(error)
    }
  }

  /** An error to answer with, which is not masked yet. */
  refuse(error: unknown): GraphQLError[] {
    return [error instanceof GraphQLError ? error : wrapped(error)]
  }

  /** The result as a client sees it. */
  mask<R extends ExecutionResult<Record<string, unknown>, Record<string, unknown>>>(result: R, viewer?: Viewer): R {
    return result.errors ? { ...result, errors: this.masked(result.errors, viewer) } : result
  }

  masked(errors: readonly unknown[], viewer?: Viewer): GraphQLError[] {
    return errors.map((error) => {
      const { message, path, extensions } = formatError(error, this.options.logger, viewer, this.names)
      return new GraphQLError(message, { path, extensions })
    })
  }

  private refused(error: GraphQLError): GraphQLError {
    const message = this.options.introspection ? error.message : error.message.replace(SUGGESTION, '')
    return withCode(new GraphQLError(message, { nodes: error.nodes }), 'GRAPHQL_VALIDATION_FAILED')
  }

  /** Parsed and validated once for each text that may be kept. */
  private document(query: string): DocumentNode | GraphQLError[] {
    const known = this.documents.get(query)
    if (known) return known
    let document: DocumentNode
    try {
      document = parse(query, { maxTokens: TOKENS_MAX })
    } catch (error) {
      throw error instanceof GraphQLError ? withCode(error, 'GRAPHQL_PARSE_FAILED') : error
    }
    const errors = validate(this.options.schema, document, this.rules)
    if (errors.length > 0) {
      return errors.map((error) => (error.originalError ? error : this.refused(error)))
    }
    if (mayBeKept(document)) this.documents.set(query, document)
    return document
  }
}

function wrapped(error: unknown): GraphQLError {
  const originalError = error instanceof Error ? error : new Error('The operation failed', { cause: error })
  return new GraphQLError(originalError.message, { originalError })
}

/** Names of the schema, which whoever may not introspect is not told. */
const SUGGESTION = / ?Did you mean(.+?)\?$/

function withCode(error: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    extensions: { code },
  })
}
