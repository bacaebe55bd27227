import type { Session } from '@openwallet-foundation/askar-shared'
import { deferred } from '../lib/deferred.js'

/** How long a session is lent on before others get its place (ms). */
const LENT_MS = 25

/** Lends a session for as long as `read` takes. */
type Lend = (read: (session: Session) => Promise<void>) => Promise<void>

interface Lent {
  readonly session: Promise<Session>
  readers: number
  /** Set once it is open. */
  until?: number
  end(): void
}

/**
 * Lends one session to reads that follow each other at once, as those of a unit of work do: to open and close one costs
 * more than a read. It goes back as soon as the event loop comes round without a reader, so whoever computes or waits
 * with a unit in hand never holds one.
 */
export class Reading {
  private lent: Lent | undefined

  constructor(private readonly lend: Lend) {}

  async read<T>(fn: (session: Session) => Promise<T>): Promise<T> {
    const lent = this.take()
    lent.readers += 1
    try {
      return await fn(await lent.session)
    } catch (error) {
      // It may be broken: who comes next gets another.
      this.leave(lent)
      throw error
    } finally {
      lent.readers -= 1
      if (lent.readers === 0) setImmediate(() => this.endUnread(lent))
    }
  }

  private take(): Lent {
    const { lent } = this
    if (lent && (lent.until === undefined || performance.now() < lent.until)) return lent
    const [opened, ended] = [deferred<Session>(), deferred()]
    const next: Lent = { session: opened.promise, readers: 0, end: ended.resolve }
    this.lent = next
    const lending = this.lend((session) => {
      next.until = performance.now() + LENT_MS
      opened.resolve(session)
      return ended.promise
    })
    // Where none could be opened every reader is told; where it could not be closed nobody asks any more.
    lending.catch(opened.reject)
    return next
  }

  private leave(lent: Lent): void {
    if (this.lent === lent) this.lent = undefined
  }

  private endUnread(lent: Lent): void {
    if (lent.readers > 0) return
    this.leave(lent)
    lent.end()
  }
}
