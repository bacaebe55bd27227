import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentFactory } from './agent/agent-factory.js'
import { IndyReader } from './agent/anoncreds/indy-reader.js'
import { IndyRegistry } from './agent/anoncreds/indy-registry.js'
import { TailsFiles } from './agent/anoncreds/tails-files.js'
import { WebvhRegistry } from './agent/anoncreds/webvh-registry.js'
import { didIndyResolver } from './agent/did-indy.js'
import { OutsideDidResolver } from './agent/did-resolvers.js'
import { didWebResolver } from './agent/did-web.js'
import { didWebvhResolver } from './agent/did-webvh.js'
import { resolveHosted } from './agent/hosted-resolution.js'
import { OutsideResources } from './agent/outside-resources.js'
import type { AgentPorts, WalletSettings } from './agent/ports.js'
import { AnonCredsWorkers } from './anoncreds/index.js'
import { AuditResolver } from './audit/audit.resolver.js'
import { AuditLog } from './audit/audit-log.js'
import { Refusals } from './audit/refusals.js'
import { type Config, publicUrlOf } from './config/config.js'
import type { Secrets } from './config/secrets.js'
import { ConnectionResolver } from './connections/connection.resolver.js'
import { ConnectionService } from './connections/connection.service.js'
import { connectionObserver } from './connections/connection.view.js'
import { InvitationResolver } from './connections/invitation.resolver.js'
import { InvitationService } from './connections/invitation.service.js'
import { invitationObserver } from './connections/invitation.view.js'
import { PeerResolver } from './connections/peer.resolver.js'
import { PeerService } from './connections/peer.service.js'
import { AnoncredsResolver } from './credentials/anoncreds.resolver.js'
import { AnoncredsService } from './credentials/anoncreds.service.js'
import { anoncredsObservers } from './credentials/anoncreds.view.js'
import { CredentialResolver } from './credentials/credential.resolver.js'
import { CredentialService } from './credentials/credential.service.js'
import { credentialObserver } from './credentials/credential.view.js'
import { CredentialExchangeResolver } from './credentials/credential-exchange.resolver.js'
import { CredentialExchangeService } from './credentials/credential-exchange.service.js'
import { credentialExchangeObserver } from './credentials/credential-exchange.view.js'
import { RegistryMaker } from './credentials/registry-maker.js'
import { RevocationService } from './credentials/revocation.service.js'
import { DidResolver } from './dids/did.resolver.js'
import { DidService } from './dids/did.service.js'
import { didObserver } from './dids/did.view.js'
import { HostedDids } from './dids/hosted-dids.js'
import { BaseFeed, isForBase } from './events/base-feed.js'
import { EventHub } from './events/hub.js'
import { journal, trimLog } from './events/log.js'
import { HostedBelongings } from './hosting/belongings.js'
import { Hosting } from './hosting/hosting.js'
import { IndyLedgers } from './indy/index.js'
import { isLoopbackHost } from './lib/addresses.js'
import { isGatewayError, tenantLocked } from './lib/errors.js'
import { FairGate } from './lib/fair-gate.js'
import { createGuardedFetch } from './lib/guarded-fetch.js'
import { newId } from './lib/ids.js'
import type { Logger } from './lib/logger.js'
import { OneAtATime } from './lib/one-at-a-time.js'
import { Mediation } from './mediation/mediation.js'
import { MEDIATOR_PROTOCOLS } from './mediation/mediator/mediator.js'
import { endpointsOf, mediatorRules } from './mediation/mediator/rules.js'
import { requestMediation } from './mediation/mediators.js'
import { MessageResolver } from './messages/message.resolver.js'
import { MessageService } from './messages/message.service.js'
import { messageObserver } from './messages/message.view.js'
import { OperatorResolver } from './operators/operator.resolver.js'
import { OperatorKeys } from './operators/operator-keys.js'
import { ProofExchangeResolver } from './proofs/proof-exchange.resolver.js'
import { ProofExchangeService } from './proofs/proof-exchange.service.js'
import { proofExchangeObserver } from './proofs/proof-exchange.view.js'
import { QuestionResolver } from './questions/question.resolver.js'
import { QuestionService } from './questions/question.service.js'
import { questionObserver } from './questions/question.view.js'
import { silentBus } from './redis/bus.js'
import { connectInstances } from './redis/instances.js'
import { Carrier } from './relay/carrier.js'
import { Drain } from './relay/drain.js'
import { HeldMessages } from './relay/held.js'
import { Inbound, type InboundOutcome, type Returns } from './relay/inbound.js'
import { outbox } from './relay/outbox.js'
import { Post } from './relay/post.js'
import { Recovery } from './relay/recovery.js'
import { RelayResolver } from './relay/relay.resolver.js'
import { ReturnPaths } from './relay/return-paths.js'
import { Routes } from './relay/routes.js'
import { SealedQueue } from './relay/sealed-queue.js'
import { type DeliveryReport, deliveryDraft, Sender } from './relay/sender.js'
import { TenantQueueResolver } from './relay/tenant-queue.resolver.js'
import { actInTheNameOfViewers } from './server/acting.js'
import { auditExport } from './server/audit-export.js'
import { Credentials } from './server/credentials.js'
import { didcommOverHttp } from './server/didcomm.js'
import { DIDCOMM_SOCKETS, DidcommSockets } from './server/didcomm-ws.js'
import { explorer } from './server/explorer.js'
import { FailedAttempts } from './server/failed-attempts.js'
import { graphqlOverHttp } from './server/graphql-http.js'
import { OperationChecker } from './server/graphql-operation.js'
import { graphqlOverSse } from './server/graphql-sse.js'
import { graphqlOverWs } from './server/graphql-ws.js'
import { health } from './server/health.js'
import { hosted } from './server/hosted.js'
import { HttpServer, STUDIO_ORIGIN } from './server/http-server.js'
import { invitations } from './server/invitations.js'
import { jwksEndpoint } from './server/jwks.js'
import { LiveCredentials } from './server/live-credentials.js'
import { Metrics } from './server/metrics.js'
import { hostFinder, originFinder } from './server/origin.js'
import { rateLimit } from './server/rate-limit.js'
import { OWN_ROUTES } from './server/routes.js'
import { buildGatewaySchema } from './server/schema.js'
import { sharedResults } from './server/shared-results.js'
import { StoreWatch } from './server/store-watch.js'
import { transfers } from './server/transfers.js'
import { takeTurns } from './server/turns.js'
import { readStoreMeta } from './storage/format.js'
import { postgresSchemas, sqliteFiles } from './storage/own-databases.js'
import { OwnStores } from './storage/own-stores.js'
import { Places } from './storage/places.js'
import { Profiles } from './storage/profiles.js'
import { BASE_PROFILE, WalletStore } from './storage/store.js'
import { TravelStores } from './storage/travel-stores.js'
import type { Unit } from './storage/unit.js'
import { EventResolver, openEventStream } from './streams/event.resolver.js'
import { EventService } from './streams/event.service.js'
import { TenantEndpoints } from './tenants/endpoints.js'
import { Exporter } from './tenants/exporter.js'
import { Features } from './tenants/features.js'
import { trimIdempotency } from './tenants/idempotency.js'
import { Importer } from './tenants/importer.js'
import { LockResolver } from './tenants/lock.resolver.js'
import { Mover } from './tenants/mover.js'
import { OutsideIssuer } from './tenants/outside-issuer.js'
import { ownKeyOf } from './tenants/own-key.js'
import { Policies } from './tenants/policy.js'
import { Quotas } from './tenants/quotas.js'
import { Rates } from './tenants/rates.js'
import { Sessions } from './tenants/sessions.js'
import { settingsOf } from './tenants/settings.js'
import { SparePlaces } from './tenants/spare-places.js'
import { Subscriptions } from './tenants/subscriptions.js'
import { TenantResolver } from './tenants/tenant.resolver.js'
import { TenantService } from './tenants/tenant.service.js'
import { existsInUnit, livesInUnit, TenantStore } from './tenants/tenant-store.js'
import { TenantWallets } from './tenants/tenant-wallets.js'
import { trimTickets } from './tenants/tickets.js'
import { TokenKeys } from './tenants/token-keys.js'
import { Tokens } from './tenants/tokens.js'
import { TransferResolver } from './tenants/transfer.resolver.js'
import { UsageResolver } from './tenants/usage.resolver.js'
import { UsageService } from './tenants/usage.service.js'
import { Vault } from './tenants/vault.js'
import { WalletResolver } from './tenants/wallet.resolver.js'
import { WalletReader } from './tenants/wallet-reader.js'

