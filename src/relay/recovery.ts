import type { Logger } from '../lib/logger.js'
import type { Liveness } from '../redis/liveness.js'
import type { Entry } from '../storage/entry.js'
import type { Profile } from '../storage/profile.js'
import type { Unit } from '../storage/unit.js'

export const MARKS = '_mark'
/** Instances, by name, each with the time (ms) until which it counts as living. */
export const INSTANCES = '_instance'

/** An instance that has not said for this long that it lives (ms) is taken for dead. */
const ALIVE_MS = 12_000
const BEAT_MS = 3000
/** One that has not said it for this long (ms), and whom Redis does not hear of either, is silent. */
const SILENT_MS = 1.5 * BEAT_MS

export interface RecoveryOptions {
  base: Profile
  instanceId: string
  /** Of this process: one that starts later under the same name finds its notes. */
  self: string
  /** Whether other instances work on the same store. Where not, whatever a former process left is ours. */
  shared: boolean
  /** Absent where nobody tells sooner than {@link ALIVE_MS} that an instance has ended. */
  liveness: Liveness | undefined
  /** What every instance should have alike, for whoever compares them. */
  facts: Record<string, string>
  logger: Logger
}

/** Finishes what an instance that died left of a tenant: messages that wait, events not yet copied. */
export type TakeOver = (tenantId: string, isAlive: (instance: string) => boolean) => Promise<void>

/**
 * Finds the work that a crash left behind. Before an instance writes what needs work after its commit, it notes the
 * tenant in the base wallet; the note goes when there is nothing left to do. Notes of instances that died say where to
 * look, so that no start has to open every wallet.
 */
export class Recovery {
  private readonly self: string
  private readonly marked = new Map<string, { written: Promise<void>; usedAt: number }>()
  private beat: NodeJS.Timeout | undefined
  private takeOver: TakeOver | undefined
  private sayingAlive: Promise<void> | undefined
  private sweeping = false

  constructor(private readonly options: RecoveryOptions) {
    this.self = options.self
  }

  /** From now on this instance says that it lives. */
  live(): void {
    if (!this.options.shared) return
    this.beat = setInterval(() => {
      // Apart: what is taken over may take long, and whoever is silent meanwhile is taken for dead.
      void this.sayAlive()
      void this.sweep()
    }, BEAT_MS)
    this.beat.unref()
  }

  /** Looks for unfinished work now, and then as often as this instance says that it lives. */
  async begin(takeOver: TakeOver): Promise<void> {
    this.takeOver = takeOver
    if (this.options.shared) await this.sayAlive()
    await this.sweep()
  }

  /** To be awaited before a commit that leaves work to do. The base wallet is looked at without a note. */
  mark(tenantId: string): Promise<void> {
    if (tenantId === this.options.base.name) return Promise.resolve()
    const known = this.marked.get(tenantId)
    if (known) {
      known.usedAt = Date.now()
      return known.written
    }
    const written = this.options.base.transact(async (unit) => {
      if (!(await unit.fetchUnlikely(MARKS, this.nameOf(tenantId)))) this.insertMark(unit, tenantId)
    })
    this.marked.set(tenantId, { written, usedAt: Date.now() })
    written.catch(() => this.marked.delete(tenantId))
    return written
  }

  /** There is nothing left to do for these tenants. */
  async unmark(tenantIds: string[]): Promise<void> {
    const known = tenantIds.filter((tenantId) => this.marked.delete(tenantId))
    if (known.length === 0) return
    await this.options.base.transact(async (unit) => {
      for (const tenantId of known) {
        if (!this.marked.has(tenantId)) await unit.remove(MARKS, this.nameOf(tenantId))
      }
    })
  }

  /** Whether a tenant is noted here. */
  hasMarked(tenantId: string): boolean {
    return this.marked.has(tenantId)
  }

  /** Tenants noted, but not within the last `ms`: whoever has just noted one may not have committed yet. */
  quiet(ms: number): string[] {
    const before = Date.now() - ms
    return [...this.marked].filter(([, { usedAt }]) => usedAt < before).map(([tenantId]) => tenantId)
  }

  /** Whether an instance, by its name for itself, still lives. */
  async isAlive(instance: string): Promise<boolean> {
    return instance === this.self || (this.options.shared && (await this.living()).has(instance))
  }

  /**
   * Whether an instance, by the name that it is started under, has ended as far as can be told: sooner than by its time
   * here alone, and by two witnesses, as either can be what cannot be reached.
   */
  async isSilent(instanceId: string): Promise<boolean> {
    const { liveness, base } = this.options
    if (!liveness) return false
    for (const { name, value } of await base.query(INSTANCES, {})) {
      if (startedAs(name) !== instanceId) continue
      if (JSON.parse(value) - ALIVE_MS + SILENT_MS > Date.now() || !(await liveness.isSilent(name))) return false
    }
    return true
  }

