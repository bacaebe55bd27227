import {
  DidCommDeliveryRequestV2Message,
  type DidCommMessage,
  DidCommMessagesReceivedV2Message,
} from '@credo-ts/didcomm'

/** Messages asked for at once, beyond those that stay with the mediator. */
const AT_ONCE = 100
/** The most that is asked for. */
const MOST = 1000
/** A delivery that has not come after this time (ms) does not come: it may have been too long to be received. */
const LATE_MS = 3000
/** After one with fewer bytes than this, more messages are asked for. */
const LIGHT = 256 * 1024

/** What acknowledges messages. */
export const receivedOf = (ids: string[]) => new DidCommMessagesReceivedV2Message({ messageIdList: ids })

interface Asked {
  limit: number
  at: number
  hasCome: boolean
}

/**
 * How many messages mediators are asked for: fewer where a delivery does not come, as nothing else bounds its length. What
 * stays with them because its tenants have no room comes first in every delivery (Aries RFC 0685), so as many more are
 * asked for, that others need not wait for theirs.
 */
export class Backlog {
  private readonly sizes = new Map<string, number>()
  private readonly left = new Map<string, number>()
  private readonly asked = new Map<string, Asked>()

  /** How many to ask a mediator for now. Where that is more than it can send, the next time it is fewer. */
  limitOf(grantId: string): number {
    const before = this.asked.get(grantId)
    const isPending = before !== undefined && !before.hasCome
    const isLost = isPending && Date.now() - before.at > LATE_MS
    if (isLost) this.sizes.set(grantId, Math.max(1, Math.min(AT_ONCE, Math.floor(before.limit / 4))))
    const limit = Math.min(this.sizeOf(grantId) + (this.left.get(grantId) ?? 0), MOST)
    this.left.delete(grantId)
    this.asked.set(grantId, { limit, at: isPending && !isLost ? before.at : Date.now(), hasCome: false })
    return limit
  }

  /** A delivery of so many bytes has come, or there is nothing to deliver. */
  come(grantId: string, bytes: number): void {
    const asked = this.asked.get(grantId)
    if (!asked) return
    asked.hasCome = true
    if (bytes < LIGHT) this.sizes.set(grantId, Math.min(AT_ONCE, 2 * this.sizeOf(grantId)))
  }

  /**
   * What a mediator is told after a delivery: what was taken, whereupon it says what it has still, or, where that was
   * nothing, to deliver more, if it has more than this.
   */
  next(grantId: string, delivered: number, taken: string[]): DidCommMessage | undefined {
    const left = delivered - taken.length
    this.left.set(grantId, left)
    if (taken.length > 0) return receivedOf(taken)
    if (delivered < (this.asked.get(grantId)?.limit ?? AT_ONCE) || left >= MOST) return undefined
    return new DidCommDeliveryRequestV2Message({ limit: this.limitOf(grantId) })
  }

  private sizeOf(grantId: string): number {
    return this.sizes.get(grantId) ?? AT_ONCE
  }
}
