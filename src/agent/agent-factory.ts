import { EventEmitter } from 'node:events'
import './kept-decorators.js'
import './kept-rules.js'
import './linear-patterns.js'
import { AskarStoreManager } from '@credo-ts/askar'
import {
  Agent,
  AgentConfig,
  AgentContext,
  type AgentContextProvider,
  CacheModule,
  type DependencyManager,
  DidsModule,
  InjectionSymbols,
  JwkDidRegistrar,
  JwsService,
  KeyDidRegistrar,
  Kms,
  type Module,
  PeerDidRegistrar,
  StorageUpdateService,
  UpdateAssistant,
} from '@credo-ts/core'
import {
  DidCommConnectionService,
  DidCommCredentialsModuleConfig,
  type DidCommDiscoverFeaturesDisclosureReceivedEvent,
  DidCommDiscoverFeaturesEventTypes,
  DidCommDocumentService,
  DidCommEnvelopeService,
  DidCommFeatureRegistry,
  type DidCommMessageHandler,
  DidCommMessageHandlerRegistry,
  DidCommModule,
  DidCommModuleConfig,
  DidCommProofExchangeRepository,
  DidCommProofsModuleConfig,
  type DidCommProtocol,
  DidCommRoutingService,
  DidCommTrustPingEventTypes,
  type DidCommTrustPingReceivedEvent,
  DidExchangeProtocol,
} from '@credo-ts/didcomm'
import { QuestionAnswerModule } from '@credo-ts/question-answer'
import { WebSocket } from 'ws'
import type { Logger } from '../lib/logger.js'
import type { Profile } from '../storage/profile.js'
import { currentUnit, type Unit } from '../storage/unit.js'
import { type AnonCredsOptions, WorkersAnonCredsModule } from './anoncreds/module.js'
import { AttachmentSignatures } from './attachment-signatures.js'
import { WalletCache } from './cache.js'
import { ConnectionRefusedHandler, refuseByUsedInvitation } from './connection-refusal.js'
import { WalletConnectionService } from './connection-service.js'
import { CredoLogger } from './credo-logger.js'
import { WalletDidExchange } from './did-exchange.js'
import {
  CachedPeerDidResolver,
  type OutsideDidResolver,
  PlainJwkDidResolver,
  PlainKeyDidResolver,
} from './did-resolvers.js'
import { WalletEnvelopeService } from './envelope-service.js'
import type { RevocationPort } from './exchanges/credential-format.js'
import { NotedProofs } from './exchanges/noted-proofs.js'
import {
  type AutoAcceptChoices,
  type ExchangeProtocols,
  exchangeProtocols,
  walletExchangeConfigs,
} from './exchanges/protocols.js'
import { NoFileSystem } from './file-system.js'
import { offlineCredentialsModule } from './json-ld.js'
import { WalletKeyManagementService } from './key-management.js'
import {
  discloseWhatIsOn,
  ignoreLateReports,
  ignorePendingAcks,
  refuseWhatHasExpired,
  refuseWhatIsNotOfBase,
  refuseWhatIsOff,
  undoFailedHandling,
} from './message-middleware.js'
import { OutboxTransport, QueueForOutbox } from './outbox-transport.js'
import { OutsideResources } from './outside-resources.js'
import { PeerServices } from './peer-services.js'
import { type AgentPorts, type RecordObserver, WalletOwner, type WalletSettings } from './ports.js'
import { type ProblemReport, ProblemReportHandler } from './problem-reports.js'
import { noteReturnRoute, ReturnRouteRule } from './return-route.js'
import { type RoutingPort, WalletRoutingService } from './routing-service.js'
import { UnitStorageService } from './storage-service.js'
import { UnitStoreManager } from './store-manager.js'
import { WalletAgent } from './wallet-agent.js'
import { WalletBoxes } from './wallet-boxes.js'
import { Wallets } from './wallets.js'

