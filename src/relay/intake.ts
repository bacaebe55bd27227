import { Lanes } from '../lib/lanes.js'
import { Waits } from '../lib/waits.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Inbound, InboundOutcome, Received } from './inbound.js'
import type { ReturnPath } from './return-paths.js'

/** What cannot be taken now. */
export const LATER: readonly InboundOutcome[] = ['full', 'limited', 'unavailable']

/** What could not be taken, and comes by itself no more, is tried again after (ms), and for so long at most. */
const AGAIN_MS = 1000
const FULL_AGAIN_MS = 10_000
const PATIENCE_MS = 10 * 60_000
/** Bytes that may wait here for one tenant, and for all. */
const LANE_MAX = 2 * 1024 * 1024
const ALL_MAX = 32 * 1024 * 1024

/** An envelope that waits for its turn, or is being taken. */
export interface Begun {
  ended: Promise<InboundOutcome>
  /** Whether as much again may come before it has ended. */
  hasRoom: boolean
}

export interface Way {
  /** By which answers can go back. */
  path?: ReturnPath
  /** Whether it comes again by itself where it is not taken. */
  isKept?: boolean
}

/**
 * Takes what comes by the ways that this gateway has opened itself: to a tenant for it alone, to the base wallet for
 * anyone. What is for one tenant is taken in the order in which it comes, and keeps nobody else's waiting.
 */
export class Intake {
  private readonly lanes = new Lanes()
  private readonly waits = new Waits()

  constructor(
    private readonly inbound: Inbound,
    private readonly count: (outcome: InboundOutcome) => void,
  ) {}

  /** Resolves once it has its place. @returns undefined where too much waits, and it comes again */
  async begin(wallet: string, envelope: Buffer, { path, isKept = false }: Way = {}): Promise<Begun | undefined> {
    const lane = (wallet === BASE_PROFILE ? await this.inbound.receiverOf(envelope) : undefined) ?? wallet
    const hasRoom = () => this.lanes.weightOf(lane) <= LANE_MAX && this.lanes.weight <= ALL_MAX
    if (isKept && !hasRoom()) return undefined
    const ended = this.lanes.run(lane, envelope.length + 1, async () => {
      const until = Date.now() + PATIENCE_MS
      for (;;) {
        const { outcome, retryAfter } = await this.take(wallet, envelope, path)
        if (isKept || !LATER.includes(outcome)) return outcome
        // One that may not have more now keeps what is for others only as long as there is room.
        const isWanted = outcome === 'unavailable' ? (path?.isOpen ?? true) : hasRoom()
        if (!isWanted || this.waits.stopped || Date.now() > until) return outcome
        await this.waits.pause(retryAfter ? retryAfter * 1000 : outcome === 'full' ? FULL_AGAIN_MS : AGAIN_MS)
      }
    })
    return { ended, hasRoom: hasRoom() }
  }

  /** Waits no more for what cannot be taken. Resolves once nothing is in hand. */
  async stop(): Promise<void> {
    this.waits.stop()
    await this.lanes.idle()
  }

  /** Takes it at once. */
  async take(wallet: string, envelope: Buffer, path?: ReturnPath): Promise<Received> {
    const reached = wallet === BASE_PROFILE ? undefined : wallet
    const received = await this.inbound.receive(envelope, async () => reached, path)
    this.count(received.outcome)
    return received
  }
}
