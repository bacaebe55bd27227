import type { Logger } from '../lib/logger.js'

/** How long the store may take to answer (ms). */
const PATIENCE_MS = 2000

/** Knows whether the store answers, and says in the log when it stops and when it goes on: once each, and what to do. */
export class StoreWatch {
  private downSince: number | undefined

  constructor(
    private readonly ping: () => Promise<void>,
    private readonly store: { kind: 'sqlite' | 'postgres'; host?: string },
    private readonly logger: Logger,
  ) {}

  /** Whether it answered when it was last looked at. */
  get up(): boolean {
    return this.downSince === undefined
  }

  /** @returns whether the store answers */
  async look(): Promise<boolean> {
    const began = Date.now()
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer')), PATIENCE_MS)
    })
    try {
      await Promise.race([this.ping(), patience])
      this.answered()
      return true
    } catch (error) {
      this.silent(began, error)
      return false
    } finally {
      clearTimeout(timer)
    }
  }

  private answered(): void {
    if (this.downSince === undefined) return
    this.logger.info('The store is back', { store: this.store.kind, durationMs: Date.now() - this.downSince })
    this.downSince = undefined
  }

  private silent(since: number, error: unknown): void {
    if (this.downSince !== undefined) return
    this.downSince = since
    const { kind, host } = this.store
    const advice =
      kind === 'postgres'
        ? 'look at the Postgres server and DATABASE_URL'
        : 'look at the disk of DATA_DIR, whether it is full or read-only'
    const text = `The store cannot be used. Requests are refused, and peers told to try again, until it is back: ${advice}`
    this.logger.error(text, { store: kind, host, error })
  }
}
