import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** Where outside peers are reached: hands what arrives at a path to whoever waits for it there. */
export class PeerServer {
  private readonly waiting = new Map<string, (envelope: Buffer) => void>()

  private constructor(
    private readonly server: Server,
    private readonly port: number,
  ) {
    server.on('request', async (request, response) => {
      const envelope = await buffer(request)
      response.end()
      const path = request.url ?? ''
      this.waiting.get(path)?.(envelope)
      this.waiting.delete(path)
    })
  }

  static async listen(): Promise<PeerServer> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new PeerServer(server, (server.address() as AddressInfo).port)
  }

  /** A fresh endpoint, and the first envelope that arrives there. */
  endpoint(name: string): { url: string; firstEnvelope: Promise<Buffer> } {
    const path = `/${name}`
    const firstEnvelope = new Promise<Buffer>((resolve) => this.waiting.set(path, resolve))
    return { url: `http://127.0.0.1:${this.port}${path}`, firstEnvelope }
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    this.server.closeAllConnections()
    await closed
  }
}
