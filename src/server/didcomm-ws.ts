import type { IncomingMessage } from 'node:http'
import { WebSocketServer } from 'ws'
import { EnvelopeSocket } from '../relay/envelope-socket.js'
import type { Inbound, InboundOutcome } from '../relay/inbound.js'
import type { ReturnPaths } from '../relay/return-paths.js'
import type { Reached } from '../tenants/endpoints.js'

export interface DidcommSocketOptions {
  inbound: Inbound
  returns: ReturnPaths
  /** The longest envelope, in bytes. */
  maxBytes: number
  /** How many sockets may be open at once. */
  socketsMax: number
  /** After this time without a message (ms) a socket is closed that answers cannot go back by; others are asked whether they live. */
  idleMs: number
  observe: (outcome: InboundOutcome) => void
  reachedBy: (request: IncomingMessage) => Promise<Reached>
}

/** The endpoint that all tenants share, what lies below it, and the root, which on a tenant's own domain is one. */
export const DIDCOMM_SOCKETS = /^\/$|^\/didcomm(?:\/|$)/

/**
 * What becomes of a socket whose envelope is refused: the protocol has no answer, so it is closed. What came before was
 * taken; that one and what came behind it was not.
 */
const REFUSED: Partial<Record<InboundOutcome, [code: number, reason: string]>> = {
  malformed: [1007, 'This is not an envelope that its recipient can open.'],
  'unknown-recipient': [1008, 'No such recipient.'],
  full: [1013, 'Too much waits for this recipient. Try again later.'],
  limited: [1013, 'Too many messages for this recipient. Try again later.'],
  unavailable: [1013, 'Try again later.'],
}

/** DIDComm by WebSocket: each message is an envelope (Aries RFC 0025), and answers can go back (Aries RFC 0092). */
export class DidcommSockets {
  readonly server: WebSocketServer
  private readonly open = new Set<EnvelopeSocket>()
  private readonly timer: NodeJS.Timeout
  private stopping = false

  constructor(options: DidcommSocketOptions) {
    this.server = new WebSocketServer({
      noServer: true,
      maxPayload: options.maxBytes,
      verifyClient: (_info, answer) =>
        this.stopping || this.open.size >= options.socketsMax ? answer(false, 503, 'Try again later.') : answer(true),
    })
    this.server.on('connection', (ws, request) => {
      const { inbound, returns, observe, reachedBy } = options
      const socket = new EnvelopeSocket(ws, {
        returns,
        take: async (envelope, path) => {
          const { outcome } = await inbound.receive(envelope, () => reachedBy(request), path)
          observe(outcome)
          return REFUSED[outcome]
        },
      })
      this.open.add(socket)
      ws.on('close', () => this.open.delete(socket))
    })
    this.timer = setInterval(() => {
      for (const socket of this.open) socket.look()
    }, options.idleMs).unref()
  }

  get count(): number {
    return this.open.size
  }

  /** Lets each end what it has in hand, takes no more, and closes them. */
  async stop(): Promise<void> {
    this.stopping = true
    clearInterval(this.timer)
    await Promise.all([...this.open].map((socket) => socket.end('The gateway stops. Connect again.')))
  }
}
