import { silentBus } from '../redis/bus.js'
import type { InboundOutcome } from '../relay/inbound.js'
import { auditExport } from '../server/audit-export.js'
import { Credentials } from '../server/credentials.js'
import { didcommOverHttp } from '../server/didcomm.js'
import { DIDCOMM_SOCKETS, DidcommSockets } from '../server/didcomm-ws.js'
import { explorer } from '../server/explorer.js'
import { FailedAttempts } from '../server/failed-attempts.js'
import { graphqlOverHttp } from '../server/graphql-http.js'
import { OperationChecker } from '../server/graphql-operation.js'
import { graphqlOverSse } from '../server/graphql-sse.js'
import { graphqlOverWs } from '../server/graphql-ws.js'
import { Handing } from '../server/handing.js'
import { health } from '../server/health.js'
import { hosted } from '../server/hosted.js'
import { HttpServer, STUDIO_ORIGIN } from '../server/http-server.js'
import { invitations } from '../server/invitations.js'
import { jwksEndpoint } from '../server/jwks.js'
import { Near } from '../server/near.js'
import { hostFinder, originFinder } from '../server/origin.js'
import { rateLimit } from '../server/rate-limit.js'
import { sharedResults } from '../server/shared-results.js'
import { StoreWatch } from '../server/store-watch.js'
import { IMPORTS, transfers } from '../server/transfers.js'
import { openEventStream } from '../streams/event.resolver.js'
import type { Agents } from './agents.js'
import type { Api } from './api.js'
import type { Arrivals } from './arrivals.js'
import type { Foundation } from './foundation.js'
import type { Lifecycle } from './lifecycle.js'
import type { Tenancy } from './tenancy.js'
import type { Ways } from './ways.js'

export type Front = Awaited<ReturnType<typeof makeFront>>

/** How long a turn of the base wallet may last (ms) before its connection is taken to get no answer any more. */
const OWED_MS = 60_000

/** The store answers others, but not what the base wallet, and so all of this instance, waits for. */
class OwedAnswerError extends Error {
  override name = 'OwedAnswerError'
}

/** What listens: every path of the one port. */
export async function makeFront(
  { config, logger, store, storeId, profiles, bus, addressCounters, metrics, neighbours }: Foundation,
  { tenants, tokenKeys, tokens, operators, live, subscriptions, rates, outsideIssuer }: Tenancy,
  { endpoints, returnPaths, post, sender, hosting, gate }: Ways,
  { sessions }: Agents,
  { inbound }: Arrivals,
  { exporter, importer }: Lifecycle,
  { schema, events, auditLog, refusals }: Api,
) {
  const state = { draining: false }
  const host = config.databaseUrl && new URL(config.databaseUrl).host
  const ping = async () => {
    if (profiles.base.turnMs > OWED_MS) throw new OwedAnswerError()
    await store.ping()
  }
  const watch = new StoreWatch(ping, { kind: store.database.kind, host }, logger)
  const limits = { depth: config.queryDepthMax, cost: config.queryCostMax }
  const refused = (origin: string | null) => refusals.noteKey(origin)
  const attempts = new FailedAttempts(addressCounters, config.failedAttemptsMax, () => metrics.countRefusedAttempt())
  const credentials = new Credentials(operators, tokens, config.adminApi, attempts, refused, outsideIssuer)
  const originOf = originFinder(config.trustProxy)
  const hostOf = hostFinder(config.trustProxy)
  const admit = rateLimit(rates)
  const { maxRequestBytes: maxBytes, introspection } = config
  const operations = new OperationChecker({ schema, limits, admit, introspection, logger })
  const openStream: Parameters<typeof graphqlOverSse>[0]['openStream'] = (args, context) =>
    openEventStream(events, subscriptions, args, context)
  const countHanded = () => metrics.countHandedRequest()
  const overHttp = await graphqlOverHttp({
    handing: neighbours && new Handing(neighbours, tenants, countHanded, logger),
    schema,
    credentials,
    limits,
    admit,
    introspection,
    maxBytes,
    originOf,
    logger,
  })
  const streaming = { credentials, live, operations, openStream, subscribe: sharedResults(), maxBytes, originOf }
  const overWs = graphqlOverWs({
    ...streaming,
    operationsMax: config.socketOperationsMax,
    socketsMax: config.graphqlSocketsMax,
    idleMs: config.graphqlSocketIdleMs,
    logger,
  })
  const overSse = graphqlOverSse(streaming)
  const observe = (outcome: InboundOutcome) => metrics.countInbound(outcome)
  if (config.localDelivery) post.near = new Near(inbound, returnPaths, endpoints, config.maxMessageBytes, observe)
  const didcommSockets = new DidcommSockets({
    inbound,
    returns: returnPaths,
    maxBytes: config.maxMessageBytes,
    socketsMax: config.didcommSocketsMax,
    idleMs: config.didcommSocketIdleMs,
    observe,
    reachedBy: (request) => endpoints.reachedAt(hostOf(request), (request.url ?? '').split('?')[0] as string),
  })
  metrics.gauge({
    openWallets: () => sessions.open,
    waitingForWallet: () => sessions.waiting,
    waitingForStore: () => store.waiting,
    outboundPending: () => sender.pending,
    didcommSockets: () => didcommSockets.count,
    graphqlSockets: () => overWs.count(),
    tenants: () => tenants.count(),
    storeUp: () => watch.up,
    redisUp: () => bus.connected,
  })
  const server = new HttpServer({
    host: config.host,
    port: config.port,
    corsOrigins: [...config.corsOrigins, ...(config.studio ? [STUDIO_ORIGIN] : [])],
    routes: [overHttp.route],
    unhurried: IMPORTS,
    // Each is asked in turn: those that are asked for most come first.
    routers: [
      didcommOverHttp(inbound, returnPaths, config.maxMessageBytes, observe, (request) =>
        endpoints.reachedAt(hostOf(request), request.path),
      ),
      explorer(),
      overSse.router,
      overHttp.router,
      health({
        store: () => watch.look(),
        redis: () => (bus === silentBus ? undefined : bus.connected),
        draining: () => state.draining,
        storeId,
      }),
      metrics.router(),
      jwksEndpoint(tokenKeys),
      transfers({ exporter, importer, credentials, originOf, logger }),
      auditExport({ log: auditLog, credentials, rates, gate, originOf, logger }),
      invitations(hosting),
      hosted(hosting),
    ],
    sockets: [
      { paths: /^\/graphql$/, server: overWs.server },
      { paths: DIDCOMM_SOCKETS, server: didcommSockets.server },
    ],
    logger,
  })
  return { state, watch, overHttp, overWs, overSse, didcommSockets, server }
}
