import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from './ports.js'

/** Stands between a program and a server, on a port of its own, and can be cut. */
export class TcpProxy {
  private server: Server | undefined
  private readonly sockets = new Set<Socket>()

  private constructor(
    readonly port: number,
    private readonly target: { host: string; port: number },
  ) {}

  static async to(target: { host: string; port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(await freePort(), target)
    await proxy.restore()
    return proxy
  }

  /** Resets every connection and refuses new ones. */
  async cut(): Promise<void> {
    const { server } = this
    this.server = undefined
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.sockets) socket.resetAndDestroy()
    await closed
  }

  /** Lets connections through again. */
  async restore(): Promise<void> {
    if (this.server) return
    this.server = createServer((client) => {
      const upstream = connect(this.target)
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.sockets.add(from)
        from.pipe(to)
        from.on('error', () => {})
        from.on('close', () => {
          this.sockets.delete(from)
          to.destroy()
        })
      }
    }).listen(this.port, '127.0.0.1')
    await once(this.server, 'listening')
  }
}
