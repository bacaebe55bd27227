import type { IncomingMessage } from 'node:http'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import type { Inbound, InboundOutcome } from '../relay/inbound.js'
import type { ReturnPath, ReturnPaths } from '../relay/return-paths.js'
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

/** Envelopes of one socket that may wait for their turn; with more it is not read from. */
const WAITING_MAX = 16
/** How long a peer may take to say that it has got what went back to it (ms). */
const ARRIVAL_MS = 30_000

const GOING_AWAY = 1001

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
  private readonly open = new Set<DidcommSocket>()
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
      const socket = new DidcommSocket(ws, request, options)
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
    await Promise.all([...this.open].map((socket) => socket.end()))
  }
}

/** One socket. Its envelopes are handled one after the other, in the order in which they come. */
class DidcommSocket implements ReturnPath {
  readonly isLasting = true
  private readonly waiting: Buffer[] = []
  private work: Promise<void> | undefined
  private isReturning = false
  /** Whether it has said anything since it was looked at. */
  private isAlive = true
  private isBinary = true
  private ending = false
  private pings = 0
  /** Waits for the answer to a ping, which a peer gives once it has got all that was sent before. */
  private readonly arrivals = new Map<number, (arrived: boolean) => void>()

  constructor(
    private readonly ws: WebSocket,
    private readonly request: IncomingMessage,
    private readonly options: DidcommSocketOptions,
  ) {
    ws.on('message', (data, isBinary) => this.take(data, isBinary))
    ws.on('pong', (data) => this.heard(Number(data.toString())))
    ws.on('close', () => this.closed())
    // A broken frame, or one that is too large: it is closed by the code for that.
    ws.on('error', () => {})
  }

  get isOpen(): boolean {
    return this.ws.readyState === this.ws.OPEN && !this.ending
  }

  /** Resolves once the peer's end has it. */
  send(envelope: string): Promise<boolean> {
    if (!this.isOpen) return Promise.resolve(false)
    this.ws.send(this.isBinary ? Buffer.from(envelope) : envelope)
    const ping = ++this.pings
    this.ws.ping(`${ping}`)
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.ws.terminate(), ARRIVAL_MS)
      this.arrivals.set(ping, (arrived) => {
        clearTimeout(timer)
        this.arrivals.delete(ping)
        resolve(arrived)
      })
    })
  }

  expect(): void {
    this.isReturning = true
  }

  /** From time to time: one that nobody speaks on is closed, unless it waits for answers and its peer lives. */
  look(): void {
    if (this.work) return
    if (!this.isAlive && this.isReturning) this.ws.terminate()
    else if (!this.isAlive) this.close(GOING_AWAY, 'Nothing came for long.')
    else if (this.isReturning) this.ws.ping(`${++this.pings}`)
    this.isAlive = false
  }

  async end(): Promise<void> {
    this.ending = true
    await this.work
    this.close(GOING_AWAY, 'The gateway stops. Connect again.')
  }

  private take(data: RawData, isBinary: boolean): void {
    if (this.ending) return
    this.isAlive = true
    this.isBinary = isBinary
    this.waiting.push(data as Buffer)
    if (this.waiting.length >= WAITING_MAX) this.ws.pause()
    this.work ??= this.handleAll().finally(() => {
      this.work = undefined
    })
  }

  private async handleAll(): Promise<void> {
    // Also where the peer has left: it can not know whether what it has sent was taken.
    for (let body = this.waiting.shift(); body; body = this.waiting.shift()) {
      const { inbound, reachedBy, observe } = this.options
      const { outcome } = await inbound.receive(body, () => reachedBy(this.request), this)
      observe(outcome)
      const refused = REFUSED[outcome]
      if (refused) return this.close(...refused)
      if (this.waiting.length === 0) this.ws.resume()
    }
  }

  private heard(ping: number): void {
    this.isAlive = true
    // A peer may answer the last of several alone (RFC 6455, 5.5.3).
    for (const [awaited, arrive] of this.arrivals) if (awaited <= ping) arrive(true)
  }

  private close(code: number, reason: string): void {
    this.ending = true
    this.waiting.length = 0
    this.options.returns.close(this)
    this.ws.resume()
    this.ws.close(code, reason)
  }

  private closed(): void {
    this.ending = true
    this.options.returns.close(this)
    for (const arrive of this.arrivals.values()) arrive(false)
  }
}
