import type { Logger } from '../lib/logger.js'
import { Recent } from '../lib/recent.js'
import type { Profile } from '../storage/profile.js'
import { type Acting, actingFor } from './acting.js'
import { type Audited, audit } from './audit.js'

/** How many refusals of one actor are written down at once, and after how long (ms) one more is. */
const BURST = 20
const REFILL_MS = 5 * 60_000
const ACTORS_MAX = 10_000

/** What an actor may still write. */
interface Budget {
  left: number
  at: number
  /** What was not written by itself, and the last of it. */
  missed: number
  last: { acting: Acting; audited: Audited } | undefined
}

/**
 * Writes refused attempts into the audit log, within bounds: whoever knocks on and on is counted, and a flood cannot fill
 * the store. All wrong operator keys are one actor, as addresses cost nothing.
 */
export class Refusals {
  private readonly budgets = new Recent<string, Budget>(ACTORS_MAX)

  constructor(
    private readonly base: Profile,
    private readonly logger: Logger,
  ) {}

  /** An operator key that does not hold was sent. */
  noteKey(origin: string | null): void {
    const viewer: Acting['viewer'] = { role: 'ANONYMOUS', operatorKey: false }
    this.note({ viewer, origin }, { action: 'CREDENTIALS_REFUSED', tenantId: null })
  }

  note(acting: Acting, audited: Audited): void {
    const { viewer } = acting
    const actor =
      viewer.role === 'TENANT' ? viewer.tenantId : viewer.role === 'OPERATOR' ? viewer.operatorKey.keyId : viewer.role
    const budget = refill(this.budgets.get(actor) ?? { left: BURST, at: Date.now(), missed: 0, last: undefined })
    this.budgets.set(actor, budget)
    budget.missed += 1
    budget.last = { acting, audited }
    if (budget.left >= 1) this.write(budget).catch((error) => this.failed(error))
  }

  /** Writes what was counted and may now be written; at the end all of it. */
  async flush(all = false): Promise<void> {
    for (const budget of this.budgets.values()) if (refill(budget).left >= 1 || all) await this.write(budget)
  }

  /** One entry for all that was missed. */
  private async write(budget: Budget): Promise<void> {
    const { missed, last } = budget
    if (!last || missed === 0) return
    budget.missed = 0
    budget.left -= 1
    const { acting, audited } = last
    const details = missed === 1 ? audited.details : { ...audited.details, count: missed }
    await actingFor(acting, () => this.base.transact(async (unit) => audit(unit, { ...audited, details })))
  }

  private failed(error: unknown): void {
    this.logger.warn('A refused attempt could not be written down', { error })
  }
}

function refill(budget: Budget): Budget {
  const gained = Math.floor((Date.now() - budget.at) / REFILL_MS)
  budget.left = Math.min(BURST, budget.left + gained)
  budget.at += gained * REFILL_MS
  return budget
}
