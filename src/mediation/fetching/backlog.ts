import {
  DidCommDeliveryRequestV2Message,
  type DidCommMessage,
  DidCommMessagesReceivedV2Message,
} from '@credo-ts/didcomm'

/** Messages asked for at once, beyond those that stay with the mediator. */
export const AT_ONCE = 100
/** The most that is asked for. */
const MOST = 1000

/**
 * What stays with mediators because its tenants have no room: it comes first in every delivery (Aries RFC 0685), so as
 * many more are asked for, that others need not wait for theirs.
 */
export class Backlog {
  private readonly left = new Map<string, number>()
  private readonly asked = new Map<string, number>()

  /** How many to ask a mediator for now. Where that is more than it can send, the next time it is fewer. */
  limitOf(grantId: string): number {
    const limit = Math.min(AT_ONCE + (this.left.get(grantId) ?? 0), MOST)
    this.left.delete(grantId)
    this.asked.set(grantId, limit)
    return limit
  }

  /**
   * What a mediator is told after a delivery: what was taken, whereupon it says what it has still, or, where that was
   * nothing, to deliver more, if it has more than this.
   */
  next(grantId: string, delivered: number, taken: string[]): DidCommMessage | undefined {
    const left = delivered - taken.length
    this.left.set(grantId, left)
    if (taken.length > 0) return new DidCommMessagesReceivedV2Message({ messageIdList: taken })
    if (delivered < (this.asked.get(grantId) ?? AT_ONCE) || left >= MOST) return undefined
    return new DidCommDeliveryRequestV2Message({ limit: this.limitOf(grantId) })
  }
}
