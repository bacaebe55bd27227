import { GatewayError } from './errors.js'

/**
 * The only fields a log line can have. What is not here is dropped, so that a key, token or message content cannot
 * get into the log by being part of an object that is logged.
 */
const plainFields = new Set([
  'tenantId',
  'connectionId',
  'recordId',
  'recordType',
  'messageId',
  'messageType',
  'threadId',
  'eventId',
  'requestId',
  'instanceId',
  'topic',
  'operation',
  'component',
  'code',
  'status',
  'method',
  'durationMs',
  'attempts',
  'count',
  'size',
  'sequence',
  'retryAfter',
  'host',
  'port',
  'signal',
  'store',
  'redis',
  'version',
  'phase',
  'state',
  'role',
  'protocol',
  'variable',
])

const longestText = 200

/** How far back causes of an error are followed. */
const CAUSES_MAX = 3

/** What a log line says of an error. */
export interface LoggedError {
  name: string
  code?: string
  message?: string
  stack?: string[]
  cause?: LoggedError
}

/**
 * Keeps the allow-listed fields of `fields`: plain values as they are, `url` without query, fragment and credentials,
 * `error` as {@link describeError} has it.
 *
 * @param verbose whether the line carries stacks: errors do, and everything from debug on
 */
export function allowedFields(fields: object, verbose: boolean): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    if (name === 'error' || name === 'err') kept.error = describeError(value, verbose)
    else if (name === 'url') kept.url = bareUrl(value)
    else if (plainFields.has(name) && isPlain(value)) kept[name] = typeof value === 'string' ? cap(value) : value
  }
  return kept
}

/**
 * Name and code of an error. The message only of a {@link GatewayError}: any other may quote input, SQL or content.
 * When verbose, the places of the stack, which hold no message.
 */
export function describeError(error: unknown, verbose: boolean, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { name: typeof error }
  const code = 'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : null
  const described: LoggedError = { name: cap(error.name) }
  if (code !== null) described.code = cap(String(code))
  if (error instanceof GatewayError) described.message = error.message
  else if (verbose) described.stack = stackPlaces(error)
  if (error.cause !== undefined && depth < CAUSES_MAX) described.cause = describeError(error.cause, verbose, depth + 1)
  return described
}

/** The lines of a stack that say where. Its head repeats the message and is left out. */
function stackPlaces(error: Error): string[] {
  const lines = error.stack?.split('\n') ?? []
  return lines.filter((line) => /^\s+at .+:\d+:\d+\)?$/.test(line)).map((line) => line.trim())
}

function bareUrl(value: unknown): string | undefined {
  const text = String(value)
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return cap(url.host ? `${url.protocol}//${url.host}${url.pathname}` : url.protocol)
}

function isPlain(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

function cap(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text
}
