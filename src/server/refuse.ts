import type { Response } from 'express'
import type { GraphQLFormattedError } from 'graphql'

const STATUS: Record<string, number> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  TENANT_SUSPENDED: 403,
  NOT_FOUND: 404,
  BAD_USER_INPUT: 400,
  CONFLICT: 409,
  RATE_LIMITED: 429,
}

/** Gives an answer the status of an error, and says after what time trying again can help. */
export function refuse(res: Response, { extensions }: Pick<GraphQLFormattedError, 'extensions'>): Response {
  const retryAfter = extensions?.['retryAfter']
  if (retryAfter !== undefined) res.set('retry-after', `${retryAfter}`)
  return res.status(STATUS[String(extensions?.['code'])] ?? 500)
}
