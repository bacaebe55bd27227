import type { Profile } from '../storage/profile.js'
import type { Profiles } from '../storage/profiles.js'
import type { Collector } from '../storage/unit.js'
import type { EventDraft, LoggedEvent } from './event.js'
import { readLog } from './log.js'

const FEED = '_feed'

/** Whether an event of a tenant's log is for the base stream; its lifecycle events are written there from the start. */
export const isForBase = ({ topic, dispatch }: EventDraft) => topic !== 'TENANT' && dispatch !== 'DEFAULT'

/**
 * Copies what tenants dispatch to the operator from their logs into the base stream: in each tenant's order, each event
 * once. How far a tenant's log has been copied is noted in the transaction of the copy.
 */
export class BaseFeed {
  private readonly waiting = new Map<string, LoggedEvent[]>()
  private running: Promise<void> | undefined

  constructor(
    private readonly profiles: Profiles,
    private readonly journal: Collector<EventDraft>,
    private readonly failed: (error: unknown) => void,
  ) {}

  get pending(): boolean {
    return this.waiting.size > 0 || this.running !== undefined
  }

  isPending(tenantId: string): boolean {
    return this.waiting.has(tenantId)
  }

  /** Takes events of a tenant's log that are committed, in order. */
  push(tenantId: string, events: LoggedEvent[]): void {
    const chosen = events.filter(isForBase)
    if (chosen.length === 0) return
    this.waiting.set(tenantId, [...(this.waiting.get(tenantId) ?? []), ...chosen])
    this.running ??= this.run()
  }

  /** Copies what a crash has left uncopied. */
  async recover(tenantId: string): Promise<void> {
    const profile = this.profiles.of(tenantId)
    const head = await profile.head()
    const from = await copied(this.profiles.base, tenantId)
    this.push(tenantId, await readLog(profile, { after: from, limit: head.seq }, head))
    await this.running
  }

  async idle(): Promise<void> {
    await this.running
  }

  /** Forgets a tenant. */
  async drop(tenantId: string): Promise<void> {
    this.waiting.delete(tenantId)
    await this.profiles.base.transact(async (unit) => {
      await unit.remove(FEED, tenantId)
    })
  }

  private async run(): Promise<void> {
    // Whatever was committed in this turn of the event loop is copied in one transaction.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.waiting.size > 0) {
      const batch = new Map(this.waiting)
      this.waiting.clear()
      try {
        await this.copy(batch)
      } catch (error) {
        for (const [tenantId, events] of batch) {
          this.waiting.set(tenantId, [...events, ...(this.waiting.get(tenantId) ?? [])])
        }
        this.failed(error)
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    }
    this.running = undefined
  }

  private async copy(batch: Map<string, LoggedEvent[]>): Promise<void> {
    await this.profiles.base.transact(async (unit) => {
      for (const [tenantId, events] of batch) {
        const entry = await unit.fetch(FEED, tenantId)
        const from = entry ? (JSON.parse(entry.value) as number) : 0
        const fresh = events.filter(({ seq }) => seq > from)
        const last = fresh.at(-1)
        if (!last) continue
        for (const { seq: _, ...draft } of fresh) unit.add(this.journal, draft)
        const next = { category: FEED, name: tenantId, value: JSON.stringify(last.seq), tags: {} }
        if (entry) await unit.replace(next)
        else unit.insert(next)
      }
    })
  }
}

async function copied(base: Profile, tenantId: string): Promise<number> {
  const entry = await base.fetch(FEED, tenantId)
  return entry ? (JSON.parse(entry.value) as number) : 0
}
