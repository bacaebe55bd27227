import {
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql'
import { GatewayError, internalError } from '../lib/errors.js'
import { newId } from '../lib/ids.js'
import type { Logger } from '../lib/logger.js'
import { ConflictError, StoreError } from '../storage/errors.js'
import type { Viewer } from './viewer.js'

/** Codes of Apollo's and graphql-js's own errors, which tell of the request and not of the inside. */
const REQUEST_CODES = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'BAD_USER_INPUT',
  'OPERATION_RESOLUTION_FAILURE',
  'BAD_REQUEST',
  'QUERY_TOO_COMPLEX',
])

/**
 * The one place where an error becomes what a client sees: ours with their code, errors of the request as they are, and
 * everything else masked, with an id under which the log has it.
 * @param names of the schema, which an error of the request may tell
 */
export function formatError(
  error: unknown,
  logger: Logger,
  viewer?: Viewer,
  names: ReadonlySet<string> = new Set(),
): GraphQLFormattedError {
  const graphql = error instanceof GraphQLError ? error : undefined
  const cause = graphql?.originalError ?? error
  const place = { locations: graphql?.locations, path: graphql?.path }
  if (cause instanceof GatewayError) {
    const field = fieldOf(withoutSecrets(graphql?.message ?? '', names))
    return { message: cause.message, ...place, extensions: { ...field, ...extensionsOf(cause) } }
  }
  // Over graphql-ws, graphql-js refuses variables without a code; nothing else of its own comes without a path.
  const code = graphql?.extensions['code'] ?? (graphql && !graphql.path ? 'BAD_USER_INPUT' : undefined)
  const isRequest = graphql !== undefined && (cause === graphql || cause === undefined || cause instanceof GraphQLError)
  if (isRequest && typeof code === 'string' && REQUEST_CODES.has(code)) {
    if (/^(Syntax Error: )?Document contains more tha[nt] \d+ tokens/.test(graphql.message)) {
      return { message: 'The query is too long. Split it.', extensions: { code: 'QUERY_TOO_COMPLEX' } }
    }
    const message = withoutSecrets(graphql.message, names)
    const field = code === 'BAD_USER_INPUT' ? fieldOf(message) : {}
    return { message, ...place, extensions: { code, ...field } }
  }
  const requestId = newId()
  logger.error('A request failed unexpectedly', { requestId, tenantId: tenantIdOf(viewer), error: cause })
  const masked = internalError()
  const retry = cause instanceof StoreError || cause instanceof ConflictError ? { retryAfter: 1 } : {}
  return { message: masked.message, ...place, extensions: { code: masked.code, requestId, ...retry } }
}

const tenantIdOf = (viewer: Viewer | undefined) => (viewer?.role === 'TENANT' ? viewer.tenantId : undefined)

/** What is longer may be a key, unless it is a name of the schema or reads like one that was misspelt. */
const WORD_MAX = 15
/** Several words in camel case, of two letters or more: no key looks like that. What is told goes back to who has sent it. */
const CAMEL_CASE = /^[A-Za-z][a-z]+(?:[A-Z][a-z]+)+$/
const NAME_MAX = 40

/** graphql-js repeats what it refuses, and that may be a key, also where a name should be: no such text is left. */
export function withoutSecrets(message: string, names: ReadonlySet<string>): string {
  const mayBeTold = (word: string) =>
    word.length <= WORD_MAX || names.has(word) || (word.length <= NAME_MAX && CAMEL_CASE.test(word))
  return withoutValues(message).replace(/[\w-]+/g, (word) => (mayBeTold(word) ? word : '…'))
}

/** Every name that a schema has. */
export function namesOf(schema: GraphQLSchema): Set<string> {
  const names = new Set(schema.getDirectives().map(({ name }) => name))
  for (const type of Object.values(schema.getTypeMap())) {
    names.add(type.name)
    if (isEnumType(type)) for (const { name } of type.getValues()) names.add(name)
    if (isInputObjectType(type)) for (const name of Object.keys(type.getFields())) names.add(name)
    if (!isObjectType(type) && !isInterfaceType(type)) continue
    for (const { name, args } of Object.values(type.getFields())) {
      names.add(name)
      for (const arg of args) names.add(arg.name)
    }
  }
  return names
}

/** What is longer repeats a long value, and some of the patterns take the square of a length. */
const MESSAGE_MAX = 2000
/** Room for what graphql-js says in front of a value. */
const BEGINNING = 200
/** What it says right in front of it. */
const BEFORE_VALUE = / got invalid value | cannot represent |, found |Value "/

/** Without values: only names and places are left. */
export function withoutValues(message: string): string {
  if (message.length > MESSAGE_MAX) {
    const [beginning = ''] = message.slice(0, BEGINNING).split(BEFORE_VALUE)
    return `${beginning}: a long value does not fit here.`
  }
  return message
    .replace(/(cannot represent [^:]*value): [\s\S]*$/, '$1.')
    .replace(/Value "[\s\S]*" (does not exist in "\w+" enum)/, 'The value $1')
    .replace(/got invalid value [\s\S]*?( at "[\w.[\]]+")?; ([^;]*)$/, 'got an invalid value$1; $2')
    .replace(/(, found) (\w+) "[\s\S]*$/, '$1 $2.')
    .replace(/(Expected value of type "[^"]+"), found [\s\S]*$/, '$1.')
}

function extensionsOf({ code, field, retryAfter }: GatewayError): Record<string, unknown> {
  return { code, ...(field === undefined ? {} : { field }), ...(retryAfter === undefined ? {} : { retryAfter }) }
}

/** Where graphql-js refuses a variable it names it: `Variable "$input" got invalid value … at "input.name"`. */
function fieldOf(message: string): { field?: string } {
  const field = /at "([\w.[\]]+)"/.exec(message)?.[1]
  return field ? { field } : {}
}