export interface GatewayOptions {
  config: Config
  secrets: Secrets
  logger: Logger
}

export interface Gateway {
  /** @returns where it listens, and where the explorer is */
  start(): Promise<{ url: string; explorerUrl: string }>
  /** Ends streams with a resumable close, lets work in hand finish, and closes everything. */
  stop(): Promise<void>
}

/** How long requests in hand may take once the gateway stops (ms). */
const GRACE_MS = 20_000
/** How long a gateway that stops says that it is not ready before it takes no more requests (ms). */
const UNREADY_MS = 300
/** How often logs and tenants are looked at where no Redis tells of changes (ms). */
const POLL_MS = 500
/** A tenant is looked for work that a crash may leave, until it has left none for this long (ms). */
const QUIET_MS = 30_000
/** How often it is looked at whether the store answers (ms). */
const WATCH_MS = 5000
/** How long a deletion waits for the events of its tenant to be in the base stream (ms). */
const FEED_MS = 2000
const MAINTENANCE_MS = 5 * 60_000
const SECOND_MS = 1000
/** How tenants share the one thread: see bench/README.md for what comes of it. */
const TURNS = { most: 16, share: 1, yieldMs: 100, aboutMs: SECOND_MS, stayMs: 250 }

/** Makes a gateway: the only place where its parts are put together. */
export async function createGateway({ config, secrets, logger }: GatewayOptions): Promise<Gateway> {
  const policies = Policies.create(config.defaultPolicy)

  // 1. The store, and what instances tell each other.
  if (!config.databaseUrl) mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const location = config.databaseUrl
    ? { databaseUrl: config.databaseUrl }
    : { file: join(config.dataDir, 'wallets.db') }
  const { storeKey: key, nextStoreKey: nextKey } = secrets
  const store = await WalletStore.open({ location, key, nextKey, poolSize: config.poolSize })
  const profiles = new Profiles(store)
  const own = new OwnStores(
    store.database.kind === 'sqlite' ? sqliteFiles(join(config.dataDir, 'wallets')) : postgresSchemas(store.database),
  )
  const places = new Places(store, own)
  const meta = await readStoreMeta(profiles.base)
  const { shared } = store
  const { instanceId } = config
  const { bus, hints, counters, addressCounters, openCounts } = connectInstances(config, meta.id, logger)

  // 2. Events.
  const hub = new EventHub()
  hub.announce = (log, seq) => bus.publish('log', { log, seq })
  const baseJournal = journal({
    publish: (log, events) => hub.publish(log, events),
    uncertain: (log) => void hub.look(log),
  })
  const feed = new BaseFeed(profiles, baseJournal, existsInUnit, (tenantIds, error) => {
    const [tenantId, ...others] = tenantIds
    const whose = others.length === 0 ? { tenantId } : { count: tenantIds.length }
    logger.error('Events of tenants wait to be copied to the base stream', { ...whose, error })
  })
  const tenantJournal = journal({
    publish(log, events) {
      hub.publish(log, events)
      feed.push(log, events)
      metrics.countEvents(log, events.length)
    },
    uncertain(log) {
      void hub.look(log)
      void feed.recover(log)
    },
    // What is still to be copied to the base stream must be found after a crash.
    async prepare(drafts, tenantId) {
      if (drafts.some(isForBase)) await recovery.mark(tenantId)
    },
  })

  // 3. Tenants.
  const freshFor = shared ? (bus === silentBus ? SECOND_MS : 2 * SECOND_MS) : undefined
  const tenants = new TenantStore(profiles.base, baseJournal, freshFor, (id) => bus.publish('tenant', { id }))
  tenants.onRead = (id, tenant) => {
    const chosen = tenant?.settings['logLevel'] !== undefined
    logger.setTenantLevel(id, chosen ? settingsOf(tenant).logLevel : null)
  }
  const tokenKeys = await TokenKeys.create(secrets.jwtSecrets, secrets.jwtSigningKeys)
  const tokens = new Tokens(tokenKeys, tenants)
  const operators = new OperatorKeys(profiles.base, secrets, freshFor, (id) => bus.publish('operator', { id }))
  const self = `${instanceId}/${newId()}`
  const vault = new Vault(places, tenants, profiles.base, {
    self,
    storesMax: config.storesMax,
    storeIdleMs: config.sessionIdleMs,
    idleMsOf: (tenant) => settingsOf(tenant).idleTimeout * SECOND_MS,
    mark: (tenantId) => recovery.mark(tenantId),
  })
  profiles.locate = vault.locate
  const live = new LiveCredentials(tokens, tenants, operators)
  const quotas = new Quotas(policies, (limit, tenantId) => metrics.countRefused(limit, tenantId))
  const subscriptions = new Subscriptions(openCounts, tenants, policies, quotas)
  const rates = new Rates(counters, tenants, policies, (limit, tenantId) => metrics.countRefused(limit, tenantId))

  // 4. The relay: ways in and out.
  let publicUrl = config.publicUrl
  const fetch = createGuardedFetch({
    ownUrl: () => publicUrl,
    allow: config.allowAddresses,
    allowLoopback: isLoopbackHost(config.host),
    timeoutMs: config.outboundTimeoutMs,
  })
  const outsideIssuer = OutsideIssuer.of(config, fetch, tenants)
  const routes = new Routes(profiles.base, hints)
  const returnPaths = new ReturnPaths()
  const maySend = async (tenantId: string) =>
    tenantId === BASE_PROFILE || (await tenants.find(tenantId))?.state === 'ACTIVE'
  const reportDelivery = async (unit: Unit, tenantId: string, report: DeliveryReport) => {
    if (tenantId === BASE_PROFILE) return unit.add(baseJournal, deliveryDraft(tenantId, 'BASE', report))
    const tenant = await tenants.find(tenantId)
    unit.add(tenantJournal, deliveryDraft(tenantId, tenant?.eventDispatch ?? 'DEFAULT', report))
  }
  const sender = new Sender({
    instanceId,
    profiles,
    shared,
    carrier: new Carrier(returnPaths, new Post(fetch, config.outboundTimeoutMs)),
    isTold: () => bus.connected,
    exists: async (tenantId) => tenantId === BASE_PROFILE || (await tenants.find(tenantId)) !== undefined,
    maySend,
    giveUpMs: config.outboxGiveUpMs,
    report: reportDelivery,
    logger,
  })
  const held = new HeldMessages({
    profiles,
    paths: returnPaths,
    maySend,
    announce: (tenantId) => bus.publish('held', { tenantId }),
    giveUpMs: config.outboxGiveUpMs,
    report: reportDelivery,
    logger,
  })
  const recovery = new Recovery({
    base: profiles.base,
    instanceId,
    self,
    shared,
    facts: {
      tokens: secrets.fingerprint(meta.id),
      operators: config.adminApi ? secrets.operatorFingerprint(meta.id) : '',
      publicUrl: config.publicUrl ?? '',
    },
    logger,
    async recover(tenantId, isAlive) {
      await vault.forgetDead(tenantId, isAlive)
      const tenant = await tenants.find(tenantId)
      if (tenant?.deleting) return lifecycle.finishDeletion(tenantId)
      // What a locked or suspended tenant has left is taken up as it goes on.
      if (tenant?.state !== 'ACTIVE' || (tenant.keyMode === 'UNMANAGED' && !vault.isUnlocked(tenant))) return
      await goOn(tenantId)
    },
  })
  /** Takes up all that waits for a tenant, or of it. */
  const goOn = async (tenantId: string) => {
    const tenant = await tenants.find(tenantId)
    if (tenant?.state !== 'ACTIVE') return
    await mover.mend(tenant)
    if (tenant.queueing) drain.begin(tenantId)
    sender.release(tenantId)
    await feed.recover(tenantId)
    await hostedDids.finish(tenantId)
    await revocation.goOn(tenantId)
    await mediation.goOn(tenantId)
  }
  const out = outbox({
    instanceId,
    shared,
    mark: (tenantId) => recovery.mark(tenantId),
    uncertain: (tenantId) => sender.takeSoon(tenantId),
    enqueue: (tenantId, messages, lease, alone) => sender.enqueue(tenantId, messages, lease, alone),
    handOver: (tenantId, owner) => {
      bus.publish('outbox', { tenantId, owner })
      sender.watch(tenantId)
    },
  })

  const hosting = new Hosting(profiles.base, () => publicUrl ?? '', OWN_ROUTES, livesInUnit)

  // 5. The agent.
  const ports: AgentPorts = {
    event: (unit, draft) => unit.add(tenantJournal, draft),
    send(unit, { endpoint, to, ...envelope }) {
      if (endpoint !== undefined) unit.add(out, { endpoint, to, ...envelope })
      else if (to !== undefined) held.add(unit, { to, ...envelope })
    },
    route: (unit, keys) => {
      if (unit.profile === BASE_PROFILE) return routes.claim(unit, keys, BASE_PROFILE)
      for (const key of keys) unit.add(routes.collector, key)
    },
    publish: (unit, publication) => unit.add(hosting.collector, publication),
  }
  const endpoints = new TenantEndpoints(tenants, () => publicUrl ?? '')
  const domainOf = (tenant: WalletSettings) => endpoints.domainOf(tenant)
  const workers = new AnonCredsWorkers()
  const ledgers = new IndyLedgers({ networks: config.indyNetworks, fetch })
  const indy = config.indyNetworks.length > 0 ? new IndyReader(ledgers) : undefined
  const outside = new OutsideDidResolver({
    methods: {
      web: didWebResolver(fetch),
      webvh: didWebvhResolver(fetch),
      ...(indy && { indy: didIndyResolver(indy) }),
    },
    own: (did) => resolveHosted(hosting, did),
  })
  const resources = new OutsideResources(fetch, hosting, outside)
  const mediation = new Mediation({
    shared,
    profiles,
    ports,
    outbox: out,
    fetch,
    tell: (unit, draft) => unit.add(unit.profile === BASE_PROFILE ? baseJournal : tenantJournal, draft),
    mark: (tenantId) => recovery.mark(tenantId),
    invitation: config.mediatorInvitation,
    mediating: {
      paths: returnPaths,
      maySend,
      announce: (tenantId) => bus.publish('held', { tenantId }),
      rulesOf: (agent) => mediatorRules(agent, policies),
      report: reportDelivery,
    },
    logger,
  })
  const tailsFiles = new TailsFiles(hosting.tails, fetch)
  const observers = [
    connectionObserver(ports, quotas, requestMediation, (agent, unit, connectionId) =>
      mediation.mediator.connectionRemoved(agent, unit, connectionId),
    ),
    invitationObserver(ports, domainOf),
    messageObserver(ports),
    questionObserver(ports),
    didObserver(ports),
    ...anoncredsObservers(),
    credentialObserver(),
    credentialExchangeObserver(ports),
    proofExchangeObserver(ports),
    mediation.observer,
  ]
  const factory = await AgentFactory.create({
    profileOf: (id) => (id === 'default' ? profiles.base : profiles.of(id)),
    observers,
    handlers: mediation.handlers,
    protocols: MEDIATOR_PROTOCOLS,
    routing: mediation.routing,
    ports,
    outside,
    endpointsOf: (tenant) => endpointsOf(tenant, endpoints.urlOf(tenant)),
    anoncreds: {
      workers,
      registries: [new WebvhRegistry(resources), ...(indy ? [new IndyRegistry(indy, logger)] : [])],
      tailsFileService: tailsFiles,
    },
    resources,
    // What it needs of the sessions, which need the agent, is made below.
    revocation: {
      takePlace: (context, definitionId) => revocation.takePlace(context, definitionId),
      hasPlace: (context, definitionId) => revocation.hasPlace(context, definitionId),
    },
    autoAccept: (settings) => {
      const { autoAcceptCredentials: credentials, autoAcceptProofs: proofs } = settingsOf(settings)
      return { credentials, proofs }
    },
    pinged: ({ unit, owner, connectionId, threadId, direction }) =>
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'PING',
        payload: { connectionId, threadId, direction },
      }),
    disclosed: ({ unit, owner, ...disclosure }) =>
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'DISCOVERY',
        payload: disclosure,
      }),
    reported: ({ unit, owner, ...report }) =>
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'PROBLEM_REPORT',
        payload: report,
        ...(owner.settings.keyMode === 'UNMANAGED' ? { basePayload: { ...report, description: null } } : {}),
      }),
    logger,
  })
  const sessions = new Sessions(factory, profiles, tenants, vault, policies, quotas, {
    max: config.sessionsMax,
    idleMs: config.sessionIdleMs,
  })
  mediation.open(sessions)
  const { deliveries } = mediation.mediator
  const gate = new FairGate(TURNS)
  const queue = new SealedQueue(profiles.base, tenants, baseJournal, (tenant) => {
    const { queueMaxMessages, queueMaxBytes, queueMaxAge } = policies.of(tenant)
    return { messages: queueMaxMessages, bytes: queueMaxBytes, ageMs: queueMaxAge * SECOND_MS }
  })
  const returns: Returns = {
    open(tenantId, route, path) {
      if (!returnPaths.open(tenantId, route, path)) return
      sender.tryNow(tenantId, (message) => returnPaths.find(tenantId, message) !== undefined)
    },
    async fetch(tenantId, { to }, lasting) {
      if (!lasting) await held.fetch(tenantId, to)
      await deliveries.fetch(tenantId, to, lasting)
    },
  }
  const inbound = new Inbound(routes, sessions, tenants, vault, queue, rates, gate, returns, logger)
  const drain = new Drain({
    queue,
    tenants,
    profiles,
    journal: tenantJournal,
    mark: (tenantId) => recovery.mark(tenantId),
    handle: (tenantId, sealed) => gate.use(tenantId, () => inbound.handleSealed(tenantId, sealed)),
    logger,
  })

  // 6. Features.
  const seconds = (ms: number | null) => (ms === null ? null : Math.floor(ms / 1000))
  const life = { standard: seconds(config.tokenTtlMs), longest: seconds(config.tokenTtlMaxMs) }
  const isAlive = (instance: string) => recovery.isAlive(instance)
  const spares = new SparePlaces(profiles.base, places, { self, isAlive }, logger)
  const wallets = new TenantWallets(places, vault, spares)
  const mover = new Mover(
    profiles,
    tenants,
    wallets,
    sessions,
    {
      self,
      shared,
      mark: (tenantId) => recovery.mark(tenantId),
      isAlive,
    },
    logger,
  )
  const lifecycle = new TenantService(tenants, tokens, sessions, profiles, wallets, mover, tenantJournal, life, logger)
  lifecycle.mark = (tenantId) => recovery.mark(tenantId)
  lifecycle.onDeleting = (tenantId) => mediation.farewell.prepare(tenantId)
  lifecycle.withdrawals.push(
    (tenantId) => mediation.farewell.say(tenantId),
    (tenantId) => mediation.withdrawAll(tenantId),
    (tenantId) => routes.withdrawAll(tenantId),
    (tenantId) => hosting.withdrawAll(tenantId),
    async (tenantId) => sender.drop(tenantId),
    (tenantId) => queue.drop(tenantId),
    // What it told the operator last; not for ever, as its wallet may be gone already.
    (tenantId) => Promise.race([feed.recover(tenantId), sleep(FEED_MS)]),
  )
  lifecycle.onRemoving = (unit, tenantId) => feed.forget(unit, tenantId)
  lifecycle.onDeleted = async (tenantId) => {
    sender.drop(tenantId)
    metrics.forget(tenantId)
    await rates.forget(tenantId)
    await recovery.unmark([tenantId])
  }
  const hostedDids = new HostedDids(sessions, hosting, ports, (tenantId) => recovery.mark(tenantId))
  const served = new HostedBelongings(profiles.base, hosting, () => publicUrl ?? '')
  const travelling = new TravelStores(join(config.dataDir, 'travelling'), self, isAlive)
  const exporter = new Exporter(profiles.base, tenants, lifecycle, places, vault, mover, travelling, {
    recipientKeys: (tenantId) => routes.keysOf(tenantId),
    queued: (tenantId, after) => queue.all(tenantId, after),
    served: (tenantId) => served.of(tenantId),
    endpointOf: (tenant) => (tenant.endpoint === null ? null : endpoints.urlOf(tenant)),
    publicUrl: () => publicUrl ?? '',
  })
  const importer = new Importer(
    profiles.base,
    tenants,
    lifecycle,
    wallets,
    travelling,
    {
      observers,
      async arrive(unit, tenantId, { recipientKeys, queue: messages, lastEvent, served: entries, publicUrl: from }) {
        await routes.claim(unit, recipientKeys, tenantId)
        await queue.lay(unit, tenantId, messages)
        feed.beginAfter(unit, tenantId, lastEvent)
        return served.take(unit, tenantId, from, entries)
      },
      parseEndpoint: (endpoint) => endpoints.parse(endpoint),
      mark: (tenantId) => recovery.mark(tenantId),
      goOn: (tenantId) => goOnLogged(tenantId),
    },
    logger,
  )
  const auditLog = new AuditLog(profiles.base)
  const refusals = new Refusals(profiles.base, logger)
  const reader = new WalletReader(profiles)
  const maker = new RegistryMaker(sessions, ports, workers, () => publicUrl ?? '')
  const revocation = new RevocationService({
    sessions,
    profiles,
    reader,
    ports,
    workers,
    maker,
    hosting,
    mark: (tenantId) => recovery.mark(tenantId),
    logger,
  })
  const anoncreds = new AnoncredsService(sessions, reader, ports, workers, revocation)
  const exchanges = new CredentialExchangeService(sessions, reader, anoncreds, revocation, domainOf)
  const features = new Features(tenants, policies)
  const events = new EventService(profiles, hub, tenants, lifecycle, config.eventBuffer)
  const resolvers = [
    new TenantResolver(lifecycle, tenants, tokens, policies, endpoints),
    new LockResolver(lifecycle),
    new WalletResolver(lifecycle, tokens),
    new TransferResolver(exporter, importer, () => publicUrl ?? ''),
    new OperatorResolver(operators),
    new AuditResolver(auditLog),
    new ConnectionResolver(new ConnectionService(sessions, reader)),
    new InvitationResolver(new InvitationService(sessions, reader, fetch, tenants, domainOf)),
    new PeerResolver(new PeerService(sessions)),
    new QuestionResolver(new QuestionService(sessions, reader)),
    new MessageResolver(new MessageService(sessions, reader)),
    new DidResolver(new DidService(sessions, reader, features, hostedDids)),
    new EventResolver(events),
    new RelayResolver(tenants, routes, () => [endpoints.shared]),
    new TenantQueueResolver(queue),
    new UsageResolver(
      new UsageService(tenants, tokens, profiles, rates, subscriptions, (tenantId) => queue.count(tenantId)),
    ),
    new AnoncredsResolver(anoncreds),
    new CredentialExchangeResolver(exchanges),
    new CredentialResolver(new CredentialService(sessions, profiles, reader)),
    new ProofExchangeResolver(new ProofExchangeService(sessions, reader, domainOf)),
    ...mediation.resolvers,
  ]
  const schema = buildGatewaySchema(resolvers, async (viewer, { wallet, feature }) => {
    if (feature) await features.assertOn(viewer.tenantId, feature)
    if (wallet) await vault.admit(viewer.tenantId, ownKeyOf(viewer, tokens))
  })

  actInTheNameOfViewers(schema, refusals)
  takeTurns(schema, gate)

  // 7. The server.
  const metrics = new Metrics({
    openWallets: () => sessions.open,
    waitingForWallet: () => sessions.waiting,
    waitingForStore: () => store.waiting,
    outboundPending: () => sender.pending,
    didcommSockets: () => didcommSockets.count,
    tenants: () => tenants.count(),
    storeUp: () => watch.up,
    redisUp: () => bus.connected,
    perTenant: config.metricsPerTenant,
  })
  const host = config.databaseUrl && new URL(config.databaseUrl).host
  const watch = new StoreWatch(() => store.ping(), { kind: store.database.kind, host }, logger)
  let draining = false
  const limits = { depth: config.queryDepthMax, cost: config.queryCostMax }
  const refused = (origin: string | null) => refusals.noteKey(origin)
  const attempts = new FailedAttempts(addressCounters, config.failedAttemptsMax, () => metrics.countRefusedAttempt())
  const credentials = new Credentials(operators, tokens, config.adminApi, attempts, refused, outsideIssuer)
  const originOf = originFinder(config.trustProxy)
  const hostOf = hostFinder(config.trustProxy)
  const admit = rateLimit(rates)
  const operations = new OperationChecker({ schema, limits, admit, introspection: config.introspection, logger })
  const openStream: Parameters<typeof graphqlOverSse>[0]['openStream'] = (args, context) =>
    openEventStream(events, subscriptions, args, context)
  const overHttp = await graphqlOverHttp({
    schema,
    credentials,
    limits,
    admit,
    introspection: config.introspection,
    maxBytes: config.maxRequestBytes,
    originOf,
    logger,
  })
  const { maxRequestBytes: maxBytes } = config
  const streaming = { credentials, live, operations, openStream, subscribe: sharedResults(), maxBytes, originOf }
  const overWs = graphqlOverWs({ ...streaming, operationsMax: config.socketOperationsMax })
  const observeInbound = (outcome: InboundOutcome) => metrics.countInbound(outcome)
  const didcommSockets = new DidcommSockets({
    inbound,
    returns: returnPaths,
    maxBytes: config.maxMessageBytes,
    socketsMax: config.didcommSocketsMax,
    idleMs: config.didcommSocketIdleMs,
    observe: observeInbound,
    reachedBy: (request) => endpoints.reachedAt(hostOf(request), (request.url ?? '').split('?')[0] as string),
  })
  const server = new HttpServer({
    host: config.host,
    port: config.port,
    corsOrigins: [...config.corsOrigins, ...(config.studio ? [STUDIO_ORIGIN] : [])],
    routers: [
      health({
        store: () => watch.look(),
        redis: () => (bus === silentBus ? undefined : bus.connected),
        draining: () => draining,
        storeId: meta.id,
      }),
      metrics.router(),
      jwksEndpoint(tokenKeys),
      didcommOverHttp(inbound, returnPaths, config.maxMessageBytes, observeInbound, (request) =>
        endpoints.reachedAt(hostOf(request), request.path),
      ),
      transfers({ exporter, importer, credentials, originOf, logger }),
      auditExport({ log: auditLog, credentials, originOf, logger }),
      explorer(),
      graphqlOverSse(streaming),
      overHttp.router,
      invitations(hosting),
      hosted(hosting),
    ],
    sockets: [
      { paths: /^\/graphql$/, server: overWs.server },
      { paths: DIDCOMM_SOCKETS, server: didcommSockets.server },
    ],
    logger,
  })

  // 8. What other instances tell, and what is looked at where none can.
  /** Keeps nothing of a tenant that another instance deletes. */
  const leave = async (tenantId: string) => {
    if (lifecycle.isDeleting(tenantId)) return
    sender.drop(tenantId)
    await sessions.drain(tenantId, async () => profiles.drop(tenantId))
    await routes.leave(tenantId)
    await vault.forget(tenantId)
    // Its wallet is no more than closed by that, and so held.
    sender.drop(tenantId)
    metrics.forget(tenantId)
    await recovery.unmark([tenantId])
  }
  const followTenant = async (tenantId: string) => {
    const isLooked = hub.isFollowed(tenantId) || sessions.isOpen(tenantId) || recovery.hasMarked(tenantId)
    if (!isLooked && !vault.holds(tenantId) && !sender.isHeld(tenantId) && !sender.isSending(tenantId)) return
    const tenant = await tenants.find(tenantId)
    if (!tenant || tenant.deleting) return leave(tenantId)
    if (tenant.state === 'SUSPENDED') void sender.holdIfNotAllowed(tenantId)
    await vault.follow(tenant)
    if (tenant.keyMode === 'UNMANAGED' && !vault.isUnlocked(tenant)) return
    await lifecycle.copyLifecycle(tenant)
    if (tenant.state !== 'ACTIVE') return
    if (sender.isHeld(tenantId)) sender.release(tenantId)
    if (tenant.queueing && tenant.keyMode === 'UNMANAGED') drain.begin(tenantId)
  }
  vault.onLocking = async (tenantId) => {
    await sender.hold(tenantId)
    const tenant = await tenants.find(tenantId)
    // Its last events, while they can still be read.
    if (tenant) await lifecycle.copyLifecycle(tenant).catch(() => {})
    await sessions.drain(tenantId, async () => {})
    await profiles.of(tenantId).still(async () => {})
    hub.end(tenantId, tenantLocked())
  }
  const goOnLogged = (tenantId: string) => {
    goOn(tenantId).catch((error) => {
      logger.warn('What waits for a tenant is taken up later', { tenantId, error })
      if (!isGatewayError(error)) setTimeout(() => goOnLogged(tenantId), SECOND_MS).unref()
    })
  }
  vault.onUnlocked = goOnLogged
  lifecycle.onResumed = goOnLogged
  // A wallet's own log begins with what happened to its tenant before.
  sessions.onOpen = (tenant) =>
    lifecycle.copyLifecycle(tenant).catch((error) => {
      logger.warn('A change of a tenant waits to be told', { tenantId: tenant.id, error })
    })
  // In turn, so that what was found last is what stands.
  const following = new OneAtATime((tenantId) =>
    followTenant(tenantId).catch((error) => {
      logger.warn('A change of a tenant waits to be told', { tenantId, error })
      if (!isGatewayError(error)) setTimeout(() => tenantChanged(tenantId), SECOND_MS).unref()
    }),
  )
  const tenantChanged = (tenantId: string) => {
    endpoints.forget()
    void live.check(tenantId)
    void following.begin(tenantId)
  }
  /** Hands a tenant what waits for it, where it can be taken here. */
  const drainSoon = async (tenantId: string) => {
    const tenant = await tenants.find(tenantId)
    if (tenant?.state !== 'ACTIVE' || !tenant.queueing) return
    if (tenant.keyMode === 'MANAGED' || vault.isUnlocked(tenant)) drain.begin(tenantId)
  }
  sessions.onShrunk = (tenantId) => void drainSoon(tenantId).catch(() => {})
  tenants.onChange = (tenantId) => {
    tenantChanged(tenantId)
    void drainSoon(tenantId).catch(() => {})
  }
  bus.on('log', ({ log, seq }) => hub.wake(log, seq))
  bus.on('tenant', ({ id }) => {
    tenants.forget(id)
    tenantChanged(id)
  })
  operators.onChange = (keyId) => void live.check(keyId)
  bus.on('operator', ({ id }) => {
    operators.forget()
    void live.check(id)
  })
  bus.on('held', ({ tenantId }) => {
    held.look(tenantId)
    deliveries.look(tenantId)
  })
  bus.on('routes', ({ keys }) => routes.forget(keys))
  bus.on('outbox', ({ tenantId, owner }) => {
    if (owner !== instanceId) return
    recovery.mark(tenantId).then(
      () => sender.takeSoon(tenantId),
      (error) => logger.warn('A message of another instance waits', { tenantId, error }),
    )
  })
  const timers: NodeJS.Timeout[] = []
  const every = (ms: number, work: () => Promise<void>, alsoNow = false) => {
    const run = () => void work().catch((error) => logger.warn('A routine task failed', { error }))
    timers.push(setInterval(run, ms).unref())
    if (alsoNow) run()
  }

  return {
    async start() {
      const port = await server.listen()
      publicUrl ??= publicUrlOf(config, port)
      factory.endpoints = [endpoints.shared]
      await lifecycle.finishDeletions()
      await spares.sweep()
      await travelling.sweep()
      await recovery.sweep()
      sender.takeSoon(BASE_PROFILE)
      mediation.start()
      if (shared) {
        every(5 * SECOND_MS, async () => sender.watch(BASE_PROFILE))
        let told = false
        every(POLL_MS, async () => {
          // Once more after a connection has come: what was said just before it was not heard.
          const { connected } = bus
          if (!connected || !told) await hub.poll()
          told = connected
        })
        // An instance that cannot reach Redis says nothing to those that can.
        every(10 * SECOND_MS, async () => {
          await hub.poll()
          await live.checkAll()
        })
        // A tenant that was read may be a second old by then, and revoked tokens are to be out within two.
        every(POLL_MS, async () => {
          if (!bus.connected) await live.checkAll()
        })
        every(SECOND_MS, async () => {
          if (bus.connected) return
          await held.lookAll()
          deliveries.lookAll()
          for (const log of new Set([...hub.followed, ...vault.tenantIds, ...sender.heldIds])) {
            await live.check(log)
            await following.begin(log)
          }
        })
      }
      every(WATCH_MS, async () => void (await watch.look()))
      every(MAINTENANCE_MS, () => auditLog.trim(config.auditRetentionMs), true)
      every(MAINTENANCE_MS, () => refusals.flush())
      every(MAINTENANCE_MS, async () => {
        await store.database.analyze()
        await own.analyze()
        await spares.sweep()
        await travelling.sweep()
        await trimTickets(profiles.base)
        for (const name of [BASE_PROFILE, ...sessions.tenantIds]) {
          await trimLog(profiles.of(name), config.eventRetentionMs)
          await trimIdempotency(profiles.of(name))
          if (name !== BASE_PROFILE) await held.trim(name)
          await mediation.mediator.trim(name)
        }
      })
      every(60 * SECOND_MS, () => lifecycle.noteTokenUse())
      every(60 * SECOND_MS, () => operators.noteUse())
      every(QUIET_MS, () =>
        recovery.unmark(
          recovery
            .quiet(QUIET_MS)
            .filter((id) => !sender.isSending(id) && !feed.isPending(id) && !drain.isDraining(id))
            .filter((id) => !vault.holds(id) && !lifecycle.isDeleting(id))
            .filter((id) => !hostedDids.isPending(id) && !revocation.isBusy(id) && !mediation.isBusy(id)),
        ),
      )
      every(10 * SECOND_MS, () => hostedDids.finishAll())
      logger.info('Ready', { port, instanceId, store: store.database.kind, redis: bus !== silentBus })
      const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
      return { url: config.publicUrl ?? url, explorerUrl: `${config.publicUrl ?? url}/graphql` }
    },
    async stop() {
      draining = true
      server.leave()
      for (const timer of timers) clearInterval(timer)
      await Promise.all([overWs.stop(), didcommSockets.stop()])
      // Time for whoever asks whether it is ready to hear that it is not.
      await sleep(UNREADY_MS)
      await server.close(GRACE_MS)
      await overHttp.stop()
      await drain.stop()
      await revocation.stop()
      await mediation.stop()
      await sender.stop()
      await held.stop()
      await feed.idle()
      subscriptions.close()
      await sessions.close()
      await vault.close()
      await travelling.close()
      await lifecycle.noteTokenUse()
      await operators.noteUse()
      await refusals.flush(true)
      await recovery.unmark(
        recovery.quiet(0).filter((id) => !sender.isSending(id) && !hostedDids.isPending(id) && !revocation.isBusy(id)),
      )
      await recovery.stop()
      await factory.shutdown()
      await workers.stop()
      await ledgers.stop()
      await tailsFiles.stop()
      await bus.close()
      await fetch.close()
      await store.close()
    },
  }
}
