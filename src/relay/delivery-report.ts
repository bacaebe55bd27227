import type { EventDraft } from '../events/event.js'

/** What became of a message that left, or was to leave. */
export interface DeliveryReport {
  outcome: 'DELIVERED' | 'GIVEN_UP'
  connectionId?: string
  attempts: number
  reason: string | null
}

/** The reason of what a peer has asked for, and was not even tried. */
export const TOO_MUCH = 'too much waits for it'

/** The event of a delivery. */
export function deliveryDraft(tenantId: string, dispatch: EventDraft['dispatch'], report: DeliveryReport): EventDraft {
  return { tenantId, topic: 'DELIVERY', dispatch, payload: { ...report, connectionId: report.connectionId ?? null } }
}
