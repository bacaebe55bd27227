import type { Session } from '@openwallet-foundation/askar-shared'
import type { Logger } from '../lib/logger.js'
import type { Database } from './database.js'
import { readRevision } from './rows.js'

/** A transaction in which nothing was asked for so long (s) is that of an instance that stands still. */
const STUCK_S = 30
const LOOK_MS = 5000
/** How often whoever computes with a lock in hand shows that it lives (ms). */
const ALIVE_MS = 5000

/** Ends those of our own that others wait for. */
const END = `
  SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
  WHERE datname = current_database() AND usename = current_user
    AND state LIKE 'idle in transaction%' AND state_change < now() - interval '${STUCK_S} s'
    AND pid IN (
      SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock')`

/**
 * Where an instance stands still in the midst of a transaction, or its machine is gone without a word, Postgres keeps the lock of
 * a wallet for it, for hours, and all others wait. They have Postgres end it; what it was about to write it never wrote.
 */
export class StuckTransactions {
  private timer: NodeJS.Timeout | undefined
  private looking: Promise<void> | undefined

  constructor(
    private readonly database: Database,
    private readonly logger: Logger,
  ) {}

  watch(): void {
    if (this.database.kind !== 'postgres') return
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => {
        this.looking = undefined
      })
    }, LOOK_MS).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.looking
  }

  private async look(): Promise<void> {
    try {
      const ended = await this.database.query<{ ended: boolean }>(END)
      if (ended.length === 0) return
      this.logger.warn('An instance stands still in a transaction that others wait for; it was ended', {
        count: ended.length,
      })
    } catch (error) {
      // A store that is away is told of by whoever watches it.
      this.logger.debug('It could not be looked whether transactions stand still', { error })
    }
  }
}

/**
 * Computes with a transaction open, which asks something now and then: whoever stands still cannot. Nothing else may use the
 * session meanwhile.
 */
export async function showingLife<T>(session: Session, compute: () => Promise<T>): Promise<T> {
  let asking: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    asking = readRevision(session).catch(() => {})
  }, ALIVE_MS)
  try {
    return await compute()
  } finally {
    clearInterval(timer)
    await asking
  }
}
