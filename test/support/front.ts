import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { freePort } from './ports.js'

/** What happens to a request: on to the gateway behind, no answer at all, a reset, or an answer of the test's own. */
export type FrontMode = 'pass' | 'hang' | 'reset' | { status: number; headers?: Record<string, string> }

export interface FrontRequest {
  at: number
  body: string
}

/** The address of a peer as others see it: an HTTP server before its gateway that can misbehave. */
export class Front {
  /** Every request that came, whatever was done with it. */
  readonly requests: FrontRequest[] = []
  mode: FrontMode = 'pass'
  /** The URL of the gateway behind, once it runs. */
  target: string | undefined
  /** Decides instead of `mode`, where it is set. */
  decide: ((request: FrontRequest) => FrontMode | undefined) | undefined
  private server: Server | undefined

  private constructor(readonly port: number) {}

  static async open(): Promise<Front> {
    const front = new Front(await freePort())
    await front.up()
    return front
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Refuses connections. */
  async down(): Promise<void> {
    const { server } = this
    this.server = undefined
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  /** Takes connections again. */
  async up(): Promise<void> {
    if (this.server) return
    this.server = createServer((req, res) => void this.answer(req, res)).listen(this.port, '127.0.0.1')
    await once(this.server, 'listening')
  }

  private async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const seen = { at: Date.now(), body: Buffer.concat(chunks).toString() }
    this.requests.push(seen)
    const mode = this.decide?.(seen) ?? this.mode
    if (mode === 'hang') return
    if (mode === 'reset') return void req.socket.resetAndDestroy()
    if (mode !== 'pass') return void res.writeHead(mode.status, mode.headers).end()
    const onward = request(`${this.target}${req.url}`, { method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    onward.on('error', () => res.destroy())
    onward.end(seen.body)
  }
}
