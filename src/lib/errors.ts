/**
 * Every code that `extensions.code` can have besides Apollo's own. The set is closed: clients switch on it.
 */
export const errorCodes = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_USER_INPUT',
  'CONFLICT',
  'TENANT_LOCKED',
  'TENANT_SUSPENDED',
  'CURSOR_EXPIRED',
  'CONSUMER_TOO_SLOW',
  'RATE_LIMITED',
  'QUOTA_EXCEEDED',
  'QUERY_TOO_COMPLEX',
  'PEER_UNREACHABLE',
  'PROTOCOL_ERROR',
  'INTERNAL_SERVER_ERROR',
] as const

export type ErrorCode = (typeof errorCodes)[number]

export interface GatewayErrorOptions {
  /** Path of the input that is at fault, as the client wrote it: `input.name`. */
  field?: string
  /** Seconds after which trying again can help. */
  retryAfter?: number
  /** What led here. For the log only: it never reaches a client. */
  cause?: unknown
}

/**
 * The one error whose message a client may read. Anything else is masked as INTERNAL_SERVER_ERROR.
 * The message says what the caller can do and holds nothing of the inside (no stack, SQL, path or key).
 */
export class GatewayError extends Error {
  readonly code: ErrorCode
  declare readonly field?: string
  declare readonly retryAfter?: number

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'GatewayError'
    this.code = code
    if (options.field !== undefined) this.field = options.field
    if (options.retryAfter !== undefined) this.retryAfter = options.retryAfter
  }
}

/** Whether `error` is a {@link GatewayError}, of the given code where one is given. */
export function isGatewayError(error: unknown, code?: ErrorCode): error is GatewayError {
  return error instanceof GatewayError && (code === undefined || error.code === code)
}

/** No credentials or ones that do not hold. One message for all, so it cannot be used to tell them apart. */
export function unauthenticated(cause?: unknown): GatewayError {
  const how = 'Send a valid operator key (x-api-key: <key>) or tenant token (authorization: Bearer <token>).'
  return new GatewayError('UNAUTHENTICATED', how, { cause })
}

/** The credentials hold, but not for this. */
export function forbidden(message = 'These credentials do not allow this.'): GatewayError {
  return new GatewayError('FORBIDDEN', message)
}

/** No such thing for this caller; another tenant's id gives the same answer. */
export function notFound(what = 'thing', field?: string): GatewayError {
  return new GatewayError('NOT_FOUND', `No such ${what}. Check the id.`, { field })
}

/** `field` is the path of the input at fault, where there is one. */
export function badInput(message: string, field?: string, cause?: unknown): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message, { field, cause })
}

/** A name taken, a state that does not allow it, an idempotency key used with other input. */
export function conflict(message: string, field?: string): GatewayError {
  return new GatewayError('CONFLICT', message, { field })
}

/** The token holds, but the wallet is locked. */
export function tenantLocked(): GatewayError {
  return new GatewayError('TENANT_LOCKED', 'The wallet is locked. Unlock it with its key and try again.')
}

/** The token holds, but the tenant is suspended. */
export function tenantSuspended(): GatewayError {
  return new GatewayError('TENANT_SUSPENDED', 'The tenant is suspended. Ask the operator to resume it.')
}

/** The events after the cursor are no longer all kept, or it is of another log. */
export function cursorExpired(): GatewayError {
  return new GatewayError(
    'CURSOR_EXPIRED',
    'The cursor is too old, or of another log. Read the current state and subscribe without it.',
  )
}

/** The subscriber's buffer is full. */
export function consumerTooSlow(): GatewayError {
  return new GatewayError(
    'CONSUMER_TOO_SLOW',
    'Events came faster than they were read. Subscribe after your last cursor.',
  )
}

/** `retryAfter` in seconds. */
export function rateLimited(retryAfter: number): GatewayError {
  return new GatewayError('RATE_LIMITED', 'Too many requests. Try again later.', { retryAfter })
}

/** A limit on how much a caller may have; `retryAfter` in seconds where waiting helps. */
export function quotaExceeded(message: string, retryAfter?: number): GatewayError {
  return new GatewayError('QUOTA_EXCEEDED', message, { retryAfter })
}

/** A limit of depth, cost, aliases, directives or tokens is passed. */
export function queryTooComplex(message = 'The query asks for too much. Split it.'): GatewayError {
  return new GatewayError('QUERY_TOO_COMPLEX', message)
}

/**
 * The other agent cannot be reached. One message for a refused address and a dead one, so that it tells nothing
 * about the network the gateway stands in.
 */
export function peerUnreachable(cause?: unknown): GatewayError {
  return new GatewayError('PEER_UNREACHABLE', 'The other agent could not be reached. Check its address or try later.', {
    cause,
  })
}

/** The other agent answered against the protocol. */
export function protocolError(message: string, cause?: unknown): GatewayError {
  return new GatewayError('PROTOCOL_ERROR', message, { cause })
}

/** The store is away, so nobody can say whether credentials hold. */
export function cannotTell(cause: unknown): GatewayError {
  const message = 'Whether your credentials hold cannot be told now. Try again.'
  return new GatewayError('INTERNAL_SERVER_ERROR', message, { retryAfter: 1, cause })
}

/** What an unexpected error is masked as; the request id finds it in the log. */
export function internalError(cause?: unknown): GatewayError {
  return new GatewayError('INTERNAL_SERVER_ERROR', 'Something went wrong here. Give the request id to the operator.', {
    cause,
  })
}
