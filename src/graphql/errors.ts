import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { GatewayError, internalError } from '../lib/errors.js'
import { newId } from '../lib/ids.js'
import type { Logger } from '../lib/logger.js'
import { StoreError } from '../storage/errors.js'
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
 */
export function formatError(error: unknown, logger: Logger, viewer?: Viewer): GraphQLFormattedError {
  const graphql = error instanceof GraphQLError ? error : undefined
  const cause = graphql?.originalError ?? error
  const place = { locations: graphql?.locations, path: graphql?.path }
  if (cause instanceof GatewayError) {
    return { message: cause.message, ...place, extensions: { ...fieldOf(graphql), ...extensionsOf(cause) } }
  }
  // Over graphql-ws, graphql-js refuses variables without a code; nothing else of its own comes without a path.
  const code = graphql?.extensions['code'] ?? (graphql && !graphql.path ? 'BAD_USER_INPUT' : undefined)
  const isRequest = graphql !== undefined && (cause === graphql || cause === undefined || cause instanceof GraphQLError)
  if (isRequest && typeof code === 'string' && REQUEST_CODES.has(code)) {
    if (/^(Syntax Error: )?Document contains more tha[nt] \d+ tokens/.test(graphql.message)) {
      return { message: 'The query is too long. Split it.', extensions: { code: 'QUERY_TOO_COMPLEX' } }
    }
    const field = code === 'BAD_USER_INPUT' ? fieldOf(graphql) : {}
    return { message: withoutValues(graphql.message), ...place, extensions: { code, ...field } }
  }
  const requestId = newId()
  logger.error('A request failed unexpectedly', { requestId, tenantId: tenantIdOf(viewer), error: cause })
  const masked = internalError()
  const retry = cause instanceof StoreError ? { retryAfter: 1 } : {}
  return { message: masked.message, ...place, extensions: { code: masked.code, requestId, ...retry } }
}

const tenantIdOf = (viewer: Viewer | undefined) => (viewer?.role === 'TENANT' ? viewer.tenantId : undefined)

/** graphql-js repeats what it refuses, and that may be a key: only names of the schema and of places are left. */
export function withoutValues(message: string): string {
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
function fieldOf(error: GraphQLError | undefined): { field?: string } {
  const field = /at "([\w.[\]]+)"/.exec(error?.message ?? '')?.[1]
  return field ? { field } : {}
}