  /** The names that other instances which run on the store were started under. */
  async others(): Promise<string[]> {
    return [...new Set([...(await this.living())].map(startedAs))].sort()
  }

  /** Recovers what dead ones left. */
  private async sweep(): Promise<void> {
    const { takeOver } = this
    if (!takeOver || this.sweeping) return
    this.sweeping = true
    try {
      const { shared } = this.options
      let alive = shared ? await this.living() : new Set<string>()
      for (const entry of await this.options.base.query(MARKS, {})) {
        const instance = String(entry.tags['instance'])
        if (alive.has(instance) || instance === this.self) continue
        // What was taken over before it may have taken long.
        if (shared) alive = await this.living()
        if (alive.has(instance)) continue
        const tenantId = JSON.parse(entry.value) as string
        const isAlive = (name: string) => name === this.self || alive.has(name)
        await this.recoverOne(entry.name, instance, tenantId, () => takeOver(tenantId, isAlive)).catch((error) =>
          this.options.logger.warn('Unfinished work could not be taken over', { tenantId, error }),
        )
      }
      if (shared) await this.forgetEnded()
    } catch (error) {
      this.options.logger.warn('The search for unfinished work failed', { error })
    } finally {
      this.sweeping = false
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.beat)
    if (!this.options.shared) return
    await this.sayingAlive
    await this.options.base.transact(async (unit) => {
      await unit.remove(INSTANCES, this.self)
    })
  }

  private async recoverOne(
    mark: string,
    instance: string,
    tenantId: string,
    recover: () => Promise<void>,
  ): Promise<void> {
    this.options.logger.info('Taking over unfinished work of an instance that ended', { tenantId })
    // Its own mark first: the work must not be lost if this instance ends as well.
    await this.mark(tenantId)
    await recover()
    await this.options.base.transact(async (unit) => {
      // It stood still, and goes on: what it has noted is its own again.
      const living = await unit.fetch(INSTANCES, instance)
      if (!living || this.hasEnded(living)) await unit.remove(MARKS, mark)
    })
  }

  /** Says that this instance lives: one at a time, however long it takes. */
  private sayAlive(): Promise<void> {
    this.sayingAlive ??= this.noteAlive()
      .catch((error) => this.options.logger.warn('This instance could not say that it lives', { error }))
      .finally(() => {
        this.sayingAlive = undefined
      })
    return this.sayingAlive
  }

  private async noteAlive(): Promise<void> {
    await this.options.base.transact(async (unit) => {
      const entry = {
        category: INSTANCES,
        name: this.self,
        value: JSON.stringify(Date.now() + ALIVE_MS),
        tags: this.options.facts,
      }
      const before = await unit.fetch(INSTANCES, this.self)
      // Others took it for dead, and may have taken away its notes as they took over what they stand for.
      if (!before || JSON.parse(before.value) <= Date.now()) await this.markAgain(unit)
      if (!(await unit.replace(entry))) unit.insert(entry)
    })
  }

  private async markAgain(unit: Unit): Promise<void> {
    for (const tenantId of this.marked.keys()) {
      if (!(await unit.fetch(MARKS, this.nameOf(tenantId)))) this.insertMark(unit, tenantId)
    }
  }

  private insertMark(unit: Unit, tenantId: string): void {
    const value = JSON.stringify(tenantId)
    unit.insert({ category: MARKS, name: this.nameOf(tenantId), value, tags: { instance: this.self } })
  }

  private async living(): Promise<Set<string>> {
    const entries = await this.options.base.query(INSTANCES, {})
    return new Set(entries.filter((entry) => !this.hasEnded(entry)).map(({ name }) => name))
  }

  /** Takes away what instances that ended without a word have said of themselves. */
  private async forgetEnded(): Promise<void> {
    const others = (await this.options.base.query(INSTANCES, {})).filter(({ name }) => name !== this.self)
    const ended = others.filter((entry) => this.hasEnded(entry))
    if (ended.length === 0) return
    await this.options.base.transact(async (unit) => {
      for (const { category, name } of ended) {
        const entry = await unit.fetch(category, name)
        if (entry && this.hasEnded(entry)) await unit.remove(category, name)
      }
    })
  }

  /** No two processes have one name: an earlier one of this name has ended, whatever it said last. */
  private hasEnded({ name, value }: Entry): boolean {
    return JSON.parse(value) <= Date.now() || startedAs(name) === this.options.instanceId
  }

  private nameOf(tenantId: string): string {
    return `${this.self}/${tenantId}`
  }
}

/** The name that a process, by its name for itself, was started under. */
const startedAs = (self: string) => self.slice(0, self.lastIndexOf('/'))
