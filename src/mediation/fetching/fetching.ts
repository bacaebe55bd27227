import { setTimeout as sleep } from 'node:timers/promises'
import {
  DidCommBatchPickupMessage,
  DidCommConnectionService,
  DidCommDocumentService,
  DidCommLiveDeliveryChangeV2Message,
  type DidCommMessage,
  type DidCommMessageHandler,
  DidCommMessageSender,
  DidCommOutboundMessageContext,
  DidCommStatusRequestV2Message,
} from '@credo-ts/didcomm'
import type { WalletAgent } from '../../agent/wallet-agent.js'
import { isGatewayError } from '../../lib/errors.js'
import type { Logger } from '../../lib/logger.js'
import { OneAtATime } from '../../lib/one-at-a-time.js'
import type { Liveness } from '../../redis/liveness.js'
import { type Begun, LATER } from '../../relay/intake.js'
import { isWaitingInOutbox } from '../../relay/outbox.js'
import type { Profile } from '../../storage/profile.js'
import { BASE_PROFILE } from '../../storage/store.js'
import type { Collector, Unit } from '../../storage/unit.js'
import type { Sessions } from '../../tenants/sessions.js'
import { livesInUnit } from '../../tenants/tenant-store.js'
import { Backlog, receivedOf } from './backlog.js'
import { type FetchedGrant, fetchedGrants } from './grants.js'
import { type Handed, Letters, type Version } from './letters.js'

export interface FetchingOptions {
  base: Profile
  profileOf: (wallet: string) => Profile
  /** Whether other instances work on the same store. */
  shared: boolean
  /** This process, by its name for itself. */
  self: string
  /** Absent where nobody tells sooner than {@link DUTY_MS} that an instance has ended. */
  liveness: Liveness | undefined
  sessions: () => Sessions
  /**
   * Takes an envelope that has come for a wallet, or for any where it is the base wallet. Resolves once it has its place;
   * undefined where there is none now for one that its mediator has still (`isKept`).
   */
  receive: (wallet: string, envelope: Buffer, isKept: boolean) => Promise<Begun | undefined>
  /** Whether a socket is open to a mediator, by the connection to it. */
  isLinked: (wallet: string, connectionId: string) => boolean
  logger: Logger
}

/** In the base wallet: wallets that have mediators to fetch from, each with the instance that does it, and until when. */
const WALLETS = '_fetch'
interface Duty {
  instance?: string
  until: number
}

/** How often mediators are asked for what they hold (ms). What they hand over by a socket comes at once. */
const TURN_MS = 5000
/** A mediator that has just handed over what could be taken is asked again this soon (ms), for so long. */
const LIVELY_TURN_MS = 1000
const LIVELY_MS = 10_000
/** An instance that has not renewed its duty for this long (ms) has lost it. */
const DUTY_MS = 3 * TURN_MS
/** How often it is looked whether instances with duties live still, where that can be told (ms). */
const WATCH_MS = 1000
/** A mediator that has not taken a message for this long (ms) is away. */
const AWAY_MS = 2000
/** A mediator hears of what was taken no later than this (ms), though other letters take longer. */
const SLOW_MS = 1000
/** Letters in hand that a mediator has no more; with more nothing else is asked of it. */
const IN_HAND_MAX = 100
/** One that has not answered so often in a row is told of. */
const UNANSWERED = 3

/** A mediator's sockets before its other ways: by them it can send what comes later. */
const BY_SOCKET_FIRST = { transportPriority: { schemes: ['wss', 'ws', 'https', 'http'] } }

/**
 * Fetches what mediators hold for a gateway that they know no address of: live by a socket where they have one, and by
 * asking every few seconds. One instance does it for a wallet. By message pickup 2.0 a message is acknowledged once it
 * is committed here, so that over a crash it comes again, and is known by its digest.
 */
export class Fetching {
  private readonly letters: Letters
  private readonly turns: OneAtATime
  /** By which protocol each mediator has answered. */
  private readonly versions = new Map<string, Version>()
  private readonly tries = new Map<string, number>()
  private readonly backlog = new Backlog()
  /** Letters that are being taken, by their mediators' grants. */
  private readonly inHand = new Map<string, Set<string>>()
  /** Wallets that something has come for, with the time until which more is expected soon. */
  private readonly lively = new Map<string, number>()
  private readonly work = new Set<Promise<void>>()
  private timers: NodeJS.Timeout[] = []
  private stopping = false

