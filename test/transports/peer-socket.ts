import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientOptions, WebSocket } from 'ws'

export interface Close {
  code: number
  reason: string
}

/** A WebSocket of another agent's to a gateway. */
export class PeerSocket {
  private readonly envelopes: Buffer[] = []
  private readonly waiting: ((envelope: Buffer) => void)[] = []
  readonly closed: Promise<Close>

  private constructor(readonly ws: WebSocket) {
    ws.on('message', (data) => {
      const envelope = data as Buffer
      const take = this.waiting.shift()
      if (take) take(envelope)
      else this.envelopes.push(envelope)
    })
    ws.on('error', () => {})
    this.closed = new Promise((resolve) =>
      ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    )
  }

  static async open(url: string, options?: ClientOptions): Promise<PeerSocket> {
    const socket = new PeerSocket(new WebSocket(url, options))
    await once(socket.ws, 'open')
    return socket
  }

  /** The status of a gateway that does not open a socket. */
  static async refusal(url: string): Promise<number> {
    const ws = new WebSocket(url)
    ws.on('error', () => {})
    const [, response] = (await once(ws, 'unexpected-response')) as [unknown, { statusCode: number }]
    ws.terminate()
    return response.statusCode
  }

  send(envelope: Buffer | string): void {
    this.ws.send(envelope)
  }

  /** The next envelope, past or to come. */
  async next(timeoutMs = 20_000): Promise<Buffer> {
    const envelope = this.envelopes.shift()
    if (envelope) return envelope
    const abort = new AbortController()
    try {
      return await Promise.race([
        new Promise<Buffer>((resolve) => this.waiting.push(resolve)),
        sleep(timeoutMs, undefined, { signal: abort.signal }).then(() => {
          throw new Error(`No envelope came within ${timeoutMs} ms`)
        }),
      ])
    } finally {
      abort.abort()
    }
  }

  /** How many envelopes have come that nobody has taken yet. */
  get pending(): number {
    return this.envelopes.length
  }

  /** Resolves once the other end has heard of all that has arrived here. */
  async settle(): Promise<void> {
    if (this.ws.readyState !== WebSocket.OPEN) return
    this.ws.ping()
    await Promise.race([once(this.ws, 'pong'), this.closed])
  }

  async close(): Promise<Close> {
    this.ws.close()
    return this.closed
  }
}
