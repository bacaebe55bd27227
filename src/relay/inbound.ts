import { noteAnswering } from '../agent/answering.js'
import { EnvelopeError } from '../agent/envelope-service.js'
import { NotTaken } from '../agent/not-taken.js'
import { needsOf } from '../agent/outside-needs.js'
import { answersOf, onReturnRoute, type ReturnRoute } from '../agent/return-route.js'
import { isUnreadable } from '../agent/unreadable.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { isGatewayError } from '../lib/errors.js'
import type { FairGate } from '../lib/fair-gate.js'
import type { Logger } from '../lib/logger.js'
import { SEEN_MAX } from '../storage/head.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Collector, Unit } from '../storage/unit.js'
import type { Reached } from '../tenants/endpoints.js'
import type { Rates } from '../tenants/rates.js'
import type { Sessions } from '../tenants/sessions.js'
import type { TenantStore } from '../tenants/tenant-store.js'
import type { Vault } from '../tenants/vault.js'
import type { Neighbours } from '../workers/neighbours.js'
import { type Envelope, parseEnvelope } from './envelope.js'
import type { ReturnPath } from './return-paths.js'
import type { Routes } from './routes.js'
import type { Laid, Sealed, SealedQueue, Why } from './sealed-queue.js'

/** What became of an inbound message, as its sender is told. */
export type InboundOutcome =
  | 'handled'
  | 'queued'
  | 'full'
  | 'limited'
  | 'malformed'
  | 'unknown-recipient'
  | 'unavailable'

/** `retryAfter`: seconds, where it is known after what time trying again can help. */
export interface Received {
  outcome: InboundOutcome
  retryAfter?: number
}

const OUTCOME: Record<Exclude<Laid, 'direct'>, InboundOutcome> = {
  queued: 'queued',
  full: 'full',
  unknown: 'unknown-recipient',
}

type Arrived = Envelope & { path: ReturnPath | undefined }

/** What is sealed in an envelope, and by what it is known. */
type Content = Pick<Envelope, 'json' | 'digest'>

/** What became of an envelope at its home; undefined where whoever has taken it has to deliver it. */
type AtHome = 'handled' | 'malformed' | undefined

/** An envelope on its way to the worker where its wallet is at home. */
type Handed = { tenantId: string } & Content
const ENVELOPE = 'envelope'

/** How often a tenant is looked at anew whose state changes while a message for it is taken. */
const ROUNDS = 5

/** Remembers an envelope in the unit that handles it, so that the same bytes are never handled twice. */
const seen: Collector<string> = {
  settle(digests, head) {
    head.seen = [...head.seen, ...digests].slice(-SEEN_MAX)
    return { changes: [] }
  },
}

/** Who is told of a return route that a message asks for. */
export interface Returns {
  /** Lets answers go back, from this moment on. */
  open(tenantId: string, route: ReturnRoute, path: ReturnPath): void
  /** Hands over what has waited for it, where `lasting` only by a socket. Resolves when that is done. */
  fetch(tenantId: string, route: ReturnRoute, lasting: boolean): Promise<void>
}

/** Relays each inbound envelope to the wallet that its recipient key belongs to. */
export class Inbound {
  constructor(
    private readonly routes: Routes,
    private readonly sessions: Sessions,
    private readonly tenants: TenantStore,
    private readonly vault: Vault,
    private readonly queue: SealedQueue,
    private readonly rates: Rates,
    private readonly gate: FairGate,
    private readonly returns: Returns,
    private readonly logger: Logger,
    /** Whoever wallets may be at home with. */
    private readonly neighbours: Neighbours | undefined,
    /** Called for each envelope that another has delivered. */
    private readonly handed: () => void,
  ) {
    neighbours?.serve<Handed, AtHome>(ENVELOPE, (envelope, isLate) => this.deliverHere(envelope, isLate))
  }

  /**
   * Resolves once the message's changes, events and answers are committed, or none of them is.
   * @param reachedThere says whom it can reach by where it was sent
   * @param path by which answers can go back, if the message asks for it
   */
  async receive(body: Buffer, reachedThere: () => Promise<Reached>, path?: ReturnPath): Promise<Received> {
    // 1. The outside of the envelope.
    const envelope = parseEnvelope(body)
    if (!envelope) return { outcome: 'malformed' }
    let tenantId: string | undefined
    try {
      // 2. Whose it is.
      const reached = await reachedThere()
      const route = await this.route(envelope, reached)
      if (!route) return { outcome: 'unknown-recipient' }
      tenantId = route.tenantId
      // 3. Whether there may be more of them.
      await this.rates.takeInbound(tenantId)
      return { outcome: await this.relay(route, reached, { ...envelope, path }) }
    } catch (error) {
      if (isGatewayError(error, 'RATE_LIMITED')) return { outcome: 'limited', retryAfter: error.retryAfter }
      this.logger.error('An inbound message could be neither handled nor stored', { tenantId, error })
      return { outcome: 'unavailable' }
    }
  }

