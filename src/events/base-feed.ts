import { deferred } from '../lib/deferred.js'
import { isGatewayError } from '../lib/errors.js'
import { Recent } from '../lib/recent.js'
import type { Profiles } from '../storage/profiles.js'
import type { Collector, Unit } from '../storage/unit.js'
import type { EventDraft, LoggedEvent } from './event.js'
import { readLog } from './log.js'

const FEED = '_feed'

/** Whether an event of a tenant's log is for the base stream; some are written there from the start. */
export const isForBase = ({ topic, dispatch, copied }: EventDraft) =>
  topic !== 'TENANT' && dispatch !== 'DEFAULT' && !copied

/** What is to be copied of one tenant's log. */
interface Waiting {
  /** None of them is needed where there is a gap. */
  events: LoggedEvent[]
  /** The last sequence that is known to be committed. */
  through: number
  /** Whether there may be events before these that this process was not told of: they are read from the log. */
  gap: boolean
}

/** How many events of one tenant are read from its log at once. */
const READ_MAX = 1000
/** What could not be copied is tried again after at most (ms). */
const RETRY_MS = 1000

/**
 * Copies what tenants dispatch to the operator from their logs into the base stream: in each tenant's order, each event
 * once. How far a tenant's log has been copied is noted in the transaction of the copy, and everything before that is
 * copied, whichever instance wrote it.
 */
export class BaseFeed {
  private readonly waiting = new Map<string, Waiting>()
  /** Those that wait for another try, while the others go on. */
  private readonly resting = new Set<string>()
  private retry: NodeJS.Timeout | undefined
  private stopped = false
  /** What is just being copied. */
  private batch = new Map<string, Waiting>()
  /** The last sequence of each log that this process has written itself. */
  private readonly told = new Recent<string, number>(20_000)
  private running: Promise<void> | undefined
  /** The end of the next round. */
  private round = deferred()

  constructor(
    private readonly profiles: Profiles,
    private readonly journal: Collector<EventDraft>,
    /** Whether a tenant is still there, as a unit of the base wallet sees it. */
    private readonly exists: (unit: Unit, tenantId: string) => Promise<boolean>,
    /** Called where events could not be copied; it is tried again. */
    private readonly failed: (tenantIds: string[], error: unknown) => void,
  ) {}

  isPending(tenantId: string): boolean {
    return this.waiting.has(tenantId) || this.batch.has(tenantId)
  }

  /** Takes events of a tenant's log that are committed here, in order. */
  push(tenantId: string, events: LoggedEvent[]): void {
    const [first, last] = [events[0], events.at(-1)]
    if (!first || !last) return
    const chosen = events.filter(isForBase)
    const gap = this.told.get(tenantId) !== first.seq - 1
    // Where nothing is to be copied, a gap is left for the next event that is.
    if (chosen.length === 0 && gap) return void this.told.delete(tenantId)
    this.told.set(tenantId, last.seq)
    if (chosen.length > 0) this.await(tenantId, { events: chosen, through: last.seq, gap })
  }

  /** Copies what a crash, or a commit of unknown outcome, has left uncopied; what cannot be copied now is copied later. */
  async recover(tenantId: string): Promise<void> {
    this.resting.delete(tenantId)
    this.await(tenantId, { events: [], through: Number.MAX_SAFE_INTEGER - 1, gap: true })
    // A long log takes several rounds.
    do await this.round.promise
    while (this.waiting.get(tenantId)?.gap && !this.resting.has(tenantId))
  }

  async idle(): Promise<void> {
    await this.running
  }

  /** Tries everything once more. What cannot be copied is left to whoever finds the marks of its tenants. */
  async stop(): Promise<void> {
    this.stopped = true
    this.tryAgain()
    await this.running
  }

  /** What a log has come with, up to `seq`, was told elsewhere. In a unit of the base wallet. */
  beginAfter(unit: Unit, tenantId: string, seq: number): void {
    unit.insert({ category: FEED, name: tenantId, value: JSON.stringify(seq), tags: {} })
  }

  /** Forgets a tenant, in the unit that removes it. */
  async forget(unit: Unit, tenantId: string): Promise<void> {
    this.waiting.delete(tenantId)
    this.resting.delete(tenantId)
    await unit.remove(FEED, tenantId)
  }

