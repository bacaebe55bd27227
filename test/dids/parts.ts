import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import type { Fetching } from '../../src/agent/outside-needs.js'
import type { WalletSettings } from '../../src/agent/ports.js'
import type { WalletAgent } from '../../src/agent/wallet-agent.js'
import type { HostedDids } from '../../src/dids/hosted-dids.js'
import type { Hosting } from '../../src/hosting/hosting.js'
import type { Publication } from '../../src/hosting/publication.js'
import type { Profiles } from '../../src/storage/profiles.js'
import type { Unit } from '../../src/storage/unit.js'
import { type Kind, openPlace } from '../storage/places.js'

/** The parts of a gateway that host, on a real store and a real port, without the API above them. */
export interface HostingParts {
  url: string
  /** Requests that came in, by method and path. */
  asked: string[]
  /** How they were answered. */
  statuses: number[]
  hosting: Hosting
  hosted: HostedDids
  profiles: Profiles
  /** Runs a unit of work in a wallet, as the sessions do. */
  transact<T>(tenantId: string, fn: (agent: WalletAgent, unit: Unit) => Promise<T>): Promise<T>
  publish(unit: Unit, publication: Publication): void
  close(): Promise<void>
}

export const TENANTS = ['one', 'two'] as const

const SETTINGS = {
  label: '',
  imageUrl: null,
  eventDispatch: 'DEFAULT',
  keyMode: 'MANAGED',
  settings: {},
  policy: {},
  endpoint: null,
} satisfies WalletSettings

export async function openHosting(kind: Kind): Promise<HostingParts> {
  const place = await openPlace(kind)
  const { AgentFactory } = await import('../../src/agent/agent-factory.js')
  const { AnonCredsWorkers } = await import('../../src/anoncreds/index.js')
  const { OutsideDidResolver } = await import('../../src/agent/did-resolvers.js')
  const { didWebvhResolver } = await import('../../src/agent/did-webvh.js')
  const { resolveHosted } = await import('../../src/agent/hosted-resolution.js')
  const { beganAt, needsOf } = await import('../../src/agent/outside-needs.js')
  const { OutsideResources } = await import('../../src/agent/outside-resources.js')
  const { WalletOwner } = await import('../../src/agent/ports.js')
  const { HostedDids } = await import('../../src/dids/hosted-dids.js')
  const { Hosting } = await import('../../src/hosting/hosting.js')
  const { createGuardedFetch } = await import('../../src/lib/guarded-fetch.js')
  const { createLogger } = await import('../../src/lib/logger.js')
  const { hosted: hostedRouter } = await import('../../src/server/hosted.js')
  const { Profiles } = await import('../../src/storage/profiles.js')

  const profiles = new Profiles(place.store)
  const asked: string[] = []
  const statuses: number[] = []
  const app = express()
  app.use((req, res, next) => {
    asked.push(`${req.method} ${req.url}`)
    res.once('finish', () => statuses.push(res.statusCode))
    next()
  })
  const server = await listen(app)
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const hosting = new Hosting(
    profiles.base,
    () => url,
    new Set(),
    async () => true,
  )
  app.use(hostedRouter(hosting))
  const fetch = createGuardedFetch({ allowLoopback: true })
  const outside = new OutsideDidResolver({
    methods: { webvh: didWebvhResolver(fetch) },
    own: (did) => resolveHosted(hosting, did),
  })
  const publish = (unit: Unit, publication: Publication) => unit.add(hosting.collector, publication)
  const ports = { event() {}, send() {}, route() {}, publish }
  const workers = new AnonCredsWorkers()
  const factory = await AgentFactory.create({
    asksForReturnRoutes: false,
    profileOf: (id) => (id === 'default' ? profiles.base : profiles.of(id)),
    observers: [],
    ports,
    outside,
    anoncreds: { workers, registries: [] },
    resources: new OutsideResources(fetch, hosting, outside),
    endpointsOf: () => [url],
    protocols: [],
    handlers: [],
    routing: { take: async () => undefined, release: async () => {} },
    revocation: { takePlace: async () => undefined, hasPlace: async () => true },
    autoAccept: () => ({ credentials: 'NEVER', proofs: 'NEVER' }),
    pinged() {},
    reported: () => {},
    disclosed: () => {},
    logger: createLogger({ level: 'silent', format: 'json' }),
  })
  const agents = new Map<string, WalletAgent>()
  for (const tenant of TENANTS) {
    await place.store.createProfile(tenant)
    agents.set(tenant, await factory.open(new WalletOwner(tenant, SETTINGS)))
  }
  const transact: HostingParts['transact'] = async (tenantId, fn) => {
    const now = Date.now()
    for (;;) {
      let needs: Fetching[] = []
      const result = await profiles
        .of(tenantId)
        .transact(async (unit) => {
          beganAt(unit, now)
          const done = await Promise.allSettled([fn(agents.get(tenantId) as WalletAgent, unit)])
          needs = needsOf(unit)
          if (needs.length > 0) throw new Error('Documents from outside are needed')
          if (done[0].status === 'rejected') throw done[0].reason
          return { of: done[0].value }
        })
        .catch((error) => {
          if (needs.length === 0) throw error
        })
      if (result) return result.of
      await Promise.all(needs.map((need) => need(true)))
    }
  }
  return {
    url,
    asked,
    statuses,
    hosting,
    hosted: new HostedDids({ transact }, hosting, ports, async () => {}),
    profiles,
    transact,
    publish,
    async close() {
      await factory.shutdown()
      await workers.stop()
      await fetch.close()
      server.close()
      await place.remove()
    },
  }
}

async function listen(app: express.Express): Promise<Server> {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