  /** Whose an envelope is, as far as can be told now. */
  async receiverOf(body: Buffer): Promise<string | undefined> {
    const envelope = parseEnvelope(body)
    const route = envelope && (await this.route(envelope, undefined).catch(() => undefined))
    return route?.tenantId
  }

  private async relay(
    route: { key: string; tenantId: string },
    reached: Reached,
    envelope: Arrived,
  ): Promise<InboundOutcome> {
    // 4. To its wallet.
    const outcome = await this.deliver(route.tenantId, envelope)
    if (outcome === 'handled' || outcome === 'queued' || outcome === 'full') return outcome
    // 5. A route that led astray is looked up again in the base wallet, once.
    const tenantId = await this.routes.findAgain(route.key)
    if (!tenantId || (reached !== undefined && tenantId !== reached)) return 'unknown-recipient'
    return tenantId === route.tenantId ? outcome : await this.deliver(tenantId, envelope)
  }

  private async route(
    { recipientKeys }: Envelope,
    reached: Reached,
  ): Promise<{ key: string; tenantId: string } | undefined> {
    for (const key of recipientKeys) {
      const tenantId = await (reached === undefined ? this.routes.find(key) : this.routes.findOf(reached, key))
      if (tenantId) return { key, tenantId }
    }
    return undefined
  }

  private async deliver(tenantId: string, envelope: Arrived): Promise<InboundOutcome> {
    return (
      (await this.deliverAtHome(tenantId, envelope)) ??
      this.gate.use(tenantId, () => this.deliverInTurn(tenantId, envelope))
    )
  }

  /**
   * Has the worker deliver it that its wallet is at home with: what has come by a request, for what it leads to stays in the wallet: by a socket answers may go back at any time, and what
   * was asked for here is waited for here.
   */
  private async deliverAtHome(tenantId: string, { path, json, digest }: Arrived): Promise<AtHome> {
    if (!this.neighbours || tenantId === BASE_PROFILE || !path || path.isLasting) return undefined
    const home = this.neighbours.elsewhere(tenantId)
    if (home === undefined || !(await this.isOpenTo(tenantId))) return undefined
    const reply = await this.neighbours.ask<Handed, AtHome>(home, ENVELOPE, { tenantId, json, digest })
    // Where it is lost it can be done here: a wallet does not handle the same twice.
    if (typeof reply === 'string') return undefined
    this.handed()
    return reply.answer
  }

  /** Whether nothing keeps what comes for a tenant from being handled, whoever handles it. */
  private async isOpenTo(tenantId: string): Promise<boolean> {
    const tenant = await this.tenants.find(tenantId)
    return tenant?.state === 'ACTIVE' && !tenant.queueing && tenant.keyMode !== 'UNMANAGED'
  }

  /** Delivers what a neighbour has taken, where nothing speaks against it; else that one has to. */
  private deliverHere({ tenantId, ...content }: Handed, isLate: () => boolean): Promise<AtHome> {
    return this.gate.use(tenantId, async () => {
      if (!(await this.isOpenTo(tenantId))) return undefined
      try {
        const handle = (agent: WalletAgent, unit: Unit) => this.handleForNeighbour(agent, unit, content, isLate)
        await this.sessions.transact(tenantId, handle, false)
        return 'handled'
      } catch (error) {
        return error instanceof EnvelopeError || isGatewayError(error, 'PROTOCOL_ERROR') ? 'malformed' : undefined
      }
    })
  }

  /** @throws Error where the neighbour has to handle it: it does so by now, or has the way that an answer is to go back by */
  private async handleForNeighbour(
    agent: WalletAgent,
    unit: Unit,
    content: Content,
    isLate: () => boolean,
  ): Promise<void> {
    if (isLate()) throw new Error('It is handled elsewhere by now')
    let isAsked = false
    onReturnRoute(unit, () => {
      isAsked = true
    })
    await this.handle(agent, unit, content)
    if (isAsked) throw new Error('The answer is to go back by the way that is open elsewhere')
  }

  private async deliverInTurn(tenantId: string, envelope: Arrived): Promise<InboundOutcome> {
    for (let round = 0; round < ROUNDS; round++) {
      const outcome = await this.tryToDeliver(tenantId, envelope)
      if (outcome !== 'direct') return outcome
      // What is known of the tenant here is old.
      this.tenants.forget(tenantId)
    }
    return 'unavailable'
  }

