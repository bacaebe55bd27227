import { randomUUID } from 'node:crypto'
import { keyOfDid, Peer, type Plaintext } from '../../bench/peer.js'
import type { TestTenant } from '../support/client.js'
import { asking, MobilePeer } from '../transports/mobile-peer.js'

const MEDIATION = 'https://didcomm.org/coordinate-mediation/1.0'
const PICKUP = 'https://didcomm.org/messagepickup'

export interface Update {
  recipient_key: string
  action: 'add' | 'remove'
}

interface Attachment {
  '@id': string
  data: { json: object }
}

/** An agent without an endpoint that a tenant mediates for, which speaks the protocols by hand. */
export class EdgeAgent {
  /** What was granted to it: where its messages go, and the key (base58) that they are wrapped for. */
  endpoint = ''
  routingKey = ''

  private constructor(
    readonly phone: MobilePeer,
    /** Whom its messages are sealed for; not the key that it talks to its mediator by. */
    readonly inbox: Peer,
  ) {}

  /** Connects to a tenant, with nothing asked for yet. */
  static async connectTo(tenant: TestTenant, url?: string, endpoint?: string): Promise<EdgeAgent> {
    return new EdgeAgent(
      await MobilePeer.connectTo(tenant, url, endpoint),
      await Peer.create('didcomm:transport/queue'),
    )
  }

  /** Connects, is granted mediation, and says by which key it is reached. */
  static async mediatedBy(tenant: TestTenant, url?: string, endpoint?: string): Promise<EdgeAgent> {
    const edge = await EdgeAgent.connectTo(tenant, url, endpoint)
    await edge.askForMediation()
    await edge.update([{ recipient_key: edge.inbox.verkey, action: 'add' }])
    return edge
  }

  /** Sends a message by its socket, and takes the next that comes. */
  async ask(message: Plaintext): Promise<Plaintext> {
    this.phone.socket?.send(this.phone.pack(asking(message)))
    return this.phone.next()
  }

  async askForMediation(): Promise<Plaintext> {
    const answer = await this.ask({ '@type': `${MEDIATION}/mediate-request`, '@id': randomUUID() })
    if (answer['@type'].endsWith('/mediate-grant')) {
      this.endpoint = String(answer['endpoint'])
      this.routingKey = keyOfDid((answer['routing_keys'] as string[])[0] ?? '')
    }
    return answer
  }

  /** @returns what became of each key */
  async update(updates: Update[]): Promise<string[]> {
    const answer = await this.ask({ '@type': `${MEDIATION}/keylist-update`, '@id': randomUUID(), updates })
    return (answer['updated'] as { result: string }[]).map(({ result }) => result)
  }

  statusRequest = (): Plaintext => ({ '@type': `${PICKUP}/2.0/status-request`, '@id': randomUUID() })
  deliveryRequest = (limit = 10): Plaintext => ({
    '@type': `${PICKUP}/2.0/delivery-request`,
    '@id': randomUUID(),
    limit,
  })
  batchPickup = (size = 10): Plaintext => ({
    '@type': `${PICKUP}/1.0/batch-pickup`,
    '@id': randomUUID(),
    batch_size: size,
  })
  received = (ids: string[]): Plaintext => ({
    '@type': `${PICKUP}/2.0/messages-received`,
    '@id': randomUUID(),
    message_id_list: ids,
  })
  liveDelivery = (on: boolean): Plaintext => ({
    '@type': `${PICKUP}/2.0/live-delivery-change`,
    '@id': randomUUID(),
    live_delivery: on,
  })

  /** Posts a message. @returns the answer in the response, if there is one */
  async post(message: Plaintext, url?: string): Promise<Plaintext | undefined> {
    const response = await this.phone.post(this.phone.pack(asking(message)), {}, url)
    const body = Buffer.from(await response.arrayBuffer())
    return body.byteLength > 0 ? this.phone.peer.open(body) : undefined
  }

  /** How many messages its mediator has for it. */
  async waiting(): Promise<number> {
    return Number((await this.ask(this.statusRequest()))['message_count'])
  }

  /** What a delivery or a batch has brought, opened, with the ids. */
  opened(message: Plaintext): { id: string; content: unknown }[] {
    const attached = message['~attach'] as Attachment[] | undefined
    const parts = attached
      ? attached.map((part) => ({ id: part['@id'], envelope: part.data.json }))
      : (message['messages~attach'] as { id: string; message: object }[]).map((part) => ({
          id: part.id,
          envelope: part.message,
        }))
    return parts.map(({ id, envelope }) => ({
      id,
      content: this.inbox.open(Buffer.from(JSON.stringify(envelope)))['content'],
    }))
  }

  /** An envelope of somebody else's for this agent, as its mediator is to forward it. */
  forwarded(sender: Peer, content: string): Buffer {
    return this.wrapped(sender, JSON.parse(sender.pack(sender.basicMessage(content), this.inbox.verkey).toString()))
  }

  /** Anything, wrapped for its mediator. */
  wrapped(sender: Peer, msg: unknown, to = this.inbox.verkey): Buffer {
    const forward = { '@type': 'https://didcomm.org/routing/1.0/forward', '@id': randomUUID(), to, msg }
    return sender.pack(forward, this.routingKey)
  }

  /** Connects anew, and leaves what was open. */
  async reconnect(url?: string): Promise<void> {
    await this.phone.close()
    await this.phone.open(url)
  }

  close(): Promise<unknown> {
    return this.phone.close()
  }
}

export async function postTo(endpoint: string, envelope: Buffer | string): Promise<number> {
  const headers = { 'content-type': 'application/didcomm-envelope-enc' }
  const response = await fetch(endpoint, { method: 'POST', headers, body: new Uint8Array(Buffer.from(envelope)) })
  await response.arrayBuffer()
  return response.status
}
