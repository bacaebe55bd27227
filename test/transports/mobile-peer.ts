import { keyOfDid, Peer, type Plaintext } from '../../bench/peer.js'
import type { TestTenant } from '../support/client.js'
import { invite } from '../support/talk.js'
import { type Close, PeerSocket } from './peer-socket.js'

/** What agents without an endpoint write in place of one. */
export const NO_ENDPOINT = 'didcomm:transport/queue'

export type Route = { return_route: 'all' | 'none' } | { return_route: 'thread'; return_route_thread: string }

/** Has a message ask for answers by the way that it goes (Aries RFC 0092). */
export const asking = (message: Plaintext, route: Route = { return_route: 'all' }): Plaintext => ({
  ...message,
  '~transport': route,
})

/** An agent that nobody can reach, such as a wallet on a phone: it talks by the connections that it opens. */
export class MobilePeer {
  socket: PeerSocket | undefined
  /** The tenant's key on this connection, base58; known once it has answered. */
  recipientKey = ''

  private constructor(
    /** Another where it rotates to other keys. */
    public peer: Peer,
    readonly tenant: TestTenant,
    private readonly url: string,
  ) {}

  static async create(tenant: TestTenant, url = tenant.client.url, endpoint = NO_ENDPOINT): Promise<MobilePeer> {
    return new MobilePeer(await Peer.create(endpoint), tenant, url)
  }

  /** Completes a connection by WebSocket alone. */
  static async connectTo(tenant: TestTenant, url?: string, endpoint?: string): Promise<MobilePeer> {
    const mobile = await MobilePeer.create(tenant, url, endpoint)
    const socket = await mobile.open()
    const { request, invitationKey } = await mobile.request()
    socket.send(mobile.peer.pack(asking(request), invitationKey))
    const response = await socket.next()
    mobile.recipientKey = mobile.peer.senderOf(response)
    socket.send(mobile.pack(asking(mobile.peer.trustPing())))
    return mobile
  }

  /** A request for a new invitation of the tenant, and the key that it goes to. */
  async request(): Promise<{ request: Plaintext; invitationKey: string }> {
    const { message } = await invite(this.tenant)
    const invitation = message as { '@id': string; services: (string | { recipientKeys: string[] })[] }
    const [service] = invitation.services
    const key = typeof service === 'object' ? service.recipientKeys[0] : service
    return { request: this.peer.connectionRequest(invitation['@id']), invitationKey: keyOfDid(key ?? '') }
  }

  async open(url = this.url, path = '/didcomm'): Promise<PeerSocket> {
    this.socket = await PeerSocket.open(`${url.replace('http', 'ws')}${path}`)
    return this.socket
  }

  pack(message: Plaintext): Buffer {
    return this.peer.pack(message, this.recipientKey)
  }

  /** A basic message, sealed for the tenant. */
  message(content: string): Buffer {
    return this.pack(this.peer.basicMessage(content))
  }

  /** The next message that comes by its socket. */
  async next(): Promise<Plaintext> {
    if (!this.socket) throw new Error('No socket is open')
    return this.peer.open(await this.socket.next())
  }

  /** A ping that wants an answer. */
  ping(): Plaintext {
    return { ...this.peer.trustPing(), response_requested: true }
  }

  /** Closes its socket, once the gateway knows that all has arrived that came by it. */
  async close(): Promise<Close | undefined> {
    await this.socket?.settle()
    return this.socket?.close()
  }

  /** Posts an envelope. */
  async post(envelope: Buffer, headers: Record<string, string> = {}, url = this.url): Promise<Response> {
    return fetch(`${url}/didcomm`, {
      method: 'POST',
      headers: { 'content-type': 'application/didcomm-envelope-enc', ...headers },
      body: new Uint8Array(envelope),
    })
  }
}