export interface AgentFactoryOptions {
  /** The profile of a tenant by its id, or the base wallet's for `default`. */
  profileOf: (contextCorrelationId: string) => Profile
  observers: RecordObserver[]
  ports: AgentPorts
  outside: OutsideDidResolver
  anoncreds: AnonCredsOptions
  resources: OutsideResources
  /** Where peers reach a tenant, as its invitations and DID documents name it. */
  endpointsOf: (settings: WalletSettings) => string[]
  /** Whether messages may ask for answers by the way that they go. */
  asksForReturnRoutes: boolean
  /** A trust ping, or the answer to one, came in; called within the unit of work that handles it. */
  pinged: (ping: Ping) => void
  /** Another agent has reported a problem; likewise. */
  reported: (report: ProblemReport) => void
  /** Another agent has told what it can do; likewise. */
  disclosed: (disclosure: Disclosure) => void
  revocation: RevocationPort
  /** Handlers of messages that Credo leaves to us, and what agents that ask are told of them. */
  handlers: DidCommMessageHandler[]
  protocols: DidCommProtocol[]
  /** Where new keys of a wallet are reached. */
  routing: RoutingPort
  /** Which steps of exchanges a tenant lets go on by themselves. */
  autoAccept: (settings: WalletSettings) => ReturnType<AutoAcceptChoices>
  logger: Logger
}

export interface Ping {
  unit: Unit
  owner: WalletOwner
  connectionId: string
  threadId: string
  direction: 'PING_RECEIVED' | 'RESPONSE_RECEIVED'
}

/** What another agent says that it can do (Aries RFC 0557). */
export interface Disclosure {
  unit: Unit
  owner: WalletOwner
  connectionId: string
  threadId: string
  features: { type: string; id: string; roles: string[] }[]
}

/**
 * Credo, assembled once: one root agent on the base wallet holds what all wallets share, and each tenant's wallet is a
 * child context of it with its own configuration and owner.
 */
export class AgentFactory {
  private constructor(
    private readonly root: Agent,
    private readonly contexts: OpenContexts,
    private readonly protocols: ExchangeProtocols,
    private readonly options: AgentFactoryOptions,
  ) {}

