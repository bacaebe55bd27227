import { AgentFactory } from '../agent/agent-factory.js'
import { CheqdReader } from '../agent/anoncreds/cheqd-reader.js'
import { CheqdRegistry } from '../agent/anoncreds/cheqd-registry.js'
import { IndyReader } from '../agent/anoncreds/indy-reader.js'
import { IndyRegistry } from '../agent/anoncreds/indy-registry.js'
import { IndyWriter } from '../agent/anoncreds/indy-writer.js'
import { TailsFiles } from '../agent/anoncreds/tails-files.js'
import { WebvhRegistry } from '../agent/anoncreds/webvh-registry.js'
import { CheqdResolvers } from '../agent/cheqd-resolvers.js'
import { didCheqdResolver } from '../agent/did-cheqd.js'
import { didIndyResolver } from '../agent/did-indy.js'
import { OutsideDidResolver } from '../agent/did-resolvers.js'
import { didWebResolver } from '../agent/did-web.js'
import { didWebvhResolver } from '../agent/did-webvh.js'
import { resolveHosted } from '../agent/hosted-resolution.js'
import { OutsideResources } from '../agent/outside-resources.js'
import type { AgentPorts, WalletSettings } from '../agent/ports.js'
import { AnonCredsWorkers } from '../anoncreds/index.js'
import { connectionObserver } from '../connections/connection.view.js'
import { invitationObserver } from '../connections/invitation.view.js'
import { anoncredsObservers } from '../credentials/anoncreds.view.js'
import { credentialObserver } from '../credentials/credential.view.js'
import { credentialExchangeObserver } from '../credentials/credential-exchange.view.js'
import { HostedStatusLists } from '../credentials/hosted-status-lists.js'
import { LedgerObjects } from '../credentials/ledger-objects.js'
import { LedgerRegistryMaker } from '../credentials/ledger-registry-maker.js'
import { LedgerStatusLists } from '../credentials/ledger-status-lists.js'
import { HostedRegistryMaker } from '../credentials/registry-maker.js'
import { RevocationService } from '../credentials/revocation.service.js'
import { didObserver } from '../dids/did.view.js'
import { IndyLedgers } from '../indy/index.js'
import { Mediation } from '../mediation/mediation.js'
import { MEDIATOR_PROTOCOLS } from '../mediation/mediator/mediator.js'
import { endpointsOf, mediatorRules } from '../mediation/mediator/rules.js'
import { requestMediation } from '../mediation/mediators.js'
import { messageObserver } from '../messages/message.view.js'
import { proofExchangeObserver } from '../proofs/proof-exchange.view.js'
import { questionObserver } from '../questions/question.view.js'
import { BASE_PROFILE } from '../storage/store.js'
import { Sessions } from '../tenants/sessions.js'
import { settingsOf } from '../tenants/settings.js'
import { WalletReader } from '../tenants/wallet-reader.js'
import type { Events } from './events.js'
import type { Foundation } from './foundation.js'
import type { Tenancy } from './tenancy.js'
import type { Ways } from './ways.js'

export type Agents = Awaited<ReturnType<typeof makeAgents>>

