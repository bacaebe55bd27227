import express, { type ErrorRequestHandler, Router } from 'express'
import type { Inbound, InboundOutcome, Received } from '../relay/inbound.js'

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

/** `POST /didcomm`: every tenant's inbound DIDComm. */
export function didcommOverHttp(
  inbound: Inbound,
  maxBytes: number,
  observe: (outcome: InboundOutcome) => void,
): Router {
  const router = Router()
  router.post('/didcomm', (req, res, next) => {
    if (req.is(MEDIA_TYPES)) return next()
    res.status(415).send('Send an envelope as application/didcomm-envelope-enc.')
  })
  router.post('/didcomm', express.raw({ type: () => true, limit: maxBytes }), async (req, res) => {
    const received: Received = Buffer.isBuffer(req.body) ? await inbound.receive(req.body) : { outcome: 'malformed' }
    const { outcome } = received
    const retryAfter = received.retryAfter ?? RETRY_AFTER[outcome]
    observe(outcome)
    if (retryAfter) res.set('retry-after', `${retryAfter}`)
    res.status(STATUS[outcome]).type('text/plain').send(TEXT[outcome])
  })
  router.all('/didcomm', (_req, res) => {
    res.status(405).set('allow', 'POST').send('Send an envelope by POST.')
  })
  const tooLarge: ErrorRequestHandler = (error, _req, res, next) => {
    const { status } = error as { status?: number }
    if (status === undefined || status >= 500) return next(error)
    res
      .status(status === 413 ? 413 : 400)
      .type('text/plain')
      .send(status === 413 ? 'The envelope is too large.' : TEXT.malformed)
  }
  router.use('/didcomm', tooLarge)
  return router
}
