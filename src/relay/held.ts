import type { OutboundEnvelope } from '../agent/ports.js'
import { isGatewayError } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import { OneAtATime } from '../lib/one-at-a-time.js'
import { Recent } from '../lib/recent.js'
import type { Profiles } from '../storage/profiles.js'
import type { Collector, Unit } from '../storage/unit.js'
import { type DeliveryReport, TOO_MUCH } from './delivery-report.js'
import type { ReturnPaths } from './return-paths.js'

/** Counts for the wallet's quotas, unlike what is on its way: nobody knows when it is fetched. */
const HELD = 'HeldMessage'

interface Held extends OutboundEnvelope {
  to: string
  n: number
  /** When it was laid there: milliseconds since the epoch. */
  at: number
}

export interface HeldOptions {
  profiles: Profiles
  paths: ReturnPaths
  /** Whether the tenant is neither suspended nor locked. */
  maySend: (tenantId: string) => Promise<boolean>
  /** Tells other instances, where the peer may be connected. */
  announce: (tenantId: string) => void
  /** A message that nobody has fetched after this time (ms) is given up. */
  giveUpMs: number
  report: (unit: Unit, tenantId: string, report: DeliveryReport) => Promise<void>
  logger: Logger
}

/** So many answers may wait for a key for its peer to be answered still. */
const ASKED_MAX = 1000
const ASKED = { asked: '1' }

/** How long one that was handed over is remembered, while it is removed from the store (ms). */
const SENT_MS = 60_000

/**
 * Messages for peers that have no endpoint. They lie in the wallet, written with the record that they belong to, until
 * their peer opens a return path to any instance. Each is removed once it has arrived; a crash in between has it sent again, by
 * the same bytes.
 */
export class HeldMessages {
  private readonly deliveries = new OneAtATime((name) => this.deliver(name))
  private readonly sent = new Recent<string, true>(50_000, SENT_MS)
  /** How far each tenant's messages were looked at, where no instance can tell another. */
  private readonly seen = new Recent<string, number>(20_000)

  constructor(private readonly options: HeldOptions) {}

  /**
   * Lays a message down in its unit. What its peer asks for anew goes at once or not at all; of what else the peer has
   * asked for no more is laid there where too much waits.
   */
  async add(unit: Unit, envelope: OutboundEnvelope & { to: string }): Promise<void> {
    const { to, connectionId, passing, asked } = envelope
    if (passing) return unit.add(this.passing, envelope)
    if (asked && (await this.isFull(unit, to))) {
      return this.options.report(unit, unit.profile, {
        outcome: 'GIVEN_UP',
        connectionId,
        attempts: 0,
        reason: TOO_MUCH,
      })
    }
    const n = ++unit.head.held
    const value = JSON.stringify({ ...envelope, n, at: Date.now() })
    unit.insert({ category: HELD, name: `${n}`, value, tags: { to, ...(asked ? ASKED : {}) } })
    unit.add(this.told, to)
  }

  /** Whether no more of what a peer has asked for may wait for it. */
  private async isFull(unit: Unit, to: string): Promise<boolean> {
    if (unit.counts && (unit.counts[HELD] ?? 0) < ASKED_MAX) return false
    const count = await this.options.profiles
      .of(unit.profile)
      .read((session) => session.count({ category: HELD, tagFilter: { to, ...ASKED } }))
    return count >= ASKED_MAX
  }

  private readonly passing: Collector<OutboundEnvelope> = {
    settle: (envelopes, _head, tenantId) => ({
      changes: [],
      committed: () => {
        for (const envelope of envelopes)
          void this.options.paths.find(tenantId, envelope)?.send(JSON.stringify(envelope.payload))
      },
    }),
  }

  private readonly told: Collector<string> = {
    settle: (keys, _head, tenantId) => ({
      changes: [],
      committed: () => {
        for (const to of new Set(keys)) void this.fetch(tenantId, to)
        this.options.announce(tenantId)
      },
    }),
  }

  /** Hands over what waits for a key, by the path that is open for it. Resolves when that is done. */
  fetch(tenantId: string, to: string): Promise<void> {
    return this.deliveries.begin(`${tenantId} ${to}`)
  }

  /** Another instance has laid something down. */
  look(tenantId: string): void {
    for (const to of this.options.paths.keysFor(tenantId)) void this.fetch(tenantId, to)
  }

  /** Looks at all whose peers are connected here, where other instances cannot tell. */
  async lookAll(): Promise<void> {
    for (const tenantId of this.options.paths.tenantIds) {
      // Locked here, or gone, though its peer is still connected: it keeps nobody else from being looked at.
      const profile = this.options.profiles.of(tenantId)
      const head = await profile.head().catch(() => undefined)
      if (!head) continue
      if (head.held !== (this.seen.get(tenantId) ?? 0)) this.look(tenantId)
      this.seen.set(tenantId, head.held)
    }
  }

  /** Gives up what has waited for too long. */
  async trim(tenantId: string): Promise<void> {
    const profile = this.options.profiles.of(tenantId)
    if ((await profile.head()).held === 0) return
    await profile.transact(async (unit) => {
      const waiting = (await unit.query(HELD, {})).map(({ value }) => JSON.parse(value) as Held)
      for (const { n, connectionId } of waiting.filter(({ at }) => Date.now() - at > this.options.giveUpMs)) {
        await unit.remove(HELD, `${n}`)
        const reason = 'not fetched'
        await this.options.report(unit, tenantId, { outcome: 'GIVEN_UP', connectionId, attempts: 0, reason })
      }
    })
  }

  async stop(): Promise<void> {
    await this.deliveries.idle()
  }

  private async deliver(name: string): Promise<void> {
    const [tenantId = '', to = ''] = name.split(' ')
    try {
      for (let more = true; more; ) {
        if (!this.options.paths.isOpenFor(tenantId, to)) return
        const handedOver = await this.handOver(tenantId, to)
        more = handedOver.length > 0
        if (more) await this.remove(tenantId, handedOver)
      }
    } catch (error) {
      if (isGatewayError(error)) return
      this.options.logger.warn('What waits for a peer is handed over later', { tenantId, error })
    }
  }

  private async handOver(tenantId: string, to: string): Promise<number[]> {
    const entries = await this.options.profiles.of(tenantId).query(HELD, { to })
    const waiting = entries.map(({ value }) => JSON.parse(value) as Held).sort((a, b) => a.n - b.n)
    const handedOver: number[] = []
    for (const message of waiting) {
      const { n, payload } = message
      if (this.sent.has(`${tenantId}/${n}`)) handedOver.push(n)
      const path = this.sent.has(`${tenantId}/${n}`) ? undefined : this.options.paths.find(tenantId, message)
      if (!path) continue
      if (!(await this.options.maySend(tenantId)) || !(await path.send(JSON.stringify(payload)))) break
      this.sent.set(`${tenantId}/${n}`, true)
      handedOver.push(n)
    }
    return handedOver
  }

  private async remove(tenantId: string, places: number[]): Promise<void> {
    await this.options.profiles.of(tenantId).transact(async (unit) => {
      for (const n of places) await unit.remove(HELD, `${n}`)
    })
  }
}