  private await(tenantId: string, part: Waiting): void {
    const before = this.waiting.get(tenantId)
    this.waiting.set(tenantId, before ? merge(before, part) : part)
    this.running ??= this.run()
  }

  private async run(): Promise<void> {
    do {
      // Whatever was committed in this turn of the event loop is copied in one transaction.
      await new Promise((resolve) => setImmediate(resolve))
      const { due, round } = this
      this.round = deferred()
      this.batch = new Map(due)
      for (const [tenantId] of due) this.waiting.delete(tenantId)
      await this.copyAll()
      this.batch.clear()
      round.resolve()
    } while (this.due.length > 0)
    this.running = undefined
    // Who has come in the last round waits for another, which there is none of where its log has to rest.
    this.round.resolve()
    this.round = deferred()
  }

  private get due(): [string, Waiting][] {
    return [...this.waiting].filter(([tenantId]) => !this.resting.has(tenantId))
  }

  /** Copies what was taken. A tenant whose log cannot be read keeps no other waiting. */
  private async copyAll(): Promise<void> {
    const failed = new Map<string, Waiting>()
    let cause: unknown
    for (const [tenantId, part] of this.batch) {
      try {
        if (part.gap) this.batch.set(tenantId, await this.fill(tenantId, part))
      } catch (error) {
        this.batch.delete(tenantId)
        if (isGatewayError(error)) {
          this.leave(tenantId)
          continue
        }
        failed.set(tenantId, part)
        cause = error
      }
    }
    try {
      if (this.batch.size > 0) await this.copy(this.batch)
    } catch (error) {
      for (const [tenantId, part] of this.batch) failed.set(tenantId, part)
      cause = error
    }
    if (failed.size === 0) return
    for (const [tenantId, part] of failed) this.putBack(tenantId, part)
    this.failed([...failed.keys()], cause)
  }

  /** A locked wallet is looked at again once it is unlocked, with all that is not copied of it, whatever comes first. */
  private leave(tenantId: string): void {
    this.told.delete(tenantId)
    const later = this.waiting.get(tenantId)
    if (later) later.gap = true
  }

  private putBack(tenantId: string, part: Waiting): void {
    const later = this.waiting.get(tenantId)
    this.waiting.set(tenantId, later ? merge(part, later) : part)
    this.resting.add(tenantId)
    if (!this.stopped) this.retry ??= setTimeout(() => this.tryAgain(), RETRY_MS).unref()
  }

  private tryAgain(): void {
    clearTimeout(this.retry)
    this.retry = undefined
    this.resting.clear()
    this.running ??= this.run()
  }

  /** Reads from a tenant's log what is not copied yet; a very long part is left for another turn. */
  private async fill(tenantId: string, { through }: Waiting): Promise<Waiting> {
    const profile = this.profiles.of(tenantId)
    const entry = await this.profiles.base.fetch(FEED, tenantId)
    const after = entry ? (JSON.parse(entry.value) as number) : 0
    const query = { after, before: through + 1, limit: READ_MAX, matches: isForBase }
    const events = await readLog(profile, query, await profile.head())
    if (events.length === READ_MAX) this.await(tenantId, { events: [], through, gap: true })
    return { events, through, gap: false }
  }

  private async copy(batch: Map<string, Waiting>): Promise<void> {
    await this.profiles.base.transact(async (unit) => {
      for (const [tenantId, { events }] of batch) {
        const entry = await unit.fetch(FEED, tenantId)
        const from = entry ? (JSON.parse(entry.value) as number) : 0
        const fresh = events.filter(({ seq }) => seq > from)
        const last = fresh.at(-1)
        if (!last || !(await this.exists(unit, tenantId))) continue
        for (const { seq: _, basePayload, ...draft } of fresh)
          unit.add(this.journal, { ...draft, payload: basePayload ?? draft.payload })
        const next = { category: FEED, name: tenantId, value: JSON.stringify(last.seq), tags: {} }
        if (entry) await unit.replace(next)
        else unit.insert(next)
      }
    })
  }
}

/** What is read from the log need not be kept until then. */
function merge(first: Waiting, then: Waiting): Waiting {
  const gap = first.gap || then.gap
  return { events: gap ? [] : [...first.events, ...then.events], through: Math.max(first.through, then.through), gap }
}
