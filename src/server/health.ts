import { Router } from 'express'

export interface HealthSources {
  /** Whether the store answers. */
  store: () => Promise<boolean>
  /** Undefined where there is none. It is not needed to be ready. */
  redis: () => boolean | undefined
  draining: () => boolean
}

/**
 * `GET /health/live` and `GET /health/ready`. Ready means that the store answers and that the process is not ending; the
 * body says of each part how it is.
 */
export function health({ store, redis, draining }: HealthSources): Router {
  const router = Router()
  router.get('/health/live', (_req, res) => {
    res.json({ status: 'live' })
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
