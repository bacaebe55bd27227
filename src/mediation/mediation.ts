import { DidCommMediationRole, DidCommMediationState, type DidCommMessageHandler } from '@credo-ts/didcomm'
import type { AgentPorts, RecordObserver } from '../agent/ports.js'
import type { RoutingPort } from '../agent/routing-service.js'
import type { EventDraft } from '../events/event.js'
import type { GuardedFetch } from '../lib/guarded-fetch.js'
import type { Logger } from '../lib/logger.js'
import type { Profiles } from '../storage/profiles.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Unit } from '../storage/unit.js'
import type { LastWords } from '../tenants/farewell.js'
import type { Sessions } from '../tenants/sessions.js'
import { BaseWalletMediatorResolver } from './base-wallet.resolver.js'
import { Fetching, type FetchingOptions } from './fetching/fetching.js'
import { Keylist } from './keylist.js'
import { MediatedKeys } from './mediated-keys.js'
import { MediationResolver } from './mediation.resolver.js'
import { GRANT, mediationObserver } from './mediation.view.js'
import { mediationHandlers } from './mediation-handlers.js'
import { MediatedResolver } from './mediator/mediated.resolver.js'
import { Mediator, type MediatorOptions } from './mediator/mediator.js'
import { Mediators } from './mediators.js'

export interface MediationOptions {
  /** Whether other instances work on the same store. */
  shared: boolean
  profiles: Profiles
  ports: AgentPorts
  fetch: GuardedFetch
  /** Tells an event in the log of the wallet that a unit works on. */
  tell: (unit: Unit, draft: EventDraft) => void
  mark: (tenantId: string) => Promise<void>
  /** The base wallet's mediator, by the configuration. */
  invitation: string | undefined
  /** What is needed where mediators are told no address of this gateway; absent where they are. */
  fetching: Pick<FetchingOptions, 'self' | 'liveness' | 'isLinked'> | undefined
  /** What wallets need to mediate themselves. */
  mediating: Pick<MediatorOptions, 'paths' | 'maySend' | 'announce' | 'rulesOf' | 'report' | 'sendingBytes'> & {
    /** Whether the base wallet mediates, and where URLs of its invitations lead. */
    base: { mediates: boolean; domain: () => string }
  }
  logger: Logger
}

const RETRY_MS = 5000
/** How the base wallet names itself to mediators. */
const LABEL = 'Tenantry'

/** Mediation put together, by others and for others: what the agent needs of it, and, on sessions, all the rest. */
export class Mediation {
  private readonly keys: MediatedKeys
  readonly mediator: Mediator
  /** Takes an envelope that was fetched; set by whoever takes those that arrive. */
  receive: FetchingOptions['receive'] = async () => undefined
  private readonly fetching: Fetching | undefined
  private parts: { sessions: Sessions; keylist: Keylist; mediators: Mediators } | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly options: MediationOptions) {
    const { shared, profiles, ports, mark, mediating, logger } = options
    const base = { ...mediating.base, label: LABEL }
    this.mediator = new Mediator({ ...mediating, base, ports, profiles, sessions: () => this.made.sessions, logger })
    this.fetching =
      options.fetching &&
      new Fetching({
        ...options.fetching,
        base: profiles.base,
        profileOf: (wallet) => profiles.of(wallet),
        shared,
        sessions: () => this.made.sessions,
        receive: (wallet, envelope, isKept) => this.receive(wallet, envelope, isKept),
        logger,
      })
    this.keys = new MediatedKeys({
      sessions: () => this.made.sessions,
      profiles,
      keylist: () => this.made.keylist,
      ports,
      base: () => this.made.mediators.ofBase(),
      mark,
      logger,
    })
  }

  get routing(): RoutingPort {
    return this.keys
  }

  get handlers(): DidCommMessageHandler[] {
    const fetching = this.fetching?.handlers ?? []
    return [...mediationHandlers(() => this.made.keylist), ...this.mediator.handlers, ...fetching]
  }

  get observer(): RecordObserver {
    return mediationObserver(
      this.options.tell,
      (unit) => this.parts?.mediators.baseChanged(unit),
      (unit) => this.fetching?.lookSoon(unit),
    )
  }

  /** Tells a wallet's own mediators, before it goes, that they are to forget its keys. */
  readonly lastWords: LastWords = async (profile) => {
    const query = { role: DidCommMediationRole.Recipient, state: DidCommMediationState.Granted }
    const grants = await profile.query(GRANT, query)
    return grants.map(
      ({ name }) =>
        (agent, unit) =>
          this.made.keylist.leave(agent, unit, name),
    )
  }

  /** Makes what stands on the sessions, which need the agent. */
  open(sessions: Sessions): void {
    const { profiles, shared, mark, fetch, logger } = this.options
    const keylist = new Keylist(sessions, profiles, shared, mark, logger)
    const { fetching } = this
    const beginFetching = fetching && ((wallet: string) => fetching.begin(wallet))
    const mediators = new Mediators(sessions, profiles, keylist, fetch, LABEL, beginFetching)
    this.parts = { sessions, keylist, mediators }
  }

  get resolvers(): object[] {
    const { mediators } = this.made
    const { mediated } = this.mediator
    return [new MediationResolver(mediators), new BaseWalletMediatorResolver(mediators), new MediatedResolver(mediated)]
  }

  /** Connects to the mediator of the configuration, and goes on with what the base wallet's mediators are to be told. */
  start(): void {
    const { invitation, logger } = this.options
    let connected = invitation === undefined
    const work = async () => {
      if (!connected && invitation !== undefined) {
        await this.made.mediators.connect(BASE_PROFILE, invitation, 'MEDIATOR_INVITATION', true)
        connected = true
      }
      await this.goOn(BASE_PROFILE)
    }
    const run = () => void work().catch((error) => logger.warn('Mediators are told later', { error }))
    this.timer = setInterval(run, RETRY_MS).unref()
    run()
    this.fetching?.start()
  }

  /** Goes on with what a wallet's mediators are to be told. */
  async goOn(wallet: string): Promise<void> {
    if (wallet !== BASE_PROFILE) await this.keys.goOn(wallet)
    // Where its wallet has come from elsewhere.
    if (await this.fetching?.isNeeded(wallet)) await this.fetching?.begin(wallet)
    for (const { id } of await this.made.mediators.list(wallet)) {
      const mediator = { wallet, grantId: id }
      if ((await this.made.keylist.counts(mediator)).pending > 0) this.made.keylist.tell(mediator)
    }
  }

  /** Withdraws all keys of a tenant that goes from the base wallet's mediators. */
  async withdrawAll(tenantId: string): Promise<void> {
    await this.fetching?.end(tenantId)
    return this.made.keylist.withdrawAll(BASE_PROFILE, tenantId)
  }

  isBusy(tenantId: string): boolean {
    return this.made.keylist.isBusy(tenantId)
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.fetching?.stop()
    await this.made.keylist.stop()
    await this.mediator.deliveries.stop()
  }

  private get made() {
    if (!this.parts) throw new Error('Mediation is not open yet')
    return this.parts
  }
}
