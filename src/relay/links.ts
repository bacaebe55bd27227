import { once } from 'node:events'
import type { WebSocket } from 'ws'
import { EnvelopeSocket } from './envelope-socket.js'
import type { ReturnPath, ReturnPaths } from './return-paths.js'

export interface LinksOptions {
  /** Opens a socket to an endpoint that may be reached. @throws where it may not */
  open: (endpoint: string) => WebSocket
  returns: ReturnPaths
  /** One that nothing has gone by for this long (ms) is closed. */
  idleMs: number
}

/** Takes an envelope that has come by a socket of a wallet. Resolves once that is done with. */
export type TakeEnvelope = (wallet: string, envelope: Buffer, path: ReturnPath) => Promise<void>

interface Link {
  wallet: string
  socket: EnvelopeSocket
  /** Rejects where it does not open. */
  opened: Promise<unknown>
  /** What it was used for. */
  connections: Set<string>
}

const nameOf = (wallet: string, endpoint: string) => `${wallet} ${endpoint}`

/**
 * WebSockets that wallets have open to endpoints of peers, each opened as something is to be sent there. Peers can send back
 * by them (Aries RFC 0092), which is how a gateway is reached that has no address of its own.
 */
export class Links {
  /** Set by whoever takes envelopes. */
  take: TakeEnvelope = async () => {}
  private readonly links = new Map<string, Link>()
  private readonly timer: NodeJS.Timeout
  private stopping = false

  constructor(private readonly options: LinksOptions) {
    this.timer = setInterval(() => {
      for (const { socket } of this.links.values()) socket.look()
    }, options.idleMs).unref()
  }

  /** Resolves once the peer has it. @returns false where it could not be sent there */
  async send(wallet: string, endpoint: string, connectionId: string | undefined, envelope: string): Promise<boolean> {
    try {
      const link = this.linkTo(wallet, endpoint)
      await link.opened
      if (connectionId !== undefined) link.connections.add(connectionId)
      return await link.socket.send(envelope)
    } catch {
      return false
    }
  }

  /** Whether a socket is open by which messages of a connection have gone. */
  isOpenFor(wallet: string, connectionId: string): boolean {
    for (const link of this.links.values())
      if (link.wallet === wallet && link.socket.isOpen && link.connections.has(connectionId)) return true
    return false
  }

  /** Closes all that a wallet has open. */
  close(wallet: string): void {
    for (const link of this.links.values()) if (link.wallet === wallet) void link.socket.end('Not here any more.')
  }

  /** Lets each end what it has in hand, and closes them. */
  async stop(): Promise<void> {
    this.stopping = true
    clearInterval(this.timer)
    await Promise.all([...this.links.values()].map(({ socket }) => socket.end('The gateway stops.')))
  }

  private linkTo(wallet: string, endpoint: string): Link {
    const name = nameOf(wallet, endpoint)
    const known = this.links.get(name)
    if (known) return known
    if (this.stopping) throw new Error('The gateway stops')
    const ws = this.options.open(endpoint)
    const { returns } = this.options
    const take = async (envelope: Buffer, path: ReturnPath) => {
      await this.take(wallet, envelope, path)
      return undefined
    }
    const closed = once(ws, 'close')
    const opened = Promise.race([once(ws, 'open'), closed.then(() => Promise.reject(new Error('It did not open')))])
    const link: Link = { wallet, socket: new EnvelopeSocket(ws, { returns, take }), opened, connections: new Set() }
    this.links.set(name, link)
    ws.once('close', () => this.links.delete(name))
    return link
  }
}
