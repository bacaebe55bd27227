import { keyOfDid, Peer, type Plaintext } from '../../bench/peer.js'
import { ApiClient, type TestTenant } from '../support/client.js'
import { freshStore, startGateway } from '../support/gateway.js'
import { TestMediator } from '../support/mediator.js'
import { eventually, invite } from '../support/talk.js'
import { defaultOf, serviceOf } from './mediation-api.js'
import { withoutAddress } from './without-address.js'

/** A gateway without an address behind a stock mediator, granted by it, and all that goes with it. */
export async function behindStock(mediation: Record<string, string>, env: Record<string, string> = {}) {
  const stock = await TestMediator.start(mediation)
  const store = await freshStore('sqlite')
  const { settings, url } = await withoutAddress({ MEDIATOR_INVITATION: stock.invitation, ...env })
  const gateway = await startGateway(store, settings)
  await eventually(() => defaultOf(ApiClient.operator(url)))
  return {
    stock,
    url,
    gateway,
    async remove() {
      await gateway.stop()
      await Promise.all([store.remove(), stock.remove()])
    },
  }
}

/** Somebody who knows an invitation of a tenant's, and so can have its mediator forward anything. */
export class Stranger {
  private constructor(
    readonly peer: Peer,
    readonly invitationId: string,
    private readonly endpoint: string,
    private readonly routingKey: string,
    private readonly to: string,
  ) {}

  static async of(tenant: TestTenant): Promise<Stranger> {
    const { message } = await invite(tenant)
    const { serviceEndpoint, routingKeys, recipientKeys } = serviceOf(message)
    const [routingKey, to] = [keyOfDid(routingKeys[0] ?? ''), keyOfDid(recipientKeys[0] ?? '')]
    const { '@id': id } = message as { '@id': string }
    return new Stranger(await Peer.create(''), id, serviceEndpoint, routingKey, to)
  }

  /** Has the mediator forward something. */
  async forward(msg: unknown): Promise<void> {
    const forward = { '@type': 'https://didcomm.org/routing/1.0/forward', '@id': 'a-forward', to: this.to, msg }
    const headers = { 'content-type': 'application/didcomm-envelope-enc' }
    const body = new Uint8Array(this.peer.pack(forward, this.routingKey))
    const response = await fetch(this.endpoint, { method: 'POST', headers, body })
    if (!response.ok) throw new Error(`The mediator answered ${response.status}`)
  }

  /** Seals a message for the tenant. */
  seal(message: Plaintext): unknown {
    return JSON.parse(this.peer.pack(message, this.to).toString())
  }
}
