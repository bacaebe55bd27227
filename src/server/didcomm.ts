import express, { type ErrorRequestHandler, type Request, type Response, Router } from 'express'
import type { Inbound, InboundOutcome, Received } from '../relay/inbound.js'
import type { ReturnPaths } from '../relay/return-paths.js'
import type { Reached } from '../tenants/endpoints.js'
import { RequestPath } from './request-path.js'

/** Media types of DIDComm v1 envelopes: Aries RFC 0044, its forerunner, and what some agents write instead. */
const MEDIA_TYPES = [
  'application/didcomm-envelope-enc',
  'application/ssi-agent-wire',
  'application/json',
  'application/jwe',
]

const STATUS: Record<InboundOutcome, number> = {
  handled: 200,
  queued: 202,
  full: 429,
  limited: 429,
  malformed: 400,
  'unknown-recipient': 404,
  unavailable: 503,
}

/** Seconds. */
const RETRY_AFTER: Partial<Record<InboundOutcome, number>> = { unavailable: 5, full: 60 }

/** How a sender is answered. `retryAfter`: in seconds. */
export const answerTo = ({ outcome, retryAfter }: Received): { status: number; retryAfter?: number } => ({
  status: STATUS[outcome],
  retryAfter: retryAfter ?? RETRY_AFTER[outcome],
})

/** What a sender is told: as little as it needs, and for all recipients alike. */
const TEXT: Record<InboundOutcome, string> = {
  handled: '',
  queued: '',
  full: 'Too much waits for this recipient. Try again later.',
  limited: 'Too many messages for this recipient. Try again later.',
  malformed: 'This is not an envelope that its recipient can open.',
  'unknown-recipient': 'No such recipient.',
  unavailable: 'Try again later.',
}

/** The endpoint that all tenants share, and what lies below it. On a domain of a tenant's own also the root is one. */
const PATHS = ['/didcomm', '/didcomm/*path']

/** `POST /didcomm`: every tenant's inbound DIDComm, and below it and on other domains each one's own. */
export function didcommOverHttp(
  inbound: Inbound,
  returns: ReturnPaths,
  maxBytes: number,
  observe: (outcome: InboundOutcome) => void,
  reachedBy: (request: Request) => Promise<Reached>,
): Router {
  const router = Router()
  router.post(['/', ...PATHS], (req, res, next) => {
    if (req.is(MEDIA_TYPES)) return next()
    if (req.path === '/') return next('router')
    res.status(415).type('text/plain').send('Send an envelope as application/didcomm-envelope-enc.')
  })
  router.post(['/', ...PATHS], express.raw({ type: () => true, limit: maxBytes }), async (req, res) => {
    const path = new ResponsePath(req, res)
    const received: Received = Buffer.isBuffer(req.body)
      ? await inbound.receive(req.body, () => reachedBy(req), path)
      : { outcome: 'malformed' }
    const { outcome } = received
    const isAnswered = await path.answered()
    returns.close(path)
    if (isAnswered) return observe(outcome)
    const { status, retryAfter } = answerTo(received)
    observe(outcome)
    if (retryAfter) res.set('retry-after', `${retryAfter}`)
    res.status(status).type('text/plain').send(TEXT[outcome])
  })
  router.all(PATHS, (_req, res) => {
    res.status(405).set('allow', 'POST').type('text/plain').send('Send an envelope by POST.')
  })
  const tooLarge: ErrorRequestHandler = (error, _req, res, next) => {
    const { status } = error as { status?: number }
    if (status === undefined || status >= 500) return next(error)
    res
      .status(status === 413 ? 413 : 400)
      .type('text/plain')
      .send(status === 413 ? 'The envelope is too large.' : TEXT.malformed)
  }
  router.use(tooLarge)
  return router
}

/** The response of a request as the way back. */
class ResponsePath extends RequestPath {
  constructor(
    private readonly request: Request,
    private readonly response: Response,
  ) {
    super()
  }

  protected get isAwaited(): boolean {
    return !this.response.closed
  }

  protected answer(envelope: string): Promise<boolean> {
    const [own = '', ...others] = MEDIA_TYPES
    const types = this.request.is('application/ssi-agent-wire') ? MEDIA_TYPES.slice(1, 2).concat(own) : [own, ...others]
    const sent = new Promise<boolean>((resolve) => {
      this.response.once('finish', () => resolve(true)).once('close', () => resolve(false))
    })
    this.response
      .status(200)
      .type(this.request.accepts(types) || own)
      .send(envelope)
    return sent
  }
}
