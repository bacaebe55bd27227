import { Router } from 'express'

/** How long the store may take to answer (ms). */
const PATIENCE_MS = 2000

/** `GET /health/live` and `GET /health/ready`. Ready means that the store answers and that the process is not ending. */
export function health(ping: () => Promise<void>, draining: () => boolean): Router {
  const router = Router()
  router.get('/health/live', (_req, res) => {
    res.json({ status: 'live' })
  })
  router.get('/health/ready', async (_req, res) => {
    if (draining()) return void res.status(503).json({ status: 'draining' })
    const timeout = new Promise<never>((_, reject) => setTimeout(reject, PATIENCE_MS, new Error('no answer')).unref())
    try {
      await Promise.race([ping(), timeout])
      res.json({ status: 'ready' })
    } catch {
      res.status(503).json({ status: 'store unreachable' })
    }
  })
  return router
}
