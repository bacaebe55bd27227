import type { Logger } from '../lib/logger.js'
import { Recent } from '../lib/recent.js'
import type { Waits } from '../lib/waits.js'
import type { Profiles } from '../storage/profiles.js'
import type { Unit } from '../storage/unit.js'
import type { DeliveryReport } from './delivery-report.js'
import { removal } from './outbox.js'
import type { Sending } from './sending.js'

export interface SettlingOptions {
  profiles: Profiles
  /** Adds the event of a delivery that was late or given up. */
  report: (unit: Unit, tenantId: string, report: DeliveryReport) => Promise<void>
  /** Whether a tenant is still sent for. */
  isSending: (tenantId: string) => boolean
  /** Nothing of it is left to be sent. */
  ended: (tenantId: string, sending: Sending) => void
  waits: Waits
  logger: Logger
}

/**
 * How long a delivery may wait (ms) to be noted with another commit of its wallet. A crash in that time has it sent
 * again, by the same bytes.
 */
const LAND_MS = 200
/** After this time (ms) what could not be written is tried again. */
const RETRY_MS = 1000
/** A message that left is remembered for so long (ms): what was read of the outbox before may still bring it up. */
const FINISHED_MS = 60_000

/** Takes messages that are done with out of the outbox: with an event where there is something to tell, else with the next commit. */
export class Settling {
  private readonly finished = new Recent<string, true>(50_000, FINISHED_MS)
  private readonly work = new Set<Promise<void>>()

  constructor(private readonly options: SettlingOptions) {}

  /** Whether a message was done with a while ago. */
  isFinished(tenantId: string, n: number): boolean {
    return this.finished.has(`${tenantId}/${n}`)
  }

  /** Resolves, where there is something to tell, once that is told. */
  async settle(tenantId: string, sending: Sending, n: number, report: DeliveryReport | undefined): Promise<void> {
    const profile = this.options.profiles.of(tenantId)
    sending.done.add(n)
    profile.ride({
      changes: [removal(n)],
      prepare: (head) => {
        // Unless others have laid something there, or this very commit does.
        if (sending.done.size === sending.known.size && head.out < sending.next) head.lease = undefined
      },
      committed: () => {
        this.finished.set(`${tenantId}/${n}`, true)
        sending.known.delete(n)
        sending.done.delete(n)
        if (sending.known.size === 0) this.options.ended(tenantId, sending)
      },
    })
    if (!report) return this.landSoon(tenantId, sending)
    await this.noting(tenantId, () => profile.transact((unit) => this.options.report(unit, tenantId, report)))
  }

  /** Resolves once nothing is to be noted any more. */
  async idle(): Promise<void> {
    while (this.work.size > 0) await Promise.allSettled(this.work)
  }

  private landSoon(tenantId: string, sending: Sending): void {
    if (sending.landing) return
    sending.landing = true
    const work = this.options.waits
      .pause(LAND_MS)
      .then(() => {
        sending.landing = false
        return this.noting(tenantId, () => this.options.profiles.of(tenantId).land())
      })
      .finally(() => this.work.delete(work))
    this.work.add(work)
  }

  /** What is delivered is not sent again by this process, also while that cannot be noted in the store. */
  private async noting(tenantId: string, note: () => Promise<void>): Promise<void> {
    const { isSending, waits, logger } = this.options
    while (isSending(tenantId)) {
      try {
        return await note()
      } catch (error) {
        logger.error('A delivery could not be noted', { tenantId, error })
        if (waits.stopped) return
        await waits.pause(RETRY_MS)
      }
    }
  }
}
