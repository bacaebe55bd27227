import { isGatewayError } from '../lib/errors.js'
import type { Head } from '../storage/head.js'
import type { Profile } from '../storage/profile.js'
import type { LoggedEvent } from './event.js'
import { assertReadable, readLog } from './log.js'

const RETRY_MS = 500

type Listener = (event: LoggedEvent) => void

/** The live end of one log, for the subscribers of this process. */
interface Tail {
  profile: Profile
  /** The last sequence handed on. */
  last: number
  listeners: Set<Listener>
  /** Called where the log cannot be followed any more. */
  enders: Set<(error: Error) => void>
  /** Catching up runs one at a time; set while it does. */
  busy: boolean
  /** The highest sequence known to be committed. */
  known: number
}

/**
 * Hands events to the subscribers of this process, each log's in order and without gaps. What this process commits
 * comes in directly; what other instances commit is announced by `wake`, and then read from the log.
 */
export class EventHub {
  private readonly tails = new Map<string, Tail>()

  /** Tells other instances that a log has grown; set by whoever can reach them. */
  announce: (log: string, seq: number) => void = () => {}

  /** A commit of this process. */
  publish(log: string, events: LoggedEvent[]): void {
    const last = events.at(-1)
    if (!last) return
    this.announce(log, last.seq)
    const tail = this.tails.get(log)
    if (!tail) return
    if (!tail.busy && events[0]?.seq === tail.last + 1) deliver(tail, events)
    else this.wake(log, last.seq)
  }

  /** The log has grown to `seq` at least. */
  wake(log: string, seq: number): void {
    const tail = this.tails.get(log)
    if (!tail) return
    tail.known = Math.max(tail.known, seq)
    if (seq <= tail.last) return
    if (tail.busy) return
    tail.busy = true
    void this.catchUp(tail)
  }

  /** The logs that somebody in this process follows. */
  get followed(): string[] {
    return [...this.tails.keys()]
  }

  isFollowed(log: string): boolean {
    return this.tails.has(log)
  }

  /** Something may have been committed that nobody will tell of: looks, as soon as the store lets it. */
  async look(log: string): Promise<void> {
    for (let tail = this.tails.get(log); tail; tail = this.tails.get(log)) {
      const head = await tail.profile.head().catch(() => undefined)
      if (head) return this.wake(log, head.seq)
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }

  /** Ends all that follow a log here, with what they are told. */
  end(log: string, error: Error): void {
    const tail = this.tails.get(log)
    if (tail) endAll(tail, error)
  }

  /** Looks for commits of other instances, for the time when none can announce them. */
  async poll(): Promise<void> {
    for (const [log, tail] of this.tails) {
      const head = await tail.profile.head().catch(() => undefined)
      if (head) this.wake(log, head.seq)
    }
  }

  /**
   * Joins the live end of a log.
   * @returns the head at joining: `listener` gets every event after `head.seq`, and only those
   */
  async join(
    profile: Profile,
    listener: Listener,
    ended: (error: Error) => void,
  ): Promise<{ head: Head; leave: () => void }> {
    const log = profile.name
    let tail = this.tails.get(log)
    if (!tail) {
      tail = { profile, last: Number.POSITIVE_INFINITY, known: 0, busy: false, listeners: new Set(), enders: new Set() }
      this.tails.set(log, tail)
    }
    const joined = tail
    const pending: LoggedEvent[] = []
    let from: number | undefined
    const hold: Listener = (event) => {
      if (from === undefined) pending.push(event)
      else if (event.seq > from) {
        from = event.seq
        listener(event)
      }
    }
    joined.listeners.add(hold)
    joined.enders.add(ended)
    const leave = () => {
      joined.listeners.delete(hold)
      joined.enders.delete(ended)
      if (joined.listeners.size === 0 && this.tails.get(log) === joined) this.tails.delete(log)
    }
    try {
      const head = await profile.head()
      from = head.seq
      for (const event of pending) if (event.seq === from + 1) hold(event)
      // Heads that are read at once may be answered out of order: what follows the older one is handed on again, to all.
      joined.last = Math.min(joined.last, from)
      this.wake(log, Math.max(joined.known, head.seq))
      return { head, leave }
    } catch (error) {
      leave()
      throw error
    }
  }

  private async catchUp(tail: Tail): Promise<void> {
    while (tail.last < tail.known && tail.listeners.size > 0) {
      try {
        const after = tail.last
        const head = await tail.profile.head()
        const events = await readLog(tail.profile, { after, limit: 1000, whole: true }, head)
        // Whoever has joined meanwhile begins before these.
        if (tail.last < after) continue
        assertReadable(head, after)
        if (events.length === 0) break
        deliver(tail, events)
      } catch (error) {
        // What comes next was trimmed before it was read here: to go on behind it would tell nobody of the gap.
        if (isGatewayError(error) && error.code === 'CURSOR_EXPIRED') {
          endAll(tail, error)
          break
        }
        // Whoever listens must not miss what comes once the store is back.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    // In the same turn as the last look, so that no wake is lost.
    tail.busy = false
  }
}

function endAll(tail: Tail, error: Error): void {
  for (const ended of [...tail.enders]) ended(error)
}

function deliver(tail: Tail, events: LoggedEvent[]): void {
  for (const event of events) {
    if (event.seq <= tail.last) continue
    tail.last = event.seq
    for (const listener of tail.listeners) listener(event)
  }
}
