import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Session } from '@openwallet-foundation/askar-shared'
import { isGatewayError } from '../lib/errors.js'
import { enterGateAgain, leaveGate } from '../lib/fair-gate.js'
import { Semaphore } from '../lib/semaphore.js'
import { Batch, type Job } from './batch.js'
import type { Change } from './change.js'
import { countWallet, isCounted } from './count.js'
import { Crowd } from './crowd.js'
import type { Entry, TagQuery } from './entry.js'
import { ConflictError, FencedError, StoreError, storeError } from './errors.js'
import type { Head } from './head.js'
import { joinAppended } from './joined.js'
import { type Listed, type ListQuery, readList } from './list.js'
import { mergeChanges } from './merge-changes.js'
import { Picture } from './picture.js'
import { WALLET_ENTRIES } from './profile-cache.js'
import {
  applyChange,
  applyKey,
  fetchEntry,
  isDuplicate,
  queryEntries,
  readHead,
  readRevision,
  writeHead,
} from './rows.js'
import { BASE_PROFILE } from './store.js'
import type { StoreSessions } from './store-sessions.js'
import { showingLife } from './stuck-transactions.js'
import { currentUnit, type Unit } from './unit.js'

/**
 * Changes that are in no hurry: they go with the next commit of their profile, which saves them a transaction of their
 * own. `prepare` may change the head; `committed` is called once they are written.
 */
export interface Rider {
  changes: Change[]
  prepare?(head: Head): void
  committed(): void
}

/** The store has refused a part of what several units have gathered: nothing of it was written. */
class RefusedError extends Error {}

/** What a profile needs of the store that it lies in. */
export type ProfileStore = Pick<StoreSessions, 'shared' | 'session' | 'transaction' | 'heldTransaction'>

/** How often a unit may come too late before it locks others out. */
const ATTEMPTS = 3
/**
 * How often one that has locked others out may run again, for what it publishes outside of the wallet. Each of the others may
 * have published once meanwhile; then it waits for the wallet as well.
 */
const RUNS_HELD = 8
/** How long after another instance was quicker the base wallet's units lock it out at once (ms). */
const CONTENDED_MS = 1000
/** How many units are written together, and how long they may take to gather (ms) before those at hand are written. */
const TOGETHER = 32
const TOGETHER_MS = 25
/** A wallet with more in it may have pages of a hundred megabytes. */
const LARGE_BYTES = 64 * 2 ** 20

/**
 * One profile of the store: a tenant's, or the base wallet's. Its units of work run one after the other here, and those
 * that have come while a transaction was under way are written in the next one together; between instances the head's
 * revision tells whether what a unit read still stood when it was written, and if not the unit runs again. So every
 * unit behaves as if it had been alone.
 */
export class Profile {
  private readonly turn = new Semaphore(1)
  /** When the present turn, or the last, began (ms, of `performance.now()`). */
  private turnBegan = 0
  /** Of a large wallet, those who read pages take turns. */
  private readonly pages = new Semaphore(1)
  private readonly jobs: Job[] = []
  private readonly picture: Picture
  private looking: Promise<void> | undefined
  /** Until when others are taken to write here all the time (ms, of `performance.now()`). */
  private contendedUntil = Number.NEGATIVE_INFINITY
  private readonly crowd = new Crowd(() => this.jobs.length)
  private riders: Rider[] = []
  /** Called as units that were written together have ended. */
  onWorked: () => void = () => {}

  /** `entries`: how many are kept in memory. */
  constructor(
    private readonly store: ProfileStore,
    readonly name: string,
    entries = WALLET_ENTRIES,
  ) {
    this.picture = new Picture(store, name, entries)
  }

  /** Called where other instances may have changed entries since they were read here: tells of a category whether. */
  set onOthers(told: (changed: (category: string) => boolean) => void) {
    this.picture.onOthers = told
  }

  private inTurn<T>(fn: () => Promise<T>): Promise<T> {
    return this.turn.use(() => {
      this.turnBegan = performance.now()
      return fn()
    })
  }

  /** How long the present turn has lasted (ms). No call of the store has a bound: where it never answers, that grows. */
  get turnMs(): number {
    return this.turn.free > 0 ? 0 : performance.now() - this.turnBegan
  }

  /** Whether nothing is in work, nor waits for its turn. */
  get idle(): boolean {
    return this.turn.free > 0 && this.jobs.length === 0
  }

  /** Runs `fn` as a unit of work; see {@link Unit}. It may run more than once and must not wait for the network. */
  transact<T>(fn: (unit: Unit) => Promise<T>): Promise<T> {
    // Units of one profile are run one at a time: while they wait they keep nobody else from coming as far.
    if (this.turn.free === 0) leaveGate()
    const within = AsyncLocalStorage.snapshot()
    return new Promise<unknown>((resolve, reject) => {
      this.jobs.push({ run: fn, within, resolve, reject })
      this.crowd.came()
      // Each job asks for a turn; those before it may take it along.
      void this.inTurn(() => this.work())
    }) as Promise<T>
  }

