import { createHash } from 'node:crypto'
import { Router } from 'express'

export interface HealthSources {
  /** Whether the store answers. */
  store: () => Promise<boolean>
  /** Undefined where there is none. It is not needed to be ready. */
  redis: () => boolean | undefined
  draining: () => boolean
  storeId: string
}

/** What only a gateway on this store answers: so it can be found out where a URL leads. */
export const echoOf = (storeId: string, challenge: string) =>
  createHash('sha256').update(`${storeId}/${challenge}`).digest('hex')

const CHALLENGE = /^[\w-]{1,64}$/

/**
 * `GET /health/live` and `GET /health/ready`. Ready means that the store answers and that the process is not ending; the
 * body says of each part how it is. `/health/live?challenge=…` is echoed: see {@link echoOf}.
 */
export function health({ store, redis, draining, storeId }: HealthSources): Router {
  const router = Router()
  router.get('/health/live', ({ query: { challenge } }, res) => {
    const isOne = typeof challenge === 'string' && CHALLENGE.test(challenge)
    res.json({ status: 'live', ...(isOne ? { echo: echoOf(storeId, challenge) } : {}) })
  })
  router.get('/health/ready', async (_req, res) => {
    if (draining()) return void res.status(503).json({ status: 'draining' })
    const answers = await store()
    const connected = redis()
    res.status(answers ? 200 : 503).json({
      status: answers ? 'ready' : 'store unreachable',
      store: answers ? 'ok' : 'unreachable',
      redis: connected === undefined ? 'none' : connected ? 'ok' : 'unreachable',
    })
  })
  return router
}