  /** @returns `direct` where it cannot be handled by what is known of the tenant, and need not wait by what is true */
  private async tryToDeliver(tenantId: string, envelope: Arrived): Promise<InboundOutcome | 'direct'> {
    if (tenantId === BASE_PROFILE) return this.deliverToBase(envelope)
    let tenant = await this.tenants.find(tenantId)
    // What came before it may just have been laid down by an instance that has not the wallet open: it goes behind.
    if (tenant?.keyMode === 'UNMANAGED') tenant = await this.tenants.findNow(tenantId)
    if (!tenant) return 'unknown-recipient'
    this.vault.touch(tenant)
    if (tenant.state !== 'ACTIVE' || tenant.queueing) return this.lay(tenantId, envelope, 'not served')
    try {
      const handle = (agent: WalletAgent, unit: Unit) => this.answer(agent, unit, envelope)
      const answers = await this.sessions.transact(tenantId, handle, false)
      answers?.()
      return 'handled'
    } catch (error) {
      if (error instanceof EnvelopeError) return 'malformed'
      if (error instanceof NotTaken) return error.why
      if (isGatewayError(error, 'PROTOCOL_ERROR')) return this.notHandled(tenantId, error)
      // A mediator has something to do first, and may itself wait for this very answer.
      if (isGatewayError(error, 'PEER_UNREACHABLE')) return this.lay(tenantId, envelope, 'full')
      if (isGatewayError(error, 'NOT_FOUND')) return 'unknown-recipient'
      // Not here, or not any more, or not until there is room: it waits for whoever can take it.
      if (isGatewayError(error, 'TENANT_LOCKED')) return this.lay(tenantId, envelope, 'locked here')
      if (isGatewayError(error, 'QUOTA_EXCEEDED')) return this.lay(tenantId, envelope, 'full')
      if (isGatewayError(error, 'TENANT_SUSPENDED')) return this.lay(tenantId, envelope, 'not served')
      throw error
    }
  }

  private async deliverToBase(envelope: Arrived): Promise<InboundOutcome> {
    try {
      const answers = await this.sessions.transact(BASE_PROFILE, (agent, unit) => this.answer(agent, unit, envelope))
      answers?.()
      return 'handled'
    } catch (error) {
      if (error instanceof EnvelopeError) return 'malformed'
      if (error instanceof NotTaken) return error.why
      if (isGatewayError(error, 'PROTOCOL_ERROR')) return this.notHandled(BASE_PROFILE, error)
      throw error
    }
  }

  /** It needs documents that are not to be had: it cannot be handled at another time either. */
  private notHandled(tenantId: string, error: Error): InboundOutcome {
    this.logger.warn('A message cannot be handled', { tenantId, error })
    return 'malformed'
  }

  private async lay(tenantId: string, envelope: Envelope, why: Why): Promise<InboundOutcome | 'direct'> {
    const laid = await this.queue.put(tenantId, envelope, why)
    return laid === 'direct' ? laid : OUTCOME[laid]
  }

  /** Handles a message that has come by a path. @returns what is to be done for its answers once they are committed */
  private async answer(
    agent: WalletAgent,
    unit: Unit,
    { path, ...envelope }: Arrived,
  ): Promise<(() => void) | undefined> {
    const tenantId = unit.profile
    let asked: ReturnRoute | undefined
    if (path) {
      onReturnRoute(unit, (route) => {
        asked = route
        // Before the commit: what it lays down leaves in the same turn.
        this.returns.open(tenantId, route, path)
      })
    }
    await this.handle(agent, unit, envelope)
    const [answers, route] = [answersOf(unit) ?? 0, asked]
    if (!route || !path) return undefined
    return () => {
      const fetched = this.returns.fetch(tenantId, route, answers > 0)
      path.expect(answers > 0 || fetched)
    }
  }

  /** Handles a message of the sealed queue, once. */
  async handleSealed(tenantId: string, { n, digest, envelope }: Sealed): Promise<void> {
    const tenant = await this.tenants.find(tenantId)
    // It counts as one that comes now: a wallet is not locked by idle time in the midst of its queue.
    if (tenant) this.vault.touch(tenant)
    const done = (unit: Unit) => {
      unit.head.queue.handled = Math.max(unit.head.queue.handled, n)
      unit.touch()
    }
    try {
      await this.sessions.transact(tenantId, async (agent, unit) => {
        if (n <= unit.head.queue.handled) return
        const before = unit.savepoint()
        try {
          await this.handle(agent, unit, { json: envelope, digest })
        } catch (error) {
          if (!(error instanceof EnvelopeError || error instanceof NotTaken)) throw error
          unit.restore(before)
          this.logger.warn('A message that had waited cannot be taken', { tenantId, error })
        }
        done(unit)
      })
    } catch (error) {
      // It needs documents that are not to be had. What lies behind it must not wait for them.
      if (!isGatewayError(error, 'PROTOCOL_ERROR')) throw error
      this.logger.warn('A message that had waited cannot be handled', { tenantId, error })
      await this.sessions.transact(tenantId, async (_agent, unit) => done(unit))
    }
  }

  private async handle(agent: WalletAgent, unit: Unit, { json, digest }: Content): Promise<void> {
    if (unit.head.seen.includes(digest)) return
    noteAnswering(unit)
    const before = unit.savepoint()
    try {
      await agent.receive(json)
    } catch (error) {
      if (error instanceof EnvelopeError || error instanceof NotTaken) throw error
      if (unit.broken || needsOf(unit).length > 0) throw error
      // Nobody could be told.
      if (isUnreadable(error) && !unit.dirty) throw new NotTaken('malformed')
      // The message was opened and its handler failed: it is done with, and leaves nothing. One that cannot be read
      // never came to a handler, and leaves what tells its sender so.
      if (!isUnreadable(error)) unit.restore(before)
      this.logger.warn('A message could not be handled', { error, tenantId: unit.profile })
    }
    unit.add(seen, digest)
  }
}