  /** Runs `fn` while no unit of this process is at work here, and forgets what was read before. */
  still<T>(fn: () => Promise<T>): Promise<T> {
    return this.inTurn(async () => {
      try {
        return await fn()
      } finally {
        this.close()
      }
    })
  }

  /** Counts what is in a wallet that was written before anything was counted. */
  count(): Promise<void> {
    return this.inTurn(async () => {
      try {
        if (isCounted(this.picture.head ?? (await this.picture.catchUp()))) return
        await this.store.transaction(this.name, countWallet)
      } catch (error) {
        throw storeError(error)
      }
      this.picture.forget()
    })
  }

  /** To be called for a profile that was made just now: nothing was written there, so nothing is read. */
  beginEmpty(): void {
    this.picture.beginEmpty()
  }

  /** Whether it was looked at within `ms` whether others have written here; a unit that writes does. */
  isCurrent(ms: number): boolean {
    return this.picture.isCurrent(ms)
  }

  /** Looks whether others have written here, where that was not looked at for `ms`. */
  lookForOthers(ms: number): Promise<void> {
    // Whoever runs in a unit of this profile has the turn already.
    if (this.isCurrent(ms) || currentUnit()?.profile === this.name) return Promise.resolve()
    this.looking ??= this.inTurn(async () => {
      if (!this.isCurrent(ms)) await this.picture.catchUp()
    }).finally(() => {
      this.looking = undefined
    })
    return this.looking
  }

  private assertHere(head: Head): void {
    if (head.fence === undefined) return
    this.picture.forget()
    throw new FencedError()
  }

  /** Has changes written with the next commit. */
  ride(rider: Rider): void {
    this.riders.push(rider)
  }

  /** Writes the changes that wait for a commit, if there are any left. */
  async land(): Promise<void> {
    if (this.riders.length === 0) return
    await this.transact(async (unit) => {
      if (this.riders.length > 0) unit.touch()
    })
  }

  /** Runs the jobs that wait, as many as are to be written together. */
  private async work(): Promise<void> {
    if (this.jobs.length === 0) return
    let taken = 0
    const take = () => {
      const jobs = this.jobs.splice(0, TOGETHER)
      taken = jobs.length
      return jobs
    }
    // Whoever waits for others to let it in takes along those who come meanwhile.
    let jobs = this.isContended ? await this.attemptHeld(take) : await this.awaitOthers().then(take)
    for (let attempt = 0; jobs.length > 0 && attempt < ATTEMPTS; attempt++) jobs = await this.attempt(jobs)
    for (const job of jobs) {
      for (const lost of await this.attemptHeld(() => [job], true)) lost.reject(new ConflictError())
    }
    this.crowd.were(Math.min(taken + this.jobs.length, TOGETHER))
    this.onWorked()
  }

  private async awaitOthers(): Promise<void> {
    if (!this.crowd.isAwaited) return
    // Nobody is kept from coming by those who wait for them.
    for (const job of this.jobs) job.within(leaveGate)
    await this.crowd.gather()
  }

  /**
   * Whether units had better lock others out from their beginning. Of the base wallet alone, which has a connection for that:
   * tenants share one.
   */
  private get isContended(): boolean {
    return this.name === BASE_PROFILE && performance.now() < this.contendedUntil
  }

  /** Runs jobs, and writes them if nobody else has written meanwhile. @returns those that have to run again */
  private async attempt(jobs: Job[], careful = false): Promise<Job[]> {
    let batch: Batch | undefined
    try {
      const known = this.picture.head ?? (await this.picture.catchUp())
      this.assertHere(known)
      batch = await this.gather(jobs, known, careful)
      if (batch.dirty) await this.write(batch)
      else if (batch.hasRead) await this.assertCurrent(batch.base)
      // It is committed, whatever comes of the next look.
      batch.answer()
      if (batch.lost.length > 0) await this.picture.catchUp().catch(() => this.picture.forget())
      return batch.lost
    } catch (error) {
      batch?.discard()
      try {
        if (batch && error instanceof ConflictError) {
          this.contendedUntil = performance.now() + CONTENDED_MS
          await this.picture.catchUp()
          return batch.jobs
        }
        if (batch && error instanceof RefusedError) return await this.attemptEach(batch.jobs)
        throw error
      } catch (failure) {
        for (const job of batch?.jobs ?? jobs) job.reject(storeError(failure))
        return []
      }
    }
  }

  /** What one job does that the store refuses is not to fail the others, and may be what it took for granted. */
  private async attemptEach(jobs: Job[]): Promise<Job[]> {
    const again: Job[] = []
    for (const job of jobs) again.push(...(await this.attempt([job], true)))
    return again
  }

  private gather(jobs: Job[], base: Head, careful: boolean): Promise<Batch> {
    return this.fill(new Batch(this.picture, this.name, base, careful), jobs, async (batch, job) => {
      // Those that are written together compute one by one, each in its tenant's turn among others.
      await job.within(enterGateAgain)
      await batch.add(job)
      if (jobs.length > 1) job.within(leaveGate)
    })
  }