  static async create(options: AgentFactoryOptions): Promise<AgentFactory> {
    const wallets = new Wallets(options.profileOf)
    const contexts = new OpenContexts()
    const protocols = exchangeProtocols(options.revocation)
    const transport = new OutboxTransport(options.ports)
    const root = new Agent({
      config: { logger: new CredoLogger(options.logger), allowInsecureHttpUrls: true },
      dependencies: {
        FileSystem: NoFileSystem,
        EventEmitterClass: EventEmitter,
        WebSocketClass: WebSocket as never,
        fetch: refuseFetch,
      },
      modules: {
        didcomm: new DidCommModule({
          transports: { outbound: [transport] },
          queueTransportRepository: new QueueForOutbox(transport),
          credentials: { credentialProtocols: [...protocols.credentials] },
          proofs: { proofProtocols: [...protocols.proofs] },
          mediator: false,
          mediationRecipient: false,
          messagePickup: false,
        }),
        dids: new DidsModule({
          resolvers: [
            new PlainKeyDidResolver(),
            new PlainJwkDidResolver(),
            new CachedPeerDidResolver(),
            options.outside,
          ],
          registrars: [new KeyDidRegistrar(), new PeerDidRegistrar(), new JwkDidRegistrar()],
        }),
        anoncreds: new WorkersAnonCredsModule(options.anoncreds),
        w3cCredentials: offlineCredentialsModule(),
        questionAnswer: new QuestionAnswerModule(),
        cache: new CacheModule({ cache: new WalletCache() }),
        // Last, so that what it registers stands.
        wallet: new WalletModule(wallets, contexts, options),
      },
    })
    contexts.add(root.context)
    const handlers = root.context.resolve(DidCommMessageHandlerRegistry)
    for (const middleware of [
      noteReturnRoute,
      refuseWhatIsNotOfBase,
      refuseWhatIsOff,
      refuseWhatHasExpired,
      discloseWhatIsOn,
      ignoreLateReports,
      ignorePendingAcks,
      undoFailedHandling,
      refuseByUsedInvitation,
    ])
      handlers.registerMessageHandlerMiddleware(middleware)
    handlers.registerMessageHandlers([
      new ConnectionRefusedHandler(),
      new ProblemReportHandler(options.reported),
      ...options.handlers,
    ])
    root.context.resolve(DidCommFeatureRegistry).register(...options.protocols)
    const storage = root.context.resolve(StorageUpdateService)
    // In one unit: of instances that begin a store at once, one writes it and the others find it.
    await options.profileOf(root.context.contextCorrelationId).transact(async (unit) => {
      if (await unit.fetch('StorageVersionRecord', STORAGE_VERSION_ID)) return
      await storage.setCurrentStorageVersion(root.context, UpdateAssistant.frameworkStorageVersion)
    })
    /** Whose wallet an event of Credo's is about, and in which unit of work. */
    const placeOf = (contextCorrelationId: string) => {
      const unit = currentUnit()
      const context = contexts.find(contextCorrelationId)
      if (!unit || !context?.dependencyManager.isRegistered(WalletOwner)) return undefined
      return { unit, owner: context.resolve(WalletOwner) }
    }
    const listen = (type: DidCommTrustPingEventTypes, direction: Ping['direction']) =>
      root.events.on<DidCommTrustPingReceivedEvent>(type as never, ({ payload, metadata }) => {
        const place = placeOf(metadata.contextCorrelationId)
        const { connectionRecord, message } = payload
        if (place)
          options.pinged({ ...place, connectionId: connectionRecord.id, threadId: message.threadId, direction })
      })
    listen(DidCommTrustPingEventTypes.DidCommTrustPingReceivedEvent, 'PING_RECEIVED')
    listen(DidCommTrustPingEventTypes.DidCommTrustPingResponseReceivedEvent, 'RESPONSE_RECEIVED')
    root.events.on<DidCommDiscoverFeaturesDisclosureReceivedEvent>(
      DidCommDiscoverFeaturesEventTypes.DisclosureReceived,
      ({ payload, metadata }) => {
        const place = placeOf(metadata.contextCorrelationId)
        const { connection, threadId, disclosures } = payload
        const features = disclosures.map(({ type, id, ...more }) => ({ type, id, roles: rolesOf(more) }))
        if (place) options.disclosed({ ...place, connectionId: connection.id, threadId, features })
      },
    )
    await root.initialize()
    return new AgentFactory(root, contexts, protocols, options)
  }

  /** The endpoints of the base wallet. */
  set endpoints(endpoints: string[]) {
    this.root.context.resolve(DidCommModuleConfig).endpoints = endpoints
  }

  /** The base wallet's own agent. It has no owner. */
  get base(): WalletAgent {
    return new WalletAgent(this.root.context)
  }

  /** Opens a context on a tenant's wallet. */
  async open(owner: WalletOwner): Promise<WalletAgent> {
    const dependencyManager = this.root.dependencyManager.createChild()
    const context = new AgentContext({ contextCorrelationId: owner.tenantId, dependencyManager })
    const logger = new CredoLogger(this.options.logger.child({ tenantId: owner.tenantId }))
    dependencyManager.registerInstance(AgentContext, context)
    dependencyManager.registerInstance(AgentConfig, this.root.config.extend({ logger }))
    dependencyManager.registerInstance(WalletOwner, owner)
    dependencyManager.registerInstance(DidCommModuleConfig, this.configOf(owner))
    const exchanges = walletExchangeConfigs(this.protocols, () => this.options.autoAccept(owner.settings))
    dependencyManager.registerInstance(DidCommCredentialsModuleConfig, exchanges.credentials)
    dependencyManager.registerInstance(DidCommProofsModuleConfig, exchanges.proofs)
    await dependencyManager.initializeAgentContext(context)
    this.contexts.add(context)
    return new WalletAgent(context)
  }