/** Credo for every wallet: what it reads, what it tells, what computes for it, and who lends it out. */
export async function makeAgents(
  { config, logger, profiles, shared, self, liveness, mark, fetch, urlNow }: Foundation,
  { baseJournal, tenantJournal }: Events,
  { policies, tenants, vault, quotas }: Tenancy,
  { routes, endpoints, returnPaths, links, maySend, report, sender, held, announceHeld, out, hosting }: Ways,
) {
  const ports: AgentPorts = {
    event: (unit, draft) => unit.add(tenantJournal, draft),
    send(unit, { endpoint, to, ...envelope }) {
      if (endpoint !== undefined) return unit.add(out, { endpoint, to, ...envelope })
      return to === undefined ? undefined : held.add(unit, { to, ...envelope })
    },
    route: (unit, keys) => {
      if (unit.profile === BASE_PROFILE) return routes.claim(unit, keys, BASE_PROFILE)
      for (const key of keys) unit.add(routes.collector, key)
    },
    publish: (unit, publication) => unit.add(hosting.collector, publication),
  }
  const domainOf = (tenant: WalletSettings) => endpoints.domainOf(tenant)
  const workers = new AnonCredsWorkers()
  const ledgers = new IndyLedgers({ networks: config.indyNetworks, fetch })
  const indy = config.indyNetworks.length > 0 ? new IndyReader(ledgers) : undefined
  const cheqd = config.cheqdNetworks.length > 0 ? new CheqdResolvers(config.cheqdNetworks, fetch) : undefined
  const outside = new OutsideDidResolver({
    methods: {
      web: didWebResolver(fetch),
      webvh: didWebvhResolver(fetch),
      ...(indy && { indy: didIndyResolver(indy) }),
      ...(cheqd && { cheqd: didCheqdResolver(cheqd) }),
    },
    own: (did) => resolveHosted(hosting, did),
  })
  const resources = new OutsideResources(fetch, hosting, outside)
  const mediation = new Mediation({
    shared,
    profiles,
    ports,
    fetch,
    tell: (unit, draft) => unit.add(unit.profile === BASE_PROFILE ? baseJournal : tenantJournal, draft),
    mark,
    invitation: config.mediatorInvitation,
    fetching: config.mediatorPickup
      ? { self, liveness, isLinked: (wallet, connectionId) => links.isOpenFor(wallet, connectionId) }
      : undefined,
    mediating: {
      paths: returnPaths,
      maySend,
      announce: announceHeld,
      rulesOf: (agent) => mediatorRules(agent, policies, config.baseMediates),
      report,
      sendingBytes: (wallet, connectionId) => sender.bytesFor(wallet, connectionId),
      base: { mediates: config.baseMediates, domain: urlNow },
    },
    logger,
  })
  const tailsFiles = new TailsFiles(hosting.tails, fetch)
  const observers = [
    connectionObserver(
      ports,
      quotas,
      requestMediation,
      (agent, unit, connectionId) => mediation.mediator.connectionRemoved(agent, unit, connectionId),
      (agent, unit, connectionId) => mediation.mediator.connectionRotated(agent, unit, connectionId),
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
      registries: [
        new WebvhRegistry(resources),
        ...(indy ? [new IndyRegistry(indy, logger)] : []),
        ...(cheqd ? [new CheqdRegistry(new CheqdReader(cheqd), logger)] : []),
      ],
      tailsFileService: tailsFiles,
    },
    resources,
    // It needs the sessions, which need the agent.
    revocation: {
      takePlace: (context, definitionId) => revocation.takePlace(context, definitionId),
      hasPlace: (context, definitionId) => revocation.hasPlace(context, definitionId),
    },
    asksForReturnRoutes: config.mediatorPickup,
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
    reported: ({ unit, owner, ...problem }) =>
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'PROBLEM_REPORT',
        payload: problem,
        ...(owner.settings.keyMode === 'UNMANAGED' ? { basePayload: { ...problem, description: null } } : {}),
      }),
    logger,
  })
  const sessions = new Sessions(factory, profiles, tenants, vault, policies, quotas, {
    max: config.sessionsMax,
    idleMs: config.sessionIdleMs,
  })
  mediation.open(sessions)
  const reader = new WalletReader(profiles)
  const writer = new IndyWriter(ledgers, (tenantId, fn) => sessions.transact(tenantId, fn))
  const revocation = new RevocationService({
    sessions,
    profiles,
    reader,
    hosted: {
      maker: new HostedRegistryMaker(sessions, ports, workers, urlNow),
      lists: new HostedStatusLists(sessions, ports, workers, hosting),
    },
    ledger: indy && {
      maker: new LedgerRegistryMaker(sessions, ports, workers, urlNow, indy, writer),
      lists: new LedgerStatusLists(sessions, workers, indy, writer),
    },
    mark,
    logger,
  })
  const indyLedgers = indy && { reader: indy, writer, objects: new LedgerObjects(sessions, indy, writer, workers) }
  return {
    ports,
    domainOf,
    workers,
    ledgers,
    indyLedgers,
    mediation,
    tailsFiles,
    observers,
    factory,
    sessions,
    reader,
    revocation,
  }
}
