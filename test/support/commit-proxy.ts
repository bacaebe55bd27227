import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from './ports.js'

const COMMIT = Buffer.from('COMMIT\0')

/** What is lost with the connection: a commit on its way to Postgres, or the answer of one that took place. */
export const LOSSES = ['commit', 'answer'] as const
export type Loss = (typeof LOSSES)[number]

/** Stands between gateways and Postgres, on a port of its own, and breaks the connections of some commits. */
export class CommitProxy {
  private readonly sockets = new Set<Socket>()
  private server: Server | undefined
  private next: { loss: Loss; after: number; times: number } | undefined
  private lost = 0

  private constructor(
    private readonly target: { host: string; port: number },
    /** The database by way of this. */
    readonly url: string,
  ) {}

  static async to(database: string): Promise<CommitProxy> {
    const url = new URL(database)
    const target = { host: url.hostname, port: Number(url.port || 5432) }
    url.hostname = '127.0.0.1'
    url.port = `${await freePort()}`
    // What is encrypted cannot be told apart.
    url.searchParams.set('sslmode', 'disable')
    const proxy = new CommitProxy(target, url.href)
    proxy.server = createServer((client) => proxy.join(client)).listen(Number(url.port), '127.0.0.1')
    await once(proxy.server, 'listening')
    return proxy
  }

  /** Loses commits, after so many others. */
  lose(loss: Loss, after: number, times = 1): void {
    this.next = { loss, after, times }
    this.lost = 0
  }

  /** Loses none any more. @returns how many were lost */
  stopLosing(): number {
    this.next = undefined
    return this.lost
  }

  async close(): Promise<void> {
    const closed = this.server && once(this.server, 'close')
    this.server?.close()
    for (const socket of this.sockets) socket.destroy()
    await closed
  }

  private join(client: Socket): void {
    const upstream = connect(this.target)
    const pair = [client, upstream] as const
    const breakOff = () => {
      for (const socket of pair) socket.destroy()
    }
    for (const socket of pair) {
      this.sockets.add(socket)
      socket.on('error', breakOff)
      socket.on('close', () => {
        this.sockets.delete(socket)
        breakOff()
      })
    }
    let isAnswerLost = false
    client.on('data', (data) => {
      const loss = data.includes(COMMIT) ? this.passCommit() : undefined
      if (loss === 'commit') return breakOff()
      isAnswerLost = loss === 'answer'
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (isAnswerLost) return breakOff()
      client.write(data)
    })
  }

  private passCommit(): Loss | undefined {
    if (!this.next || this.next.after-- > 0) return undefined
    if (this.lost === this.next.times) return undefined
    this.lost += 1
    return this.next.loss
  }
}
