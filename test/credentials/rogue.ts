import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { keyOfDid, Peer, type Plaintext } from '../../bench/peer.js'
import type { AnyEvent, TestTenant } from '../support/client.js'
import { eventually, invite } from '../support/talk.js'

/** A connection of the agent to a tenant. */
export interface Line {
  tenant: TestTenant
  /** The tenant's key, base58. */
  recipientKey: string
  /** Of the tenant's wallet. */
  connectionId: string
}

/** An agent outside of any gateway that keeps what it is sent, and sends what it likes. */
export class Rogue {
  readonly inbox: AnyEvent[] = []

  private constructor(
    private readonly server: Server,
    private readonly peer: Peer,
  ) {}

  static async create(): Promise<Rogue> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const peer = await Peer.create(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const rogue = new Rogue(server, peer)
    server.on('request', async (request, response) => {
      const envelope = await buffer(request)
      response.end()
      rogue.inbox.push({ ...peer.open(envelope), sender: peer.senderOf(envelope) })
    })
    return rogue
  }

  async connectTo(tenant: TestTenant): Promise<Line> {
    const { id, message } = await invite(tenant)
    const { services, '@id': threadId } = message as { services: { recipientKeys: string[] }[]; '@id': string }
    await this.post(tenant, this.peer.connectionRequest(threadId), keyOfDid(services[0]?.recipientKeys[0] ?? ''))
    const { sender: recipientKey } = await this.received('connections/1.0/response', () => true)
    await this.post(tenant, this.peer.trustPing(), recipientKey)
    const query = 'query($id: ID!) { connections(filter: {invitationId: $id}) { nodes { id state } } }'
    const connectionId = await eventually(async () => {
      const [connection] = (await tenant.client.ask(query, { id })).connections.nodes
      return connection?.state === 'COMPLETED' && connection.id
    })
    this.inbox.length = 0
    return { tenant, recipientKey, connectionId }
  }

  /** Sends a message of a thread, whose first attachment is `data`. */
  async send(
    { tenant, recipientKey }: Line,
    type: string,
    threadId: string | undefined,
    { attach, format, data, ...more }: { attach?: string; format?: string; data?: unknown; [field: string]: unknown },
  ): Promise<Plaintext> {
    const attached = attach && {
      formats: [{ attach_id: 'it', format }],
      [`${attach}~attach`]: [
        { '@id': 'it', 'mime-type': 'application/json', data: { base64: base64(JSON.stringify(data)) } },
      ],
    }
    const message: Plaintext = {
      '@type': `https://didcomm.org/${type}`,
      '@id': randomUUID(),
      ...(threadId ? { '~thread': { thid: threadId } } : {}),
      ...attached,
      ...more,
    }
    await this.post(tenant, message, recipientKey)
    return message
  }

  async post(tenant: TestTenant, message: Plaintext, recipientKey: string): Promise<void> {
    const response = await fetch(`${tenant.client.url}/didcomm`, {
      method: 'POST',
      headers: { 'content-type': 'application/didcomm-envelope-enc' },
      body: new Uint8Array(this.peer.pack(message, recipientKey)),
    })
    if (!response.ok) throw new Error(`The message was not taken: ${response.status}`)
  }

  /** The first message of a kind that came, or comes. */
  received(type: string, matches: (message: AnyEvent) => boolean): Promise<AnyEvent> {
    return eventually(async () => this.inbox.find((one) => one['@type'].endsWith(type) && matches(one)))
  }

  /** What is told of a message: in its thread by a report of the protocol, else in a thread below it. */
  async reportOn(sent: AnyEvent): Promise<{ code: string; en: string }> {
    const { description } = await this.received(
      '/problem-report',
      ({ '~thread': { thid, pthid } }) => thid === threadOf(sent) || pthid === sent['@id'],
    )
    return description
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    this.server.closeAllConnections()
    await closed
  }
}

/** What the first attachment of a message holds. */
export const attachedTo = (message: AnyEvent, attach: string) =>
  JSON.parse(Buffer.from(message[`${attach}~attach`][0].data.base64, 'base64').toString())

/** The same of one that is attached as it is. */
export const attachedJson = (message: AnyEvent, attach: string) => message[`${attach}~attach`][0].data.json

/** The thread that a message is of. */
export const threadOf = (message: AnyEvent): string => message['~thread']?.thid ?? message['@id']

const base64 = (text: string) => Buffer.from(text).toString('base64')
