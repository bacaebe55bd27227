import { isGatewayError } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import { repeat } from '../lib/routine.js'
import { Waits } from '../lib/waits.js'
import type { Profiles } from '../storage/profiles.js'
import type { Unit } from '../storage/unit.js'
import type { Carrier } from './carrier.js'
import { type DeliveryReport, TOO_MUCH } from './delivery-report.js'
import { type Claimed, claimOutbox, LEASE_MS, type Lease, type Outgoing, otherOwner, releaseOutbox } from './outbox.js'
import type { Failure } from './post.js'
import { isHopeless, pauseMs } from './retry.js'
import { type Lane, mayWait, newSending, type Sending, sizeOf } from './sending.js'
import { Settling } from './settling.js'

export interface SenderOptions {
  instanceId: string
  profiles: Profiles
  /** Whether other instances work on the same store. */
  shared: boolean
  /** Whether another instance has ended as far as can be told. */
  isSilent: (instanceId: string) => Promise<boolean>
  exists: (tenantId: string) => Promise<boolean>
  /** Whether the tenant is neither suspended nor locked. */
  maySend: (tenantId: string) => Promise<boolean>
  /** Whether other instances can tell this one what they laid into its outboxes; where not, it looks. */
  isTold: () => boolean
  carrier: Carrier
  /** A message that was not delivered after this time (ms) is given up. */
  giveUpMs: number
  /** Adds the event of a delivery that was late or given up. */
  report: (unit: Unit, tenantId: string, report: DeliveryReport) => Promise<void>
  logger: Logger
}

/** A message that failed so often tells that its peer has more than a hiccup. */
const STRUGGLING = 3

/** After this time (ms) what could not be read or written is tried again. */
const RETRY_MS = 1000
/** How often outboxes that other instances have a part in are looked at (ms). */
const WATCH_MS = 1000

/** Sends what lies in the outboxes: in order within a connection, again until it arrives or is given up. */
export class Sender {
  private readonly sendings = new Map<string, Sending>()
  private readonly waits = new Waits()
  private readonly settling: Settling
  private readonly work = new Set<Promise<void>>()
  /** Tenants whose outbox is being read; `true` where it must be read once more. */
  private readonly taking = new Map<string, boolean>()
  /** Tenants with messages of this instance that another one is to send. */
  private readonly watched = new Set<string>()
  /** Tenants that nothing is sent for, each with the end of what was under way. */
  private readonly held = new Map<string, { ended: Promise<void> }>()
  private readonly routines: (() => void)[] = []

  constructor(private readonly options: SenderOptions) {
    const { profiles, report, logger } = options
    this.settling = new Settling({
      profiles,
      report,
      isSending: (tenantId) => this.sendings.has(tenantId),
      ended: (tenantId, sending) => {
        if (this.sendings.get(tenantId) === sending) this.sendings.delete(tenantId)
      },
      waits: this.waits,
      logger,
    })
    if (!options.shared) return
    const failed = (error: unknown) => logger.warn('Outboxes could not be looked after', { error })
    this.routines.push(
      repeat(LEASE_MS / 3, () => this.renewLeases(), failed),
      repeat(WATCH_MS, () => this.watchOthers(), failed),
    )
  }

  /** Messages that wait or are under way here. */
  get pending(): number {
    let sum = 0
    for (const { known } of this.sendings.values()) sum += known.size
    return sum
  }

  /** The bytes of messages of a connection that wait or are under way here, sealed. */
  bytesFor(tenantId: string, connectionId: string): number {
    const { waiting = [] } = this.sendings.get(tenantId)?.lanes.get(connectionId) ?? {}
    return waiting.reduce((sum, message) => sum + sizeOf(message), 0)
  }

  /** Whether a crash of this process would leave messages of this tenant behind. */
  isSending(tenantId: string): boolean {
    return this.sendings.has(tenantId) || this.taking.has(tenantId) || this.watched.has(tenantId)
  }

