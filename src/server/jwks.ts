import { Router } from 'express'
import { sha256 } from '../lib/ids.js'
import type { TokenKeys } from '../tenants/token-keys.js'

/** How long a verifier may go on with what it has (s). A key that is to sign is published that much earlier. */
const MAX_AGE_S = 300

/** `GET /.well-known/jwks.json`: the public keys of tenant tokens, where there are any. */
export function jwksEndpoint({ jwks }: TokenKeys): Router {
  const router = Router()
  if (!jwks) return router
  const body = JSON.stringify(jwks)
  const headers = {
    'cache-control': `public, max-age=${MAX_AGE_S}`,
    etag: `"${sha256(body).toString('base64url')}"`,
    // They are for everyone, so also for pages of any origin.
    'access-control-allow-origin': '*',
  }
  router.get('/.well-known/jwks.json', (_req, res) => {
    res.set(headers).type('application/jwk-set+json').send(body)
  })
  return router
}