  /** Credo's configuration as one wallet sees it: with the tenant's endpoint, which may change while it is open. */
  private configOf(owner: WalletOwner): DidCommModuleConfig {
    const shared = this.root.context.resolve(DidCommModuleConfig)
    return Object.create(shared, { endpoints: { get: () => this.options.endpointsOf(owner.settings) } })
  }

  async close({ context }: WalletAgent): Promise<void> {
    this.contexts.remove(context)
    await context.dependencyManager.closeAgentContext(context)
  }

  async shutdown(): Promise<void> {
    await this.root.shutdown()
  }
}

/** Where Credo keeps the version of a wallet's records. */
const STORAGE_VERSION_ID = 'STORAGE_VERSION_RECORD_ID'

/** Contexts by their id, for the parts of Credo that look one up. */
class OpenContexts implements AgentContextProvider {
  private readonly open = new Map<string, AgentContext>()

  add(context: AgentContext): void {
    this.open.set(context.contextCorrelationId, context)
  }

  remove(context: AgentContext): void {
    if (this.open.get(context.contextCorrelationId) === context) this.open.delete(context.contextCorrelationId)
  }

  async getContextForInboundMessage(
    _message: unknown,
    options?: { contextCorrelationId?: string },
  ): Promise<AgentContext> {
    return this.getAgentContextForContextCorrelationId(options?.contextCorrelationId ?? '')
  }

  async getAgentContextForContextCorrelationId(id: string): Promise<AgentContext> {
    const context = this.find(id)
    if (!context) throw new Error('No such wallet is open')
    return context
  }

  find(id: string): AgentContext | undefined {
    return this.open.get(id)
  }

  // Lending and giving back is the sessions' business, not Credo's.
  async endSessionForAgentContext(): Promise<void> {}
  async deleteAgentContext(): Promise<void> {}
}

/** Puts our storage, keys and envelopes in the place of Credo's. */
class WalletModule implements Module {
  constructor(
    private readonly wallets: Wallets,
    private readonly contexts: OpenContexts,
    private readonly options: AgentFactoryOptions,
  ) {}

  register(dependencyManager: DependencyManager): void {
    dependencyManager.registerInstance(AskarStoreManager, new UnitStoreManager(this.wallets))
    dependencyManager.registerInstance(
      InjectionSymbols.StorageService,
      new UnitStorageService(this.wallets, this.options.observers),
    )
    dependencyManager.registerInstance(InjectionSymbols.AgentContextProvider, this.contexts)
    dependencyManager
      .resolve(Kms.KeyManagementModuleConfig)
      .registerBackend(new WalletKeyManagementService(this.wallets))
    dependencyManager.registerInstance(OutsideResources, this.options.resources)
    dependencyManager.registerInstance(ReturnRouteRule, new ReturnRouteRule(this.options.asksForReturnRoutes))
    dependencyManager.registerInstance(WalletBoxes, new WalletBoxes(this.wallets))
    dependencyManager.registerSingleton(DidCommConnectionService, WalletConnectionService)
    dependencyManager.registerSingleton(DidExchangeProtocol, WalletDidExchange)
    dependencyManager.registerSingleton(DidCommProofExchangeRepository, NotedProofs)
    dependencyManager.registerSingleton(JwsService, AttachmentSignatures)
    dependencyManager.registerSingleton(DidCommDocumentService, PeerServices)
    dependencyManager.registerSingleton(DidCommEnvelopeService, WalletEnvelopeService)
    dependencyManager.registerInstance(DidCommRoutingService, new WalletRoutingService(this.options.routing))
  }
}

const rolesOf = ({ roles }: { roles?: unknown }) => (Array.isArray(roles) ? roles.map(String) : [])

/** Credo's own requests would go past the guard, and wait for the network inside a unit of work. */
const refuseFetch: typeof fetch = () => Promise.reject(new Error('Requests leave only through the guarded fetch'))
