import { randomUUID } from 'node:crypto'
import { Api, type Tenant } from './api.js'
import type { Arrivals } from './arrivals.js'
import type { Backing } from './backing.js'
import { HttpClient } from './client.js'
import { connectionKey, EventStreams } from './event-streams.js'
import { GatewayProcess } from './gateway-process.js'
import { Meter, type Stretches } from './meter.js'
import { keyOfDid, Peer } from './peer.js'
import { PeerServer } from './peer-server.js'
import { runWorkers, within } from './workers.js'

/** Two tenants with a connection between them. */
export interface Pair {
  sender: Tenant
  /** The sender's. */
  connectionId: string
  receiver: Tenant
}

/** An outside agent with a connection to a tenant. */
export interface ConnectedPeer {
  peer: Peer
  tenant: Tenant
  /** What the tenant receives by, on this connection. */
  recipientKey: string
}

const HANDSHAKE_WITHIN_S = 20
/** At once, where what a scenario needs is made beforehand. */
const PREPARING = 4

/** A gateway under measurement, and what has been made in it so far: scenarios share it and add what they lack. */
export class Lab {
  readonly gateway: GatewayProcess
  readonly meter: Meter
  /** Seconds of the very first start, on nothing. */
  firstStart = 0
  readonly tenants: Tenant[] = []
  readonly pairs: Pair[] = []
  private readonly connectedPeers: ConnectedPeer[] = []
  private client: HttpClient | undefined
  private peerServer: PeerServer | undefined

  /** `settings`: of the gateway, beside those of its stores. */
  constructor(
    readonly backing: Backing,
    settings: Record<string, string> = {},
  ) {
    this.gateway = new GatewayProcess({ ...settings, ...backing.settings })
    this.meter = new Meter(
      () => this.gateway.pid,
      backing,
      () => this.stretches(),
    )
  }

  async start(): Promise<void> {
    this.firstStart = await this.gateway.start()
  }

  /** Stops the gateway and starts it again on the same data; gives the seconds until it was ready. */
  async restart(): Promise<number> {
    await this.client?.close()
    this.client = undefined
    await this.gateway.stop()
    return this.gateway.start()
  }

  get http(): HttpClient {
    this.client ??= new HttpClient(this.gateway.url)
    return this.client
  }

  get api(): Api {
    return new Api(this.http, this.gateway.operatorKey)
  }

  /** What the main thread was busy at since this was last asked; of several workers the worst. */
  private async stretches(): Promise<Stretches> {
    const metrics = await this.http.metrics()
    const seconds = (name: string) => metrics.get(`nodejs_eventloop_lag_${name}_seconds`) ?? Number.NaN
    return { max: seconds('max'), p99: seconds('p99') }
  }

  async addTenant(): Promise<void> {
    this.tenants.push(await this.api.createTenant(`bench-${randomUUID()}`))
  }

  /** The first `count` tenants, made where there are fewer. */
  async someTenants(count: number): Promise<Tenant[]> {
    await runWorkers(PREPARING, Math.max(0, count - this.tenants.length), () => this.addTenant())
    return this.tenants.slice(0, count)
  }

  /** Tenant by number; the numbers go round. */
  tenant(index: number): Tenant {
    return this.tenants[index % this.tenants.length] as Tenant
  }

  /** A handshake whose two tenants are a pair for other scenarios from then on. */
  async addPair(sender: Tenant, receiver: Tenant, arrivals: Arrivals): Promise<void> {
    this.pairs.push(await this.connect(sender, receiver, arrivals))
  }

  /**
   * A handshake: the receiver invites the sender, until both streams said COMPLETED.
   *
   * @throws Error where that takes longer than 20 s
   */
  async connect(sender: Tenant, receiver: Tenant, arrivals: Arrivals): Promise<Pair> {
    const invitation = await this.api.createInvitation(receiver)
    const { connectionId, invitationId } = await this.api.receiveInvitation(sender, invitation)
    await arrivals.until(connectionKey(sender.id, invitationId), HANDSHAKE_WITHIN_S)
    await arrivals.until(connectionKey(receiver.id, invitation.id), HANDSHAKE_WITHIN_S)
    return { sender, connectionId, receiver }
  }

  /** The first `count` pairs, each of two tenants of their own, connected where they are not. */
  async somePairs(count: number): Promise<Pair[]> {
    const missing = count - this.pairs.length
    if (missing > 0) {
      const first = 2 * this.pairs.length
      const tenants = (await this.someTenants(2 * count)).slice(first)
      const streams = await EventStreams.ofConnections(this, tenants)
      try {
        await runWorkers(PREPARING, missing, (index) =>
          this.addPair(this.tenant(first + 2 * index), this.tenant(first + 2 * index + 1), streams.arrivals),
        )
      } finally {
        await streams.close()
      }
    }
    return this.pairs.slice(0, count)
  }

  /** One outside peer for each of the first `count` tenants. */
  async peers(count: number): Promise<ConnectedPeer[]> {
    this.peerServer ??= await PeerServer.listen()
    const tenants = await this.someTenants(count)
    for (const tenant of tenants.slice(this.connectedPeers.length)) {
      this.connectedPeers.push(await this.connectPeer(tenant, this.peerServer))
    }
    return this.connectedPeers.slice(0, count)
  }

  private async connectPeer(tenant: Tenant, server: PeerServer): Promise<ConnectedPeer> {
    const { url, firstEnvelope } = server.endpoint(randomUUID())
    const peer = await Peer.create(url)
    const { message } = await this.api.createInvitation(tenant)
    const [service] = message.services
    const invitationKey = typeof service === 'object' ? service.recipientKeys[0] : service
    if (!invitationKey) throw new Error('The invitation has no recipient key')
    await this.http.didcomm(peer.pack(peer.connectionRequest(message['@id']), keyOfDid(invitationKey)))
    const response = await within(HANDSHAKE_WITHIN_S, 'the connection response', firstEnvelope)
    const recipientKey = peer.senderOf(response)
    await this.http.didcomm(peer.pack(peer.trustPing(), recipientKey))
    return { peer, tenant, recipientKey }
  }

  async dispose(): Promise<void> {
    await this.client?.close()
    await this.gateway.dispose()
    await this.peerServer?.close()
  }
}
