import { randomUUID } from 'node:crypto'
import type { Tenant } from './api.js'
import { CredentialApi, type Issuer } from './credential-api.js'
import { EventStreams, exchangeKey } from './event-streams.js'
import type { Lab } from './lab.js'
import { runWorkers } from './workers.js'

/** A holder and the connections to it, as its issuer and its verifier have them. */
interface Link {
  holder: Tenant
  fromIssuer: string
  fromVerifier: string
}

const REGISTRY_SIZE = 1000
const PREPARING = 4
const WITHIN_S = 120

/**
 * An issuer, a verifier, and holders that are connected to both and accept all by themselves. All of them follow their
 * events, and an operation ends once both sides have been told that it is done.
 */
export class CredentialRing {
  private constructor(
    private readonly api: CredentialApi,
    private readonly streams: EventStreams,
    private readonly issuer: Issuer,
    private readonly verifier: Tenant,
    private readonly links: Link[],
  ) {}

  static async make(lab: Lab, holders: number): Promise<CredentialRing> {
    const api = new CredentialApi(lab.http)
    const create = () => lab.api.createTenant(`bench-${randomUUID()}`)
    const [issuing, verifier] = [await create(), await create()]
    const holding: Tenant[] = []
    await runWorkers(PREPARING, holders, async () => void holding.push(await create()))
    const issuer = await api.makeIssuer(issuing, REGISTRY_SIZE)
    const tenants = [issuing, verifier, ...holding]
    const connections = await EventStreams.ofConnections(lab, tenants)
    const links: Link[] = []
    await runWorkers(PREPARING, holders, async (index) => {
      const holder = holding[index] as Tenant
      await api.acceptAll(holder)
      const { connectionId: fromIssuer } = await lab.connect(issuing, holder, connections.arrivals)
      const { connectionId: fromVerifier } = await lab.connect(verifier, holder, connections.arrivals)
      links.push({ holder, fromIssuer, fromVerifier })
    })
    await connections.close()
    return new CredentialRing(api, await EventStreams.ofExchanges(lab, tenants), issuer, verifier, links)
  }

  /** Issues a credential to one holder after the other. The first waits until there is a revocation registry. */
  async issue(index: number): Promise<void> {
    const { holder, fromIssuer } = this.link(index)
    const thread = await this.api.offer(this.issuer, fromIssuer, `holder ${index}`)
    await this.ended(thread, this.issuer.tenant, holder)
  }

  /** Has one holder after the other prove that it has such a credential; it is to have one. */
  async prove(index: number): Promise<void> {
    const { holder, fromVerifier } = this.link(index)
    const thread = await this.api.requestProof(this.verifier, fromVerifier, this.issuer.definitionId)
    await this.ended(thread, this.verifier, holder)
  }

  close(): Promise<void> {
    return this.streams.close()
  }

  private async ended(thread: string, ...sides: Tenant[]): Promise<void> {
    await Promise.all(sides.map(({ id }) => this.streams.arrivals.until(exchangeKey(id, thread), WITHIN_S)))
  }

  private link(index: number): Link {
    return this.links[index % this.links.length] as Link
  }
}