  /**
   * Sends messages that are committed; `alone` where nothing else lay in the outbox. What others, or a former process,
   * laid there before them is sent before them.
   */
  enqueue(tenantId: string, messages: Outgoing[], lease: Lease, alone: boolean): void {
    const sending = this.sendings.get(tenantId)
    const follows = sending && sending.next === messages[0]?.n && this.holdsLease(sending)
    if (alone || follows) this.lay(tenantId, { messages, lease, next: (messages.at(-1)?.n ?? 0) + 1 })
    else this.takeSoon(tenantId)
  }

  /**
   * Takes over what waits in a tenant's outbox.
   * @param ended an instance whose lease need not be waited for
   * @returns whether it is this instance that sends it
   */
  async take(tenantId: string, ended?: string): Promise<boolean> {
    // It is taken up again once the tenant can go on.
    if (!(await this.options.maySend(tenantId))) return true
    const claimed = await claimOutbox(this.options.profiles.of(tenantId), this.options, ended)
    if (claimed && claimed.messages.length > 0) this.lay(tenantId, claimed)
    return claimed !== undefined
  }

  /** Tries at once what waits to be tried again, where it `canGo` by another way now. */
  tryNow(tenantId: string, canGo: (message: Outgoing) => boolean): void {
    for (const { waiting, wake } of this.sendings.get(tenantId)?.lanes.values() ?? []) {
      if (waiting[0] && canGo(waiting[0])) wake?.()
    }
  }

  /** Another instance sends for this tenant: whatever it does not come to is sent from here. */
  watch(tenantId: string): void {
    if (this.options.shared) this.watched.add(tenantId)
  }

  private lay(tenantId: string, { messages, lease, next }: Claimed): void {
    if (this.held.has(tenantId)) return
    let sending = this.sendings.get(tenantId)
    if (!sending) {
      sending = newSending(next)
      this.sendings.set(tenantId, sending)
    }
    sending.next = Math.max(sending.next, next)
    sending.leaseUntil = Math.max(sending.leaseUntil, lease.until)
    for (const message of messages) {
      if (sending.known.has(message.n) || this.settling.isFinished(tenantId, message.n)) continue
      sending.known.add(message.n)
      const name = message.connectionId ?? message.endpoint
      const lane = sending.lanes.get(name)
      if (lane && !mayWait(lane.waiting, message)) this.refuse(tenantId, sending, message)
      else if (lane) lane.waiting.push(message)
      else this.openLane(tenantId, sending, name, { waiting: [message], attempts: 0, refusals: 0 })
    }
    if (sending.known.size === 0) this.sendings.delete(tenantId)
  }

  /** Takes over what waits, and tries again until that is done. */
  takeSoon(tenantId: string): void {
    const running = this.taking.has(tenantId)
    this.taking.set(tenantId, running)
    if (running) return
    const work = this.takeUntilDone(tenantId).finally(() => this.work.delete(work))
    this.work.add(work)
  }

  private async takeUntilDone(tenantId: string): Promise<void> {
    for (;;) {
      this.taking.set(tenantId, false)
      const read = await this.trying(tenantId, async () => {
        if (!(await this.take(tenantId))) this.watch(tenantId)
      })
      if (read && this.taking.get(tenantId) !== true) break
      if (!read) await this.waits.pause(RETRY_MS)
      if (this.waits.stopped || !this.taking.has(tenantId)) break
    }
    this.taking.delete(tenantId)
  }

