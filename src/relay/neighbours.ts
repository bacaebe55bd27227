import cluster, { type Worker } from 'node:cluster'
import { type Deferred, deferred } from '../lib/deferred.js'
import { newId, sha256 } from '../lib/ids.js'
import { workerNumber } from '../lib/worker-number.js'
import type { Envelope } from './envelope.js'

/** What is sealed in an envelope, and by what it is known. */
export type Content = Pick<Envelope, 'json' | 'digest'>

/** What became of an envelope at its home; undefined where whoever has taken it has to deliver it. */
export type AtHome = 'handled' | 'malformed' | undefined

/**
 * An envelope on its way to the worker where its wallet is at home, and the answer, both by way of the first process. It is
 * not handled later than `until` (ms since the epoch).
 */
type Handed = { kind: typeof HANDED; id: string; from: number; to: number; until: number; tenantId: string } & Content
type Delivered = { kind: typeof DELIVERED; id: string; from: number; to: number; outcome?: AtHome }
/** A worker has ended: it answers no more. */
type Gone = { kind: typeof GONE; number: number }
const HANDED = 'envelope handed'
const DELIVERED = 'envelope delivered'
const GONE = 'worker gone'

/** How long a neighbour may take (ms). */
const PATIENCE_MS = 5000
/** How long one that took longer is not asked again, but for an answer from it (ms). */
const SILENT_MS = 30_000

/**
 * The workers behind one port, of which each is the home of some of the wallets. What comes for a wallet is handed to its
 * home: were all of them to write to it, each would find that another was quicker and its cache old. That is all that a
 * home is for. Where it does not take something, whoever has it delivers it, and a wallet is right whoever writes to it.
 */
export class Neighbours {
  private readonly asked = new Map<string, { to: number; answer: Deferred<AtHome> }>()
  /** Until when (ms since the epoch) those who have kept somebody waiting are left alone. */
  private readonly silent = new Map<number, number>()
  private readonly inHand = new Set<Promise<void>>()
  private stopping = false

  constructor(
    private readonly number: number,
    private readonly count: number,
    /** Delivers an envelope here, unless `isLate` says so once it is about to be handled. */
    private readonly deliverHere: (tenantId: string, content: Content, isLate: () => boolean) => Promise<AtHome>,
    /** Called for each envelope that another has delivered. */
    private readonly delivered: () => void,
  ) {
    process.on('message', (message: Handed | Delivered | Gone) => {
      if (message.kind === HANDED) this.take(message)
      else if (message.kind === DELIVERED) this.answered(message)
      else if (message.kind === GONE) this.gone(message)
    })
  }

  /** Hands an envelope to the home of a wallet, where that is another worker. */
  async deliver(tenantId: string, { json, digest }: Content): Promise<AtHome> {
    const to = homeOf(tenantId, this.count)
    if (to === this.number || !process.connected || (this.silent.get(to) ?? 0) > Date.now()) return undefined
    // No other process of this number, before or after, has the same.
    const id = newId()
    const answer = deferred<AtHome>()
    this.asked.set(id, { to, answer })
    tell({ kind: HANDED, id, from: this.number, to, until: Date.now() + PATIENCE_MS, tenantId, json, digest })
    const timer = setTimeout(() => {
      this.silent.set(to, Date.now() + SILENT_MS)
      this.settle(id, undefined)
    }, PATIENCE_MS)
    try {
      const outcome = await answer.promise
      if (outcome) this.delivered()
      return outcome
    } finally {
      clearTimeout(timer)
    }
  }

  /** Takes no more from others, and ends what it has. */
  async stop(): Promise<void> {
    this.stopping = true
    await Promise.all(this.inHand)
  }

  private take({ id, from, until, tenantId, json, digest }: Handed): void {
    // From then on whoever handed it delivers it. A unit that had begun before is too late for that commit, and looks again.
    const isLate = () => Date.now() > until
    const delivering = this.stopping ? Promise.resolve(undefined) : this.deliverHere(tenantId, { json, digest }, isLate)
    const told = delivering
      .catch(() => undefined)
      .then((outcome) => tell({ kind: DELIVERED, id, from: this.number, to: from, outcome }))
      .finally(() => this.inHand.delete(told))
    this.inHand.add(told)
  }

  private answered({ id, from, outcome }: Delivered): void {
    this.silent.delete(from)
    this.settle(id, outcome)
  }

  private gone({ number }: Gone): void {
    this.silent.delete(number)
    for (const [id, { to }] of this.asked) if (to === number) this.settle(id, undefined)
  }

  private settle(id: string, outcome: AtHome): void {
    this.asked.get(id)?.answer.resolve(outcome)
    this.asked.delete(id)
  }
}

/** The neighbours of this process; undefined where it has none. */
export function neighboursOf(
  count: number,
  ...how: [deliverHere: Neighbours['deliverHere'], delivered: () => void]
): Neighbours | undefined {
  const number = workerNumber()
  return number === undefined ? undefined : new Neighbours(number, count, ...how)
}

/** Passes on what workers hand to each other; in the process that starts them. */
export class Passage {
  private readonly workers = new Map<number, Worker>()
  private readonly serving = new Set<Worker>()

  constructor() {
    cluster.on('message', (_worker, message: Handed | Delivered) => {
      if (message.kind === DELIVERED) this.pass(message.to, message)
      if (message.kind !== HANDED) return
      const { id, from, to } = message
      const home = this.workers.get(to)
      if (home && this.serving.has(home)) this.pass(to, message)
      else this.pass(from, { kind: DELIVERED, id, from: to, to: from })
    })
  }

  /** A worker was started: what others tell it reaches it. */
  add(number: number, worker: Worker): void {
    this.workers.set(number, worker)
    worker.once('exit', () => {
      this.serving.delete(worker)
      for (const other of this.workers.keys()) if (other !== number) this.pass(other, { kind: GONE, number })
    })
  }

  /** A worker serves: it can be asked. */
  open(worker: Worker): void {
    this.serving.add(worker)
  }

  private pass(to: number, message: Delivered | Handed | Gone): void {
    const worker = this.workers.get(to)
    // One that ends just now is heard of by its end.
    if (worker?.isConnected()) worker.send(message, () => {})
  }
}

function tell(message: Handed | Delivered): void {
  // Without the first process there is no answer, and this one is about to end.
  process.send?.(message, () => {})
}

/** The worker that a wallet is at home with: the same in each of them. */
export function homeOf(tenantId: string, count: number): number {
  return (sha256(tenantId).readUInt32BE() % count) + 1
}
