import cluster, { type Worker } from 'node:cluster'

/** What workers send each other in one turn of the event loop, by way of the first process. */
export interface Packet {
  passed: Passed[]
}

/** Workers are known by their numbers. */
export type Passed = Question | Answer | Told

/** It is not begun later than `until` (ms since the epoch). */
export interface Question {
  kind: 'question'
  id: string
  from: number
  to: number
  until: number
  subject: string
  /** JSON. It is passed on as it is: what somebody has nested too deep for JSON.stringify ends no process on its way. */
  content: string
}

export interface Answer {
  kind: 'answer'
  id: string
  from: number
  to: number
  /** JSON. Nothing where it was not begun, and `failed` where that is not sure. */
  content?: string
  failed?: boolean
}

/** To all others. */
interface Told {
  kind: 'told'
  from: number
  text: string
}

/** The question whether a worker is alive, which is passed on as long as it is. */
export const SIGN_OF_LIFE = 'sign of life'

/** Passes on what workers ask and tell each other; in the process that starts them. */
export class Passage {
  private readonly workers = new Map<number, Worker>()
  private readonly serving = new Set<Worker>()
  /** Questions that have no answer yet, by their ids. */
  private readonly open = new Map<string, { from: number; to: number }>()

  constructor() {
    cluster.on('message', (_worker, { passed = [] }: Partial<Packet>) => this.pass(passed))
  }

  /** A worker was started: what others tell it reaches it. */
  add(number: number, worker: Worker): void {
    this.workers.set(number, worker)
    worker.once('exit', () => {
      this.endServing(worker)
      const lost = [...this.open].filter(([, { to }]) => to === number)
      this.pass(lost.map(([id, { from, to }]) => ({ kind: 'answer', id, from: to, to: from, failed: true })))
    })
  }

  /** A worker serves: it can be asked. */
  beginServing(worker: Worker): void {
    this.serving.add(worker)
  }

  /** A worker is about to end: it is not asked any more. */
  endServing(worker: Worker): void {
    this.serving.delete(worker)
  }

  /** Each worker gets what is for it, in its order. */
  private pass(messages: Passed[]): void {
    const packets = new Map<number, Passed[]>([...this.workers.keys()].map((number) => [number, []]))
    for (const message of messages.map((message) => this.noted(message))) {
      for (const [number, passed] of packets) if (isFor(number, message)) passed.push(message)
    }
    for (const [number, passed] of packets) {
      const worker = this.workers.get(number)
      // One that ends just now has its questions answered by its end.
      if (passed.length > 0 && worker?.isConnected()) worker.send({ passed } satisfies Packet, () => {})
    }
  }

  /** A message as it is to be passed: the refusal of a question where that cannot be asked now. */
  private noted(message: Passed): Passed {
    if (message.kind === 'answer') this.open.delete(message.id)
    if (message.kind !== 'question') return message
    const { id, from, to, subject } = message
    const home = this.workers.get(to)
    const isAsked = home?.isConnected() && (this.serving.has(home) || subject === SIGN_OF_LIFE)
    if (!isAsked) return { kind: 'answer', id, from: to, to: from }
    this.open.set(id, { from, to })
    return message
  }
}

function isFor(number: number, message: Passed): boolean {
  return message.kind === 'told' ? message.from !== number : message.to === number
}
