import { decodeJwt, SignJWT } from 'jose'
import { JWT_SECRET } from '../support/gateway.js'

/** What a forger changes of a token that holds. */
export interface Forgery {
  secret?: string
  /** Seconds since the epoch. */
  expiresAt?: number
}

/** A token with the claims of one that holds, but for what is changed. */
export function forge(token: string, { secret = JWT_SECRET, expiresAt }: Forgery): Promise<string> {
  const claims = decodeJwt(token)
  return new SignJWT({ ...claims, ...(expiresAt === undefined ? {} : { exp: expiresAt }) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(secret))
}

/** The token without a signature: `alg: none`. */
export function unsigned(token: string): string {
  const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url')
  return `${header}.${token.split('.')[1]}.`
}
