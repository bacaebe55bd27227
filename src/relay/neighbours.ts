import cluster, { type Worker } from 'node:cluster'
import { type Deferred, deferred } from '../lib/deferred.js'
import { sha256 } from '../lib/ids.js'
import { workerNumber } from '../lib/worker-number.js'
import type { Envelope } from './envelope.js'

/** What is sealed in an envelope, and by what it is known. */
export type Content = Pick<Envelope, 'json' | 'digest'>

/** What became of an envelope at its home; undefined where whoever has taken it has to deliver it. */
export type AtHome = 'handled' | 'malformed' | undefined

/** An envelope on its way to the worker where its wallet is at home, and the answer, both by way of the first process. */
type Handed = { kind: typeof HANDED; id: number; from: number; to: number; tenantId: string } & Content
type Delivered = { kind: typeof DELIVERED; id: number; to: number; outcome?: AtHome }
/** A worker has ended: it answers no more. */
type Gone = { kind: typeof GONE; number: number }
const HANDED = 'envelope handed'
const DELIVERED = 'envelope delivered'
const GONE = 'worker gone'

/** How long a neighbour may take (ms). What it has still handled then is known by its digest. */
const PATIENCE_MS = 5000

/**
 * The workers behind one port, of which each is the home of some of the wallets. What comes for a wallet is handed to its
 * home: were all of them to write to it, each would find that another was quicker and its cache old. That is all that a
 * home is for. Where it does not take something, whoever has it delivers it, and a wallet is right whoever writes to it.
 */
export class Neighbours {
  private readonly asked = new Map<number, { to: number; answer: Deferred<AtHome> }>()
  private asking = 0
  private readonly inHand = new Set<Promise<void>>()
  private stopping = false

  constructor(
    private readonly number: number,
    private readonly count: number,
    private readonly deliverHere: (tenantId: string, content: Content) => Promise<AtHome>,
    /** Called for each envelope that another has delivered. */
    private readonly delivered: () => void,
  ) {
    process.on('message', (message: Handed | Delivered | Gone) => {
      if (message.kind === HANDED) this.take(message)
      else if (message.kind === DELIVERED) this.settle(message.id, message.outcome)
      else if (message.kind === GONE)
        for (const [id, { to }] of this.asked) if (to === message.number) this.settle(id, undefined)
    })
  }

  /** Hands an envelope to the home of a wallet, where that is another worker. */
  async deliver(tenantId: string, { json, digest }: Content): Promise<AtHome> {
    const to = homeOf(tenantId, this.count)
    if (to === this.number) return undefined
    const id = ++this.asking
    const answer = deferred<AtHome>()
    this.asked.set(id, { to, answer })
    tell({ kind: HANDED, id, from: this.number, to, tenantId, json, digest })
    const timer = setTimeout(() => this.settle(id, undefined), PATIENCE_MS)
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

  private take({ id, from, tenantId, json, digest }: Handed): void {
    const delivering = this.stopping ? Promise.resolve(undefined) : this.deliverHere(tenantId, { json, digest })
    const told = delivering
      .catch(() => undefined)
      .then((outcome) => tell({ kind: DELIVERED, id, to: from, outcome }))
      .finally(() => this.inHand.delete(told))
    this.inHand.add(told)
  }

  private settle(id: number, outcome: AtHome): void {
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

/** In the process that starts workers: passes on what they hand to each other. @returns what to tell of one that serves */
export function passBetween(): (number: number, worker: Worker) => void {
  const serving = new Map<number, Worker>()
  const pass = (to: number, message: Handed | Delivered | Gone) => {
    const worker = serving.get(to)
    if (!worker?.isConnected()) return false
    // One that ends just now is heard of by its end.
    worker.send(message, () => {})
    return true
  }
  cluster.on('message', (_worker, message: Handed | Delivered) => {
    if (message.kind !== HANDED && message.kind !== DELIVERED) return
    const isPassed = pass(message.to, message)
    if (!isPassed && message.kind === HANDED) pass(message.from, { kind: DELIVERED, id: message.id, to: message.from })
  })
  return (number, worker) => {
    serving.set(number, worker)
    worker.once('exit', () => {
      if (serving.get(number) === worker) serving.delete(number)
      for (const other of serving.keys()) pass(other, { kind: GONE, number })
    })
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