  /** @returns whether it went well; where it did not because the tenant is gone, that tenant is dropped */
  private async trying(tenantId: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (isGatewayError(error, 'TENANT_LOCKED')) return true
      if (await this.options.exists(tenantId).catch(() => true)) {
        this.options.logger.warn('An outbox could not be read', { tenantId, error })
      } else this.drop(tenantId)
      return false
    }
  }

  /**
   * Sends nothing more for a tenant until it is released: what is under way is waited for, and what waits stays in the
   * outbox.
   */
  hold(tenantId: string): Promise<void> {
    const held = this.held.get(tenantId)
    if (held) return held.ended
    const hold = { ended: Promise.resolve() }
    this.held.set(tenantId, hold)
    this.watched.delete(tenantId)
    this.taking.delete(tenantId)
    hold.ended = this.letEnd(tenantId, () => this.held.get(tenantId) === hold)
    return hold.ended
  }

  /** Lets what is under way end, as long as the tenant `isHeld`. */
  private async letEnd(tenantId: string, isHeld: () => boolean): Promise<void> {
    const sending = this.sendings.get(tenantId)
    if (!sending) return
    while (sending.posting > 0 && isHeld()) await new Promise((resolve) => setTimeout(resolve, 10))
    const profile = this.options.profiles.of(tenantId)
    try {
      await profile.land()
      if (this.options.shared) await releaseOutbox(profile, this.options.instanceId, isHeld)
    } catch (error) {
      this.options.logger.warn('A delivery could not be noted before its wallet was closed', { tenantId, error })
    }
    if (isHeld() && this.sendings.get(tenantId) === sending) this.sendings.delete(tenantId)
  }

  /** Holds a tenant that may not send; one that may again by the time that it is held is released. */
  async holdIfNotAllowed(tenantId: string): Promise<void> {
    await this.hold(tenantId)
    if (this.isHeld(tenantId) && (await this.maySend(tenantId))) this.release(tenantId)
  }

  get heldIds(): string[] {
    return [...this.held.keys()]
  }

  isHeld(tenantId: string): boolean {
    return this.held.has(tenantId)
  }

  /** Goes on with what waits for a tenant. */
  release(tenantId: string): void {
    this.held.delete(tenantId)
    this.takeSoon(tenantId)
  }

  /** Drops a tenant that is being deleted. */
  drop(tenantId: string): void {
    this.held.delete(tenantId)
    this.sendings.delete(tenantId)
    this.watched.delete(tenantId)
    this.taking.delete(tenantId)
  }

  /** Lets what is under way arrive, and leaves the rest to the next start. */
  async stop(): Promise<void> {
    for (const end of this.routines) end()
    this.waits.stop()
    while (this.work.size > 0) await Promise.allSettled(this.work)
    await this.settling.idle()
    for (const tenantId of this.options.shared ? this.sendings.keys() : []) {
      await releaseOutbox(this.options.profiles.of(tenantId), this.options.instanceId).catch((error) =>
        this.options.logger.warn('The right to send could not be given back', { tenantId, error }),
      )
    }
  }

  /** Gives up what a peer has asked for, where too much waits for it. */
  private refuse(tenantId: string, sending: Sending, { n, connectionId, passing }: Outgoing): void {
    const report = { outcome: 'GIVEN_UP', connectionId, attempts: 0, reason: TOO_MUCH } as const
    const work = this.settling
      .settle(tenantId, sending, n, passing ? undefined : report)
      .finally(() => this.work.delete(work))
    this.work.add(work)
  }

  private openLane(tenantId: string, sending: Sending, name: string, lane: Lane): void {
    sending.lanes.set(name, lane)
    const work = this.run(tenantId, sending, lane, name).finally(() => this.work.delete(work))
    this.work.add(work)
  }

  private async run(tenantId: string, sending: Sending, lane: Lane, name: string): Promise<void> {
    await this.empty(tenantId, sending, lane)
    // In the same turn as the last look at the lane, so that no message is laid into one that has ended.
    sending.lanes.delete(name)
    if (lane.waiting.length === 0) return
    for (const { n } of lane.waiting) sending.known.delete(n)
    // They still lie in the outbox: it has to be read again before anything that follows is sent.
    sending.next = 0
  }

  private async empty(tenantId: string, sending: Sending, lane: Lane): Promise<void> {
    for (let message = lane.waiting[0]; message && this.isCurrent(tenantId, sending); message = lane.waiting[0]) {
      const failure = await this.options.carrier.send(tenantId, message, () => this.mayGo(tenantId, sending))
      if (failure === 'held') {
        if (this.isCurrent(tenantId, sending)) await this.waits.pause(RETRY_MS)
        continue
      }
      sending.posting -= 1
      lane.attempts += 1
      if (failure?.refused) lane.refusals += 1
      if (!this.isCurrent(tenantId, sending, true)) return
      if (lane.attempts === STRUGGLING && failure) this.log('A peer does not take messages', tenantId, lane, failure)
      if (failure && !isHopeless(message, lane.refusals, this.options.giveUpMs)) {
        if (this.waits.stopped) return
        await this.waits.pause(pauseMs(message, lane.attempts, failure, this.options.giveUpMs), (end) => {
          lane.wake = end
        })
        continue
      }
      if (failure && !message.passing) this.log('An outbound message was given up', tenantId, lane, failure)
      else if (lane.attempts > STRUGGLING) this.log('A peer takes messages again', tenantId, lane)
      const report: DeliveryReport = {
        outcome: failure ? 'GIVEN_UP' : 'DELIVERED',
        connectionId: message.connectionId,
        attempts: lane.attempts,
        reason: failure?.reason ?? null,
      }
      const isTold = !message.passing && (failure !== undefined || report.attempts > 1)
      lane.waiting.shift()
      lane.attempts = 0
      lane.refusals = 0
      await this.settling.settle(tenantId, sending, message.n, isTold ? report : undefined)
    }
  }

  /** Says how it goes with the first message of a lane: whose it is, and which peer does what. */
  private log(text: string, tenantId: string, { waiting: [message], attempts }: Lane, failure?: Failure): void {
    const { connectionId, endpoint = '' } = message ?? {}
    const host = URL.canParse(endpoint) ? new URL(endpoint).host : undefined
    this.options.logger[failure ? 'warn' : 'info'](text, {
      tenantId,
      connectionId,
      host,
      attempts,
      code: failure?.reason,
    })
  }

  /** Asked as the turn of a message comes: also a suspension that nobody has told this instance of keeps it here. */
  private async mayGo(tenantId: string, sending: Sending): Promise<boolean> {
    const maySend = await this.maySend(tenantId)
    if (!this.isCurrent(tenantId, sending)) return false
    if (maySend) sending.posting += 1
    else void this.holdIfNotAllowed(tenantId)
    return maySend
  }

  /** While nothing is known of the tenant, nothing is sent. */
  private maySend(tenantId: string): Promise<boolean> {
    return this.options.maySend(tenantId).catch(() => false)
  }

  /** A tenant that was dropped, or whose lease has run out, is no longer ours to send for. */
  private isCurrent(tenantId: string, sending: Sending, sent = false): boolean {
    if (this.sendings.get(tenantId) !== sending || (this.waits.stopped && !sent)) return false
    return sent || (!this.held.has(tenantId) && this.holdsLease(sending))
  }

  private holdsLease({ leaseUntil }: Sending): boolean {
    return !this.options.shared || leaseUntil > Date.now()
  }

  private async renewLeases(): Promise<void> {
    for (const [tenantId, sending] of this.sendings) {
      await this.trying(tenantId, async () => {
        if (await this.take(tenantId)) return
        if (this.sendings.get(tenantId) === sending) this.sendings.delete(tenantId)
        this.watch(tenantId)
      })
    }
  }

  /** Looks where another instance was to send, and where others may have laid something down for this one. */
  private async watchOthers(): Promise<void> {
    const own = this.options.isTold() ? [] : this.sendings.keys()
    for (const tenantId of new Set([...this.watched, ...own])) {
      await this.trying(tenantId, async () => {
        const head = await this.options.profiles.of(tenantId).head()
        const owner = otherOwner(head, this.options)
        if (owner !== undefined && !((await this.options.isSilent(owner)) && (await this.take(tenantId, owner)))) return
        this.watched.delete(tenantId)
        const next = this.sendings.get(tenantId)?.next ?? 0
        if (head.lease && head.out >= next) this.takeSoon(tenantId)
      })
    }
  }
}
