import type { RawData, WebSocket } from 'ws'
import type { ReturnPath, ReturnPaths } from './return-paths.js'

export interface EnvelopeSocketOptions {
  returns: ReturnPaths
  /** Takes an envelope. @returns with what the socket is closed, where it is not to go on */
  take: (envelope: Buffer, path: ReturnPath) => Promise<[code: number, reason: string] | undefined>
}

/** Envelopes of one socket that may wait for their turn; with more it is not read from. */
const WAITING_MAX = 16
/** Bytes that may lie here of what a peer does not read: with more nothing else is sent to it. */
const UNREAD_MAX = 4 * 1024 * 1024
/** How long a peer may take to say that it has got what was sent to it (ms). */
const ARRIVAL_MS = 30_000

const GOING_AWAY = 1001

/**
 * A WebSocket that carries envelopes, each a message (Aries RFC 0025), whoever has opened it. Those that come are taken one
 * after the other, in the order in which they come.
 */
export class EnvelopeSocket implements ReturnPath {
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
    private readonly options: EnvelopeSocketOptions,
  ) {
    ws.on('message', (data, isBinary) => this.heardMessage(data, isBinary))
    ws.on('pong', (data) => this.heardPong(Number(data.toString())))
    ws.on('close', () => this.closed())
    // A broken frame, or one that is too large: it is closed by the code for that.
    ws.on('error', () => {})
  }

  get isOpen(): boolean {
    return this.ws.readyState === this.ws.OPEN && !this.ending
  }

  /** Resolves once the peer's end has it. */
  send(envelope: string): Promise<boolean> {
    if (!this.isOpen || this.ws.bufferedAmount > UNREAD_MAX) return Promise.resolve(false)
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

  /** Lets it end what it has in hand, takes no more, and closes it. */
  async end(reason: string): Promise<void> {
    this.ending = true
    await this.work
    this.close(GOING_AWAY, reason)
  }

  private heardMessage(data: RawData, isBinary: boolean): void {
    if (this.ending) return
    this.isAlive = true
    this.isBinary = isBinary
    this.waiting.push(data as Buffer)
    if (this.waiting.length >= WAITING_MAX) this.ws.pause()
    this.work ??= this.takeAll().finally(() => {
      this.work = undefined
    })
  }

  private async takeAll(): Promise<void> {
    // Also where the peer has left: it can not know whether what it has sent was taken.
    for (let body = this.waiting.shift(); body; body = this.waiting.shift()) {
      const refused = await this.options.take(body, this)
      if (refused) return this.close(...refused)
      if (this.waiting.length === 0) this.ws.resume()
    }
  }

  private heardPong(ping: number): void {
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
