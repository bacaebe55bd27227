import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Deferred, deferred } from '../lib/deferred.js'
import { newId, sha256 } from '../lib/ids.js'
import { type Answer, type Packet, type Passed, type Question, SIGN_OF_LIFE } from './passage.js'
import { workerNumber } from './worker-number.js'

/**
 * What a question came to: its answer; `refused` where nothing was begun; `lost` where nobody knows how far it has come, and
 * nothing more is begun.
 */
export type Reply<A> = { answer: A } | 'refused' | 'lost'

/** Answers a question; undefined where nothing was begun. `isLate` says that whoever asked waits no more. */
type Serve<Q, A> = (question: Q, isLate: () => boolean) => Promise<A | undefined>

/** How long an answer, or a sign of life, may take (ms). */
const PATIENCE_MS = 5000
/** How long one that took longer is not asked again, but for an answer from it (ms). */
const SILENT_MS = 30_000

/**
 * The workers behind one port, of which each is the home of some of the wallets. What writes to a wallet is handed to its
 * home: were all of them to write to it, each would find that another was quicker and its cache old. That is all that a
 * home is for. What it does not take is done by whoever has it, and a wallet is right whoever writes to it.
 */
export class Neighbours {
  /** Called with what another has told all. */
  onTold: (text: string) => void = () => {}
  private readonly subjects = new Map<string, Serve<unknown, unknown>>([[SIGN_OF_LIFE, async () => true]])
  private readonly asked = new Map<string, Deferred<Reply<unknown>>>()
  /** Until when (ms since the epoch) those who have kept somebody waiting are left alone. */
  private readonly silent = new Map<number, number>()
  private readonly inHand = new Set<Promise<void>>()
  /** What goes to the first process at the end of this turn of the event loop. */
  private leavingSoon: Passed[] = []
  private leaving = false

  constructor(
    private readonly number: number,
    private readonly count: number,
  ) {
    process.on('message', ({ passed = [] }: Partial<Packet>) => {
      for (const message of passed) this.hear(message)
    })
  }

  /** Whether there is a way to the others. */
  get connected(): boolean {
    return process.connected
  }

  /** Answers what others ask about a subject. */
  serve<Q, A>(subject: string, serve: Serve<Q, A>): void {
    this.subjects.set(subject, serve as Serve<unknown, unknown>)
  }

  /** The worker that a wallet is at home with, where that is another, and answers. */
  elsewhere(wallet: string): number | undefined {
    const home = homeOf(wallet, this.count)
    const isAway = home === this.number || !this.connected || (this.silent.get(home) ?? 0) > Date.now()
    return isAway ? undefined : home
  }

  /** Asks what is answered soon: it is lost where that takes longer than five seconds. */
  ask<Q, A>(to: number, subject: string, content: Q): Promise<Reply<A>> {
    return this.question(to, subject, content, async () => {
      this.silent.set(to, Date.now() + SILENT_MS)
      return false
    })
  }

  /** Asks what may take long: it is lost where the other gives no sign of life. */
  askPatiently<Q, A>(to: number, subject: string, content: Q): Promise<Reply<A>> {
    return this.question(to, subject, content, async () => typeof (await this.ask(to, SIGN_OF_LIFE, null)) === 'object')
  }

  /** Tells all others. */
  tell(text: string): void {
    this.send({ kind: 'told', from: this.number, text })
  }

  /** Takes no more from others. */
  leave(): void {
    this.leaving = true
  }

  /** Takes no more from others, and ends what it has. */
  async stop(): Promise<void> {
    this.leave()
    await Promise.all(this.inHand)
  }

  private async question<Q, A>(
    to: number,
    subject: string,
    content: Q,
    isWorthWaiting: () => Promise<boolean>,
  ): Promise<Reply<A>> {
    const json = JSON.stringify(content)
    // No other process of this number, before or after, has the same.
    const id = newId()
    const reply = deferred<Reply<unknown>>()
    this.asked.set(id, reply)
    this.send({ kind: 'question', id, from: this.number, to, until: Date.now() + PATIENCE_MS, subject, content: json })
    let timer: NodeJS.Timeout
    const wait = () => {
      timer = setTimeout(async () => {
        // This process may have stood still itself: what has come meanwhile is heard first.
        await nextTurn()
        if (this.asked.has(id) && !(await isWorthWaiting())) this.settle(id, 'lost')
        if (this.asked.has(id)) wait()
      }, PATIENCE_MS)
    }
    wait()
    return (reply.promise as Promise<Reply<A>>).finally(() => clearTimeout(timer))
  }

  private hear(message: Passed): void {
    if (message.kind === 'question') this.take(message)
    else if (message.kind === 'answer') this.answered(message)
    else this.onTold(message.text)
  }

  private take({ id, from, until, subject, content }: Question): void {
    // From then on whoever asked may have it done elsewhere, or has said that it is lost.
    const isLate = () => Date.now() > until
    const serve = this.subjects.get(subject)
    const isTaken = serve && !isLate() && (!this.leaving || subject === SIGN_OF_LIFE)
    const answering = (isTaken ? serve(JSON.parse(content), isLate) : Promise.resolve(undefined))
      .then((answer) => ({ content: JSON.stringify(answer) }))
      .catch(() => ({ failed: true }))
      .then((answer) => this.send({ kind: 'answer', id, from: this.number, to: from, ...answer }))
      .finally(() => this.inHand.delete(answering))
    this.inHand.add(answering)
  }

  private answered({ id, from, content, failed }: Answer): void {
    this.silent.delete(from)
    if (failed) this.settle(id, 'lost')
    else this.settle(id, content === undefined ? 'refused' : { answer: JSON.parse(content) })
  }

  private settle(id: string, reply: Reply<unknown>): void {
    this.asked.get(id)?.resolve(reply)
    this.asked.delete(id)
  }

  private send(message: Passed): void {
    if (this.leavingSoon.length === 0) setImmediate(() => this.flush())
    this.leavingSoon.push(message)
  }

  private flush(): void {
    // Without the first process there is no answer, and this one is about to end.
    process.send?.({ passed: this.leavingSoon } satisfies Packet, () => {})
    this.leavingSoon = []
  }
}

/** The neighbours of this process; undefined where it has none. */
export function neighboursOf(count: number): Neighbours | undefined {
  const number = workerNumber()
  return number === undefined ? undefined : new Neighbours(number, count)
}

/** The worker that a wallet is at home with: the same in each of them. */
export function homeOf(wallet: string, count: number): number {
  return (sha256(wallet).readUInt32BE() % count) + 1
}
