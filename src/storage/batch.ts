import { allOf } from '../lib/all-of.js'
import { type Change, categoryOf, type KeyChange, REMOVED_KEYS } from './change.js'
import { entryKey } from './entry.js'
import { ConflictError, StoreError, storeError } from './errors.js'
import type { Head } from './head.js'
import { freeKey } from './key-forms.js'
import { Overlay, type UnitSource } from './overlay.js'
import { runInUnit, type Settled, Unit } from './unit.js'

/** A unit of work that waits for its turn, and who waits for it. */
export interface Job {
  run(unit: Unit): Promise<unknown>
  /** Runs a function as whoever asked for the job. */
  within<T>(fn: () => T): T
  resolve(result: unknown): void
  reject(error: unknown): void
}

/**
 * Units of one profile that are written in one transaction: each is run on what those before it will leave. None is
 * answered before all are written, for each may have seen what the others have changed.
 */
export class Batch {
  readonly jobs: Job[] = []
  /** Jobs that have found out themselves that they have to run again. */
  readonly lost: Job[] = []
  /** The head as the batch will leave it. */
  head: Head
  /** In the order in which they are to be written. */
  readonly changes: Change[] = []
  readonly keys: KeyChange[] = []
  readonly absent: { category: string; name: string }[] = []
  /** Whether an answer depends on what was read. */
  hasRead = false
  /** Whether a unit took something to be absent without a look. */
  assumed = false
  private readonly view: Overlay
  private readonly answers: (() => void)[] = []
  private readonly settled: { job: Job; part: Settled }[] = []

  constructor(
    source: UnitSource,
    private readonly profile: string,
    readonly base: Head,
    /** Whether its units look at everything that they would take for granted. */
    private readonly careful = false,
  ) {
    this.head = base
    this.view = new Overlay(source)
  }

  /** Whether there is anything to write. */
  get dirty(): boolean {
    return this.head !== this.base
  }

  /** Runs a job. */
  async add(job: Job): Promise<void> {
    this.jobs.push(job)
    const unit = new Unit(this.view, this.profile, this.head, this.careful)
    try {
      const result = await job.within(() => gather(unit, job))
      if (unit.dirty) this.take(unit, job)
      this.answers.push(() => job.resolve(result))
      this.hasRead = true
    } catch (error) {
      free(unit.seal().keys)
      if (error instanceof ConflictError) this.lost.push(job)
      else this.answers.push(() => job.reject(error))
      this.hasRead ||= !(error instanceof StoreError)
    }
  }

  /** Runs those again that were lost, on what the others leave. */
  async addLost(): Promise<void> {
    for (const job of this.lost.splice(0)) {
      this.jobs.splice(this.jobs.indexOf(job), 1)
      await this.add(job)
    }
  }

  /** Takes along changes that are in no hurry. Only where there is something to write. */
  carry(changes: readonly Change[]): void {
    this.changes.push(...changes)
    countCategories(this.head, changes)
  }

  /** Tells what was gathered that it is written, in the order of the units. */
  committed(): void {
    for (const { job, part } of this.settled) if (part.committed) job.within(part.committed)
  }

  /** Tells what was gathered that it may be written. */
  uncertain(): void {
    for (const { job, part } of this.settled) if (part.uncertain) job.within(part.uncertain)
  }

  /** Answers every job that has come to its end. */
  answer(): void {
    for (const answer of this.answers) answer()
  }

  /** Gives back what would have been kept. */
  discard(): void {
    free(this.keys)
  }

  private take(unit: Unit, job: Job): void {
    const { base, head } = unit
    const { changes, keys, items } = unit.seal()
    const settled = [...items].flatMap(
      ([collector, gathered]) => collector.settle?.(gathered, head, this.profile) ?? [],
    )
    const all = [...changes, ...settled.flatMap((part) => part.changes)]
    head.rev = base.rev + 1
    if (base.bytes !== undefined) head.bytes = base.bytes + unit.growth
    head.counts = unit.counts
    countCategories(head, all)
    if (keys.some(({ op }) => op === 'remove')) countCategory(head, REMOVED_KEYS)
    this.head = head
    this.assumed ||= unit.assumed
    this.changes.push(...all)
    this.keys.push(...keys)
    this.absent.push(...unit.absent)
    this.settled.push(...settled.map((part) => ({ job, part })))
    for (const change of all) this.view.changes.set(nameOf(change), change)
    for (const change of keys) this.view.keys.set(change.name, change)
  }
}

/** Lets a unit gather what it wants to do. */
async function gather(unit: Unit, job: Job): Promise<unknown> {
  let result: unknown
  try {
    result = await runInUnit(unit, () => job.run(unit))
  } catch (error) {
    unit.seal()
    throw unit.broken ? storeError(unit.broken.cause) : error
  }
  if (unit.broken) throw storeError(unit.broken.cause)
  // At once: what several of them write to the base wallet is one transaction there.
  await allOf([...unit.seal().items].map(([collector, items]) => collector.prepare?.(items, unit.profile)))
  return result
}

function countCategories(head: Head, changes: readonly Change[]): void {
  for (const category of new Set(changes.map(categoryOf))) countCategory(head, category)
}

function countCategory({ cats }: Head, category: string): void {
  cats[category] = (cats[category] ?? 0) + 1
}

const nameOf = (change: Change) =>
  change.op === 'clear'
    ? entryKey(change.category, JSON.stringify(change.query))
    : entryKey(categoryOf(change), 'entry' in change ? change.entry.name : change.name)

function free(keys: readonly KeyChange[]): void {
  for (const change of keys) if (change.op === 'insert') freeKey(change.key)
}
