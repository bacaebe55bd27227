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
  events: LoggedEvent[]
  /** The last sequence that is known to be committed. */
  through: number
  /** Whether there may be events before these that this process was not told of: they are read from the log. */
  gap: boolean
}

/** How many events of one tenant are read from its log at once. */
const READ_MAX = 1000
const RETRY_MS = 1000

/**
 * Copies what tenants dispatch to the operator from their logs into the base stream: in each tenant's order, each event
 * once. How far a tenant's log has been copied is noted in the transaction of the copy, and everything before that is
 * copied, whichever instance wrote it.
 */
export class BaseFeed {
  private readonly waiting = new Map<string, Waiting>()
  /** The last sequence of each log that this process has written itself. */
  private readonly told = new Recent<string, number>(20_000)
  private running: Promise<void> | undefined

  constructor(
    private readonly profiles: Profiles,
    private readonly journal: Collector<EventDraft>,
    /** Whether a tenant is still there, as a unit of the base wallet sees it. */
    private readonly exists: (unit: Unit, tenantId: string) => Promise<boolean>,
    /** Called where events could not be copied; it is tried again. */
    private readonly failed: (tenantIds: string[], error: unknown) => void,
  ) {}

  get pending(): boolean {
    return this.waiting.size > 0 || this.running !== undefined
  }

  isPending(tenantId: string): boolean {
    return this.waiting.has(tenantId)
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

  /** Copies what a crash, or a commit of unknown outcome, has left uncopied. */
  async recover(tenantId: string): Promise<void> {
    this.await(tenantId, { events: [], through: Number.MAX_SAFE_INTEGER - 1, gap: true })
    await this.running
  }

  async idle(): Promise<void> {
    await this.running
  }

  /** What a log has come with, up to `seq`, was told elsewhere. In a unit of the base wallet. */
  beginAfter(unit: Unit, tenantId: string, seq: number): void {
    unit.insert({ category: FEED, name: tenantId, value: JSON.stringify(seq), tags: {} })
  }

  /** Forgets a tenant, in the unit that removes it. */
  async forget(unit: Unit, tenantId: string): Promise<void> {
    this.waiting.delete(tenantId)
    await unit.remove(FEED, tenantId)
  }

  private await(tenantId: string, { events, through, gap }: Waiting): void {
    const before = this.waiting.get(tenantId)
    this.waiting.set(tenantId, {
      events: [...(before?.events ?? []), ...events],
      through: Math.max(before?.through ?? 0, through),
      gap: gap || (before?.gap ?? false),
    })
    this.running ??= this.run()
  }

  private async run(): Promise<void> {
    // Whatever was committed in this turn of the event loop is copied in one transaction.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.waiting.size > 0) {
      const batch = new Map(this.waiting)
      this.waiting.clear()
      try {
        for (const [tenantId, part] of batch) if (part.gap) await this.fillIn(batch, tenantId, part)
        await this.copy(batch)
      } catch (error) {
        for (const [tenantId, part] of batch) {
          const later = this.waiting.get(tenantId)
          this.waiting.delete(tenantId)
          this.await(tenantId, part)
          if (later) this.await(tenantId, later)
        }
        this.failed([...batch.keys()], error)
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    this.running = undefined
  }

  /** A locked wallet is looked at again once it is unlocked, with all that is not copied of it, whatever comes first. */
  private async fillIn(batch: Map<string, Waiting>, tenantId: string, part: Waiting): Promise<void> {
    try {
      batch.set(tenantId, await this.fill(tenantId, part))
    } catch (error) {
      if (!isGatewayError(error)) throw error
      batch.delete(tenantId)
      this.told.delete(tenantId)
      const later = this.waiting.get(tenantId)
      if (later) later.gap = true
    }
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
