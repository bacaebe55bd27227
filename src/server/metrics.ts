import { Router } from 'express'
import { type Aggregator, Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { InboundOutcome } from '../relay/inbound.js'
import { metricsOfAll } from './metrics-of-all.js'

export interface MetricSources {
  openWallets: () => number
  waitingForWallet: () => number
  waitingForStore: () => number
  outboundPending: () => number
  didcommSockets: () => number
  graphqlSockets: () => number
  tenants: () => Promise<number>
  storeUp: () => boolean
  redisUp: () => boolean
}

/** `GET /metrics` for Prometheus. A series of a tenant's is there only where it is switched on, and has its id only. */
export class Metrics {
  private readonly registry = new Registry()
  private readonly inbound: Counter<'outcome'>
  private readonly handed: Counter
  private readonly handedRequests: Counter
  private readonly refused: Counter<'limit' | 'tenant'>
  /** The limits that have refused anything so far. */
  private readonly limits = new Set<string>()
  private readonly events: Counter<'tenant'> | undefined

  /** @param perTenant whether there may be series with a tenant's id */
  constructor(private readonly perTenant: boolean) {
    collectDefaultMetrics({ register: this.registry })
    const registers = [this.registry]
    this.inbound = new Counter({
      name: 'tenantry_inbound_messages_total',
      help: 'Inbound DIDComm messages, by what became of them',
      labelNames: ['outcome'],
      registers,
    })
    this.handed = new Counter({
      name: 'tenantry_inbound_handed_total',
      help: 'Of those, what came to another worker than the one that its wallet is at home with, which has handled it',
      registers,
    })
    this.handedRequests = new Counter({
      name: 'tenantry_requests_handed_total',
      help: 'Mutations that came to another worker than the one that their wallet is at home with, which has done them',
      registers,
    })
    this.refused = new Counter({
      name: 'tenantry_refused_total',
      help: 'What limits have refused: by the key of the policy, and failedAttempts of addresses',
      labelNames: this.perTenant ? ['limit', 'tenant'] : ['limit'],
      registers,
    })
    if (this.perTenant) {
      this.events = new Counter({
        name: 'tenantry_tenant_events_total',
        help: 'Events written, by tenant',
        labelNames: ['tenant'],
        registers,
      })
    }
  }

  /** Reads these whenever it is asked. */
  gauge(sources: MetricSources): void {
    const registers = [this.registry]
    /** `aggregator`: what the values of several workers come to. */
    const gauge = (name: string, help: string, read: () => number | Promise<number>, aggregator: Aggregator = 'sum') =>
      new Gauge({
        name,
        help,
        registers,
        aggregator,
        async collect() {
          // Metrics are asked for most when the store is away: what it knows then has no value, and all others have.
          this.set(await Promise.resolve(read()).catch(() => Number.NaN))
        },
      })
    gauge('tenantry_open_wallets', 'Wallets that are open', sources.openWallets)
    gauge('tenantry_wallet_queue', 'Requests that wait for a wallet to be lent', sources.waitingForWallet)
    gauge('tenantry_store_queue', 'Sessions that wait for a connection to the store', sources.waitingForStore)
    gauge('tenantry_outbound_pending', 'Outbound messages that wait or are under way here', sources.outboundPending)
    gauge('tenantry_didcomm_sockets', 'WebSockets for DIDComm that are open', sources.didcommSockets)
    gauge('tenantry_graphql_sockets', 'WebSockets for GraphQL that are open', sources.graphqlSockets)
    gauge(
      'tenantry_tenants',
      'Tenants of this gateway',
      async () => (sources.storeUp() ? sources.tenants() : Number.NaN),
      'first',
    )
    gauge('tenantry_store_up', 'Whether the store answers: 1 or 0', () => Number(sources.storeUp()), 'min')
    gauge(
      'tenantry_redis_up',
      'Whether Redis is connected: 1 or 0, also 0 without one',
      () => Number(sources.redisUp()),
      'min',
    )
    gauge('tenantry_processes', 'Gateway processes that these figures are of', () => 1)
  }

  countInbound(outcome: InboundOutcome): void {
    this.inbound.inc({ outcome })
  }

  /** A message was delivered by the worker that its wallet is at home with, which has not taken it itself. */
  countHanded(): void {
    this.handed.inc()
  }

  /** A mutation was done by the worker that its wallet is at home with. */
  countHandedRequest(): void {
    this.handedRequests.inc()
  }

  /** A limit of a tenant's policy has refused something. */
  countRefused(limit: string, tenantId: string): void {
    this.limits.add(limit)
    this.refused.inc(this.perTenant ? { limit, tenant: tenantId } : { limit })
  }

  /** An address that has sent too much that does not hold has to wait. */
  countRefusedAttempt(): void {
    this.refused.inc(this.perTenant ? { limit: 'failedAttempts', tenant: '' } : { limit: 'failedAttempts' })
  }

  countEvents(tenantId: string, count: number): void {
    this.events?.inc({ tenant: tenantId }, count)
  }

  /** Ends the series of a tenant that is gone. */
  forget(tenantId: string): void {
    if (!this.perTenant) return
    this.events?.remove({ tenant: tenantId })
    for (const limit of this.limits) this.refused.remove({ limit, tenant: tenantId })
  }

  router(): Router {
    const router = Router()
    const metrics = metricsOfAll(this.registry)
    router.get('/metrics', async (_req, res) => {
      const text = await metrics()
      if (text === undefined) return void res.status(503).type('text').send('A worker does not answer.\n')
      res.type(this.registry.contentType).send(text)
    })
    return router
  }
}