  /** Adds jobs to a batch; those that do not come in before it takes too long wait for the next. */
  private async fill(batch: Batch, jobs: Job[], add: (batch: Batch, job: Job) => Promise<void>): Promise<Batch> {
    const until = performance.now() + TOGETHER_MS
    for (const [index, job] of jobs.entries()) {
      if (index > 0 && performance.now() > until) {
        this.jobs.unshift(...jobs.slice(index))
        break
      }
      // Where all is cached nothing else would run before the last of them.
      if (index > 0) await nextTurn()
      await add(batch, job)
    }
    return batch
  }

  /**
   * Runs jobs with the head locked from the beginning to the commit, in turn with all other instances: where they write to
   * one profile at once, whoever is slower would else be too late again and again. @returns those that have to run again
   */
  private async attemptHeld(take: () => Job[], careful = false): Promise<Job[]> {
    let jobs: Job[] | undefined
    let batch: Batch | undefined
    try {
      await this.store.heldTransaction(this.name, async (session) => {
        const head = await readHead(session, true)
        this.picture.learn(head, performance.now())
        this.assertHere(head)
        batch = new Batch(this.picture, this.name, head, careful)
        jobs = take()
        const [filling, taken] = [batch, jobs]
        await showingLife(session, async () => {
          await this.fill(filling, taken, (_batch, job) => filling.add(job))
          for (let run = 1; filling.lost.length > 0 && run < RUNS_HELD; run++) await filling.addLost()
        })
        if (!batch.dirty) return
        await this.commit(batch, async (write) => {
          await write(session)
          await session.commit()
        })
      })
      batch?.answer()
      return batch?.lost ?? []
    } catch (error) {
      batch?.discard()
      if (batch && error instanceof RefusedError) return this.attemptEach(batch.jobs)
      for (const job of jobs ? (batch?.jobs ?? jobs) : take()) job.reject(storeError(error))
      return []
    }
  }

  private async write(batch: Batch): Promise<void> {
    const began = performance.now()
    await this.commit(batch, (write) =>
      this.store.transaction(this.name, async (session) => {
        if (this.store.shared && (await readRevision(session, true)) !== batch.base.rev) throw new ConflictError()
        await write(session)
      }),
    )
    this.picture.seenAt(began)
  }

  /** Writes what a batch has gathered, by `transaction`, and tells of it. */
  private async commit(
    batch: Batch,
    transaction: (write: (session: Session) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const riders = this.riders.splice(0)
    for (const rider of riders) rider.prepare?.(batch.head)
    batch.carry(riders.flatMap(({ changes }) => changes))
    let written = false
    try {
      await transaction(async (session) => {
        // One after the other: to hand Askar all at once has its threads wait for each other, and costs more.
        for (const change of batch.keys) await applyKey(session, change)
        for (const change of mergeChanges(joinAppended(batch.changes))) await applyChange(session, change)
        await writeHead(session, batch.base.rev, batch.head)
        written = true
      })
    } catch (error) {
      this.riders.unshift(...riders)
      // It did not begin: somebody was quicker, or the wallet was locked meanwhile.
      if (error instanceof ConflictError || isGatewayError(error)) throw error
      const refused = !written && (batch.jobs.length > 1 || batch.assumed)
      // Somebody has what was taken to be nobody's: what was read is as good as before.
      if (!refused || !batch.assumed || !isDuplicate(error)) this.picture.forget()
      if (refused) throw new RefusedError()
      // Whether a commit that failed took place is not known.
      batch.uncertain()
      throw new StoreError(error)
    }
    this.picture.carryOver(batch)
    batch.committed()
    for (const rider of riders) rider.committed()
  }

  /** What a unit read from the cache may be old where other instances write too. */
  private async assertCurrent(base: Head): Promise<void> {
    if (!this.store.shared) return
    const began = performance.now()
    if ((await this.picture.readRevision()) !== base.rev) throw new ConflictError()
    this.picture.seenAt(began)
  }

  /** The head as it was when it was last read or written here, where that is known. */
  get lastHead(): Head | undefined {
    return this.picture.head
  }

  /** The head as it is in the store now. */
  head(): Promise<Head> {
    return this.picture.readHead()
  }

  /** Reads outside of any unit, from the store itself. */
  read<T>(fn: (session: Session) => Promise<T>): Promise<T> {
    return this.store.session(this.name, fn)
  }

  async fetch(category: string, name: string): Promise<Entry | undefined> {
    return this.read((session) => fetchEntry(session, category, name))
  }

  query(category: string, query: TagQuery, limit?: number): Promise<Entry[]> {
    return this.read((session) => queryEntries(session, category, query, limit))
  }

  /** A stretch of a list, in its order. */
  list(query: ListQuery): Promise<Listed[]> {
    const read = () =>
      this.read(async (session) => {
        const head = await readHead(session)
        return readList(session, query, head.lists[query.list]?.n ?? 0)
      })
    // Pages of long entries take much memory while they are read: one at a time.
    return (this.picture.head?.bytes ?? 0) > LARGE_BYTES ? this.pages.use(read) : read()
  }

  /** Gives back the memory and the keys that an open wallet holds; nothing may be in work any more. */
  close(): void {
    this.picture.close()
  }
}