  constructor(private readonly options: FetchingOptions) {
    this.letters = new Letters({
      handed: (wallet, handed) => this.track(this.handOver(wallet, handed)),
      answered: (grantId, version, bytes) => {
        this.versions.set(grantId, version)
        this.tries.delete(grantId)
        if (bytes !== undefined) this.backlog.come(grantId, bytes)
      },
      limitOf: (grantId) => this.backlog.limitOf(grantId),
    })
    this.turns = new OneAtATime((wallet) => this.turn(wallet))
  }

  get handlers(): DidCommMessageHandler[] {
    return this.letters.handlers
  }

  /** Notes that a wallet has, or is about to have, mediators to fetch from. */
  async begin(wallet: string): Promise<void> {
    await this.options.base.transact(async (unit) => {
      // A tenant that goes meanwhile must not have it again after its own was taken away.
      if (wallet !== BASE_PROFILE && !(await livesInUnit(unit, wallet))) return
      if (!(await unit.fetch(WALLETS, wallet))) unit.insert(entryOf(wallet, { until: 0 }))
    })
  }

  async end(wallet: string): Promise<void> {
    await this.options.base.transact((unit) => unit.remove(WALLETS, wallet))
  }

  /** Whether a wallet has mediators to fetch from, by what it has itself. */
  async isNeeded(wallet: string): Promise<boolean> {
    return (await fetchedGrants(this.options.profileOf(wallet))).length > 0
  }

  /** Has mediators asked as soon as a unit is committed. */
  lookSoon(unit: Unit): void {
    unit.add(this.looks, true)
  }

  private readonly looks: Collector<true> = {
    settle: () => ({ changes: [], committed: () => this.track(this.look()) }),
  }

  start(): void {
    const { shared, liveness } = this.options
    this.timers.push(setInterval(() => this.track(this.look()), TURN_MS).unref())
    if (shared && liveness) this.timers.push(setInterval(() => this.track(this.takeOver(liveness)), WATCH_MS).unref())
    this.track(this.look())
  }

  async stop(): Promise<void> {
    this.stopping = true
    for (const timer of this.timers) clearInterval(timer)
    await this.turns.idle()
    while (this.work.size > 0) await Promise.all(this.work)
    if (this.options.shared) await this.release()
  }

  /** Lets another instance take on what this one has. */
  private async release(): Promise<void> {
    await this.options.base.transact(async (unit) => {
      for (const { name, value } of await unit.query(WALLETS, {}))
        if ((JSON.parse(value) as Duty).instance === this.options.self) await unit.replace(entryOf(name, { until: 0 }))
    })
  }

  private track(work: Promise<void>): void {
    const tracked = work
      .catch((error) => this.options.logger.warn('What a mediator holds is fetched later', { error }))
      .finally(() => this.work.delete(tracked))
    this.work.add(tracked)
  }

  private async look(): Promise<void> {
    for (const { name } of await this.options.base.query(WALLETS, {})) {
      if (this.stopping) return
      if (!this.options.shared || (await this.claim(name))) void this.turns.begin(name)
    }
  }

  /** Takes on the duties of instances that are heard of no more. */
  private async takeOver(liveness: Liveness): Promise<void> {
    for (const { name, value } of await this.options.base.query(WALLETS, {})) {
      const { instance } = JSON.parse(value) as Duty
      if (this.stopping || instance === undefined || instance === this.options.self) continue
      if ((await liveness.isSilent(instance)) && (await this.claim(name, instance))) void this.turns.begin(name)
    }
  }

  /**
   * Takes on the duty for a wallet, or goes on with it.
   * @param ended an instance that need not be waited for
   * @returns whether it is this instance's
   */
  private claim(wallet: string, ended?: string): Promise<boolean> {
    const { base, self } = this.options
    return base.transact(async (unit) => {
      const entry = await unit.fetch(WALLETS, wallet)
      if (!entry) return false
      const { instance, until } = JSON.parse(entry.value) as Duty
      if (instance !== self && instance !== ended && until > Date.now()) return false
      await unit.replace(entryOf(wallet, { instance: self, until: Date.now() + DUTY_MS }))
      return true
    })
  }

  private async turn(wallet: string): Promise<void> {
    try {
      for (const grant of await fetchedGrants(this.options.profileOf(wallet))) await this.ask(wallet, grant)
    } catch (error) {
      // Locked, suspended, or gone: it is asked again in its time.
      if (isGatewayError(error)) return
      this.options.logger.warn('A mediator is asked later for what it holds', { tenantId: wallet, error })
    }
    if ((this.lively.get(wallet) ?? 0) > Date.now()) this.turnSoon(wallet)
    else this.lively.delete(wallet)
  }

  private enliven(wallet: string): void {
    if (!this.lively.has(wallet)) this.turnSoon(wallet)
    this.lively.set(wallet, Date.now() + LIVELY_MS)
  }

