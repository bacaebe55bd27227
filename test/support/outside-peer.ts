import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { keyOfDid, Peer, type Plaintext } from '../../bench/peer.js'
import { PeerServer } from '../../bench/peer-server.js'
import type { TestTenant } from './client.js'
import { invite } from './talk.js'

/** How long a tenant may take to send what is waited for. */
const ANSWER_WITHIN_MS = 30_000

/** An agent outside of any gateway that is connected to a tenant, and packs what it sends itself. */
export class OutsidePeer {
  private constructor(
    private readonly peer: Peer,
    readonly tenant: TestTenant,
    /** The tenant's key on this connection, base58. */
    readonly recipientKey: string,
    private readonly server: PeerServer,
    private readonly name: string,
  ) {}

  static async connectTo(tenant: TestTenant): Promise<OutsidePeer> {
    const server = await PeerServer.listen()
    const name = randomUUID()
    const { url, firstEnvelope } = server.endpoint(name)
    const peer = await Peer.create(url)
    const { message } = await invite(tenant)
    const invitation = message as { '@id': string; services: (string | { recipientKeys: string[] })[] }
    const [service] = invitation.services
    const key = typeof service === 'object' ? service.recipientKeys[0] : service
    const request = peer.pack(peer.connectionRequest(invitation['@id']), keyOfDid(key ?? ''))
    await post(tenant.client.url, request)
    const recipientKey = peer.senderOf(await firstEnvelope)
    await post(tenant.client.url, peer.pack(peer.trustPing(), recipientKey))
    return new OutsidePeer(peer, tenant, recipientKey, server, name)
  }

  /** A basic message, sealed for the tenant. */
  message(content: string): Buffer {
    return this.peer.pack(this.peer.basicMessage(content), this.recipientKey)
  }

  /** Any message, sealed for the tenant. */
  pack(message: Plaintext): Buffer {
    return this.peer.pack(message, this.recipientKey)
  }

  /** The next message that the tenant sends to this agent. To be asked for before it is sent. */
  async next(): Promise<Plaintext> {
    const late = new AbortController()
    const nothing = setTimeout(ANSWER_WITHIN_MS, undefined, late).then(() => {
      throw new Error('The tenant has sent nothing.')
    })
    try {
      return this.peer.open(await Promise.race([this.server.endpoint(this.name).firstEnvelope, nothing]))
    } finally {
      late.abort()
      nothing.catch(() => {})
    }
  }

  /** Posts an envelope to the tenant's gateway, or another instance of it. */
  post(envelope: Buffer, url = this.tenant.client.url): Promise<Response> {
    return post(url, envelope)
  }

  close(): Promise<void> {
    return this.server.close()
  }
}

function post(url: string, body: Buffer): Promise<Response> {
  const headers = { 'content-type': 'application/didcomm-envelope-enc' }
  return fetch(`${url}/didcomm`, { method: 'POST', headers, body: new Uint8Array(body) })
}
