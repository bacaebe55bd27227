import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases'
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth'
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives'
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getNullableType,
  getOperationAST,
  getVariableValues,
  isListType,
  type ValidationContext,
  type ValidationRule,
} from 'graphql'
// Its ESM build loads a second copy of graphql, which does not know our schema's types.
import complexity, { type ComplexityEstimator } from 'graphql-query-complexity/cjs'
import { badInput, GatewayError, queryTooComplex } from '../lib/errors.js'
import { namesOf, withoutSecrets } from './errors.js'
import { assertIntrospection } from './introspection.js'

const { fieldExtensionsEstimator, getComplexity, simpleEstimator } = complexity

export interface LimitOptions {
  depth: number
  cost: number
}

const ALIASES = 30
const DIRECTIVES = 30
/** The longest document that is parsed at all: validation compares fields of one name with each other, each with each. */
export const TOKENS_MAX = 2000

/** Rules that a document has to pass whatever it arrives by. */
export function limitRules({ depth }: LimitOptions): ValidationRule[] {
  const options = { propagateOnRejection: false, onReject: [reject] }
  return [
    maxDepthRule({ n: depth, ignoreIntrospection: true, flattenFragments: true, ...options }),
    maxAliasesRule({ n: ALIASES, ...options }),
    maxDirectivesRule({ n: DIRECTIVES, ...options }),
  ] as ValidationRule[]
}

function reject(context: ValidationContext | null): void {
  // As the original error: Apollo gives errors of validation a code of its own.
  const originalError = queryTooComplex()
  context?.reportError(new GraphQLError(originalError.message, { originalError }))
}

/** A page costs what is asked of each node, as often as it has room for nodes. */
const pages: ComplexityEstimator = ({ args, childComplexity, field }) => {
  const isPage = field.args.some(({ name }) => name === 'first') && field.args.some(({ name }) => name === 'last')
  if (!isPage) return undefined
  const size = Number(args['first'] ?? args['last'] ?? 20)
  return 1 + Math.min(Math.max(size, 0), 100) * childComplexity
}

/** What is asked of each of a list that is no page, for as many as there usually are. */
const lists: ComplexityEstimator = ({ type, field, childComplexity }) => {
  const isOfPage = type.name.endsWith('Connection') || type.name.startsWith('__')
  return isOfPage || childComplexity === 0 || !isListType(getNullableType(field.type))
    ? undefined
    : 1 + LIST * childComplexity
}
const LIST = 10

const costs = new WeakMap<DocumentNode, Map<string, number>>()
/** How many costs of one document are remembered, and by how long a key. */
const COSTS_MAX = 100
const KEY_MAX_CHARS = 500

/** Walks a document once for each set of sizes and conditions that its variables give it; nothing else moves the cost. */
function costOf(
  schema: GraphQLSchema,
  query: DocumentNode,
  variables: Record<string, unknown>,
  operationName: string | undefined,
): number {
  const key = costKey(query, variables, operationName)
  const known = costs.get(query) ?? new Map<string, number>()
  const cost = known.get(key)
  if (cost !== undefined) return cost
  const estimators = [fieldExtensionsEstimator(), pages, lists, simpleEstimator({ defaultComplexity: 1 })]
  const complexity = getComplexity({ schema, query, variables, operationName, estimators })
  if (key.length > KEY_MAX_CHARS) return complexity
  if (known.size >= COSTS_MAX) known.clear()
  costs.set(query, known.set(key, complexity))
  return complexity
}

/** Of the variables that the operation declares, as whoever asks may send any others: what is plain, and which are there. */
function costKey(query: DocumentNode, variables: Record<string, unknown>, operationName: string | undefined): string {
  const declared = getOperationAST(query, operationName)?.variableDefinitions ?? []
  const values = declared.map(({ variable: { name } }) => {
    if (!Object.hasOwn(variables, name.value)) return null
    const value = variables[name.value]
    return typeof value === 'number' || typeof value === 'boolean' ? value : ''
  })
  return JSON.stringify([operationName, values])
}

/** @throws QUERY_TOO_COMPLEX, BAD_USER_INPUT for an argument that does not fit, as the cost is not known then */
export function assertCost(
  schema: GraphQLSchema,
  query: DocumentNode,
  variables: Record<string, unknown> | null | undefined,
  operationName: string | null | undefined,
  { cost }: LimitOptions,
): void {
  let complexity: number
  try {
    assertIntrospection(schema, query, variables ?? {}, operationName ?? undefined)
    complexity = costOf(schema, query, variables ?? {}, operationName ?? undefined)
  } catch (error) {
    if (error instanceof GatewayError) throw error
    const operation = getOperationAST(query, operationName)
    // Variables that do not fit are refused by the execution, with a better message.
    if (!operation || getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {}).errors) return
    if (error instanceof GraphQLError && error.nodes) throw badInput(withoutSecrets(error.message, namesOf(schema)))
    // It has more nodes than can be counted.
    throw queryTooComplex()
  }
  if (!(complexity <= cost))
    throw queryTooComplex(`The query costs ${complexity}, more than ${cost}. Ask for less at once.`)
}