  private turnSoon(wallet: string): void {
    setTimeout(() => {
      if (!this.stopping) void this.turns.begin(wallet)
    }, LIVELY_TURN_MS).unref()
  }

  private ask(wallet: string, grant: FetchedGrant): Promise<void> {
    // Until one is answered, each is tried in turn.
    const tries = this.tries.get(grant.id) ?? 0
    const version = this.versions.get(grant.id) ?? (tries % 2 === 0 ? 2 : 1)
    if (version === 1 && (this.inHand.get(grant.id)?.size ?? 0) > IN_HAND_MAX) return Promise.resolve()
    this.tries.set(grant.id, tries + 1)
    if (tries === UNANSWERED)
      this.options.logger.warn('A mediator does not answer', { tenantId: wallet, connectionId: grant.connectionId })
    return this.options.sessions().transact(wallet, async (agent, unit) => {
      // What waits for a mediator that is away is enough.
      if (await isWaitingInOutbox(unit, grant.connectionId, AWAY_MS)) return
      await send(agent, grant, await this.question(agent, wallet, grant, version))
    })
  }

  private async question(
    agent: WalletAgent,
    wallet: string,
    grant: FetchedGrant,
    version: Version,
  ): Promise<DidCommMessage> {
    if (version === 1) return new DidCommBatchPickupMessage({ batchSize: this.backlog.limitOf(grant.id) })
    const isLinked = this.options.isLinked(wallet, grant.connectionId)
    if (isLinked || !(await hasSocket(agent, grant))) return new DidCommStatusRequestV2Message({})
    return new DidCommLiveDeliveryChangeV2Message({ liveDelivery: true })
  }

  private async handOver(wallet: string, { grant, letters, isKept }: Handed): Promise<void> {
    const taken: string[] = []
    let ended = false
    const all = this.takeAll(wallet, grant.id, letters, isKept, (id) => void taken.push(id)).finally(() => {
      ended = true
    })
    for (let isFirst = true; isFirst || !ended || taken.length > 0; isFirst = false) {
      const slow = new AbortController()
      await Promise.race([all, sleep(SLOW_MS, undefined, { signal: slow.signal }).catch(() => {})])
      slow.abort()
      const ids = taken.splice(0)
      // What nobody has room for, and stays, is no sign of more.
      if (ids.length > 0 || (isFirst && !isKept)) this.enliven(wallet)
      if (!isKept || (!isFirst && ids.length === 0)) continue
      const next = isFirst ? this.backlog.next(grant.id, letters.length, ids) : receivedOf(ids)
      if (next) await this.options.sessions().transact(wallet, (agent) => send(agent, grant, next))
    }
  }

  /** Has letters taken that are not being taken already; `done` is called with each that need not come again. */
  private async takeAll(
    wallet: string,
    grantId: string,
    letters: Handed['letters'],
    isKept: boolean,
    done: (id: string) => void,
  ): Promise<void> {
    const inHand = this.inHand.get(grantId) ?? new Set()
    this.inHand.set(grantId, inHand)
    const taking: Promise<void>[] = []
    for (const { id, envelope } of letters) {
      if (inHand.has(id)) continue
      inHand.add(id)
      const begun = await this.options.receive(wallet, Buffer.from(JSON.stringify(envelope)), isKept)
      const take = async () => {
        const outcome = await begun?.ended
        inHand.delete(id)
        if (outcome && !LATER.includes(outcome)) done(id)
      }
      taking.push(take())
    }
    await Promise.all(taking)
  }
}

const entryOf = (wallet: string, duty: Duty) => ({
  category: WALLETS,
  name: wallet,
  value: JSON.stringify(duty),
  tags: {},
})

async function send({ context }: WalletAgent, { connectionId }: FetchedGrant, message: DidCommMessage): Promise<void> {
  const connection = await context.resolve(DidCommConnectionService).getById(context, connectionId)
  const outbound = new DidCommOutboundMessageContext(message, { agentContext: context, connection })
  await context.resolve(DidCommMessageSender).sendMessage(outbound, BY_SOCKET_FIRST)
}

/** Whether a mediator takes WebSockets, by its DID document. */
async function hasSocket({ context }: WalletAgent, { connectionId }: FetchedGrant): Promise<boolean> {
  const { theirDid } = await context.resolve(DidCommConnectionService).getById(context, connectionId)
  if (!theirDid) return false
  const services = await context.resolve(DidCommDocumentService).resolveServicesFromDid(context, theirDid)
  return services.some(({ serviceEndpoint }) => /^wss?:/.test(serviceEndpoint))
}
