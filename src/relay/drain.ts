import type { EventDraft } from '../events/event.js'
import { isGatewayError } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import { OneAtATime } from '../lib/one-at-a-time.js'
import type { Profiles } from '../storage/profiles.js'
import type { Collector } from '../storage/unit.js'
import type { TenantStore } from '../tenants/tenant-store.js'
import { queuedDraft, type Sealed, type SealedQueue } from './sealed-queue.js'

const RETRY_MS = 1000
/** What keeps a message from being handled, as a full wallet or a mediator that is away, is looked at again after (ms). */
const WAIT_MS = 10_000
/** Locked or suspended again, or gone: whoever opens it begins anew. */
const ENDS = ['TENANT_LOCKED', 'TENANT_SUSPENDED', 'NOT_FOUND'] as const
/** What is known to take its time. */
const WAITS = ['QUOTA_EXCEEDED', 'PEER_UNREACHABLE', 'RATE_LIMITED'] as const

export interface DrainOptions {
  queue: SealedQueue
  tenants: TenantStore
  profiles: Profiles
  journal: Collector<EventDraft>
  /** Notes that a crash would leave a queue half drained. */
  mark: (tenantId: string) => Promise<void>
  /**
   * Handles one message as if it had come now, and notes in the same unit that it was.
   * @throws TENANT_LOCKED, TENANT_SUSPENDED, NOT_FOUND
   */
  handle: (tenantId: string, sealed: Sealed) => Promise<void>
  logger: Logger
}

/**
 * Hands tenants what came while they could not take it, in order. That a message was handled is noted in the unit that
 * handles it, so neither a crash nor a second instance that drains has one handled twice.
 */
export class Drain {
  /** What is asked for while one ends, as its tenant is suspended, is not lost. */
  private readonly runs = new OneAtATime((tenantId) => this.run(tenantId))
  /** Those that wait for room in the wallet, or for a mediator. */
  private readonly waiting = new Map<string, () => void>()
  private stopping = false

  constructor(private readonly options: DrainOptions) {}

  isDraining(tenantId: string): boolean {
    return this.runs.isRunning(tenantId)
  }

  /** Begins to drain, unless that is under way; where it waits for room in the wallet, it tries again. */
  begin(tenantId: string): void {
    if (this.stopping) return
    const wake = this.waiting.get(tenantId)
    if (wake) wake()
    else void this.runs.begin(tenantId)
  }

  async stop(): Promise<void> {
    this.stopping = true
    for (const wake of this.waiting.values()) wake()
    await this.runs.idle()
  }

  private async run(tenantId: string): Promise<void> {
    const { logger } = this.options
    while (!this.stopping) {
      try {
        await this.options.mark(tenantId)
        return await this.empty(tenantId)
      } catch (error) {
        if (ENDS.some((code) => isGatewayError(error, code))) return
        if (!WAITS.some((code) => isGatewayError(error, code)))
          logger.warn('What waits for a tenant could not be handled yet', { tenantId, error })
        if (isGatewayError(error)) await this.waitFor(tenantId)
        else await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  /** Resolves once there may be room in the wallet, or its mediator may be back. */
  private async waitFor(tenantId: string): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, WAIT_MS)
      this.waiting.set(tenantId, () => {
        clearTimeout(timer)
        resolve()
      })
    })
    this.waiting.delete(tenantId)
  }

  private async empty(tenantId: string): Promise<void> {
    const { queue, profiles } = this.options
    let after = (await profiles.of(tenantId).head()).queue.handled
    for (let left = 1; left > 0; ) {
      const messages = await queue.next(tenantId, after)
      await this.tell(tenantId, messages)
      const handled: Sealed[] = []
      try {
        for (const sealed of messages) {
          if (this.stopping) return
          await this.options.handle(tenantId, sealed)
          handled.push(sealed)
          after = Math.max(after, sealed.n)
        }
      } finally {
        const removed = await queue.remove(tenantId, handled)
        left = removed.left
        // Of several instances that drain, one ends it.
        if (removed.ended) await this.told(tenantId)
      }
    }
  }

  /** Has the events of queued messages join the tenant's log. */
  private async tell(tenantId: string, messages: Sealed[]): Promise<void> {
    const { profiles, tenants, journal } = this.options
    const tenant = await tenants.find(tenantId)
    const last = messages.at(-1)
    if (!tenant || !last) return
    await profiles.of(tenantId).transact(async (unit) => {
      const { queue } = unit.head
      for (const sealed of messages) if (sealed.n > queue.told) unit.add(journal, queuedDraft(tenant, sealed))
      if (last.n <= queue.told) return
      queue.told = last.n
      unit.touch()
    })
  }

  /** The queue is empty. */
  private async told(tenantId: string): Promise<void> {
    const { profiles, tenants, journal } = this.options
    const tenant = await tenants.find(tenantId)
    if (!tenant) return
    await profiles.of(tenantId).transact(async (unit) => {
      const payload = { queuedMessages: 0 }
      unit.add(journal, { tenantId, topic: 'QUEUE', dispatch: tenant.eventDispatch, payload })
    })
  }
}
