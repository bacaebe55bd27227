import { DidCommMediationState } from '@credo-ts/didcomm'
import type { BaseRecordChange, RecordJson, RecordObserver } from '../agent/ports.js'
import type { EventDispatch, EventDraft } from '../events/event.js'
import type { Tags } from '../storage/entry.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Unit } from '../storage/unit.js'
import type { MediationGrantType } from './mediation.type.js'

export const GRANT = 'MediationRecord'
/** A mediation record is one of a mediator of this wallet, or of somebody that it mediates for. */
export const isRecipient = (record: RecordJson | undefined) => record?.['role'] === 'RECIPIENT'

const STATES = {
  [DidCommMediationState.Requested]: 'REQUESTED',
  [DidCommMediationState.Granted]: 'GRANTED',
  [DidCommMediationState.Denied]: 'DENIED',
} as const

/** A stored mediation record as the API shows it. */
export function grantView(record: RecordJson, tags: Tags): MediationGrantType {
  return {
    id: record.id,
    state: STATES[record['state'] as DidCommMediationState],
    endpoint: (record['endpoint'] as string | undefined) ?? null,
    routingKeys: record['routingKeys'] as string[],
    default: tags['default'] === '1',
  }
}

/** Tells of what mediators grant and deny. */
export function mediationObserver(
  tell: (unit: Unit, draft: EventDraft) => void,
  /** Called in the base wallet's unit that changes one of its mediators. */
  baseChanged: (unit: Unit) => void,
  /** Called in the unit in which a mediator has granted mediation. */
  granted: (unit: Unit) => void,
): RecordObserver {
  const told = ({ unit, before, after, tags }: BaseRecordChange, tenantId: string, dispatch: EventDispatch) => {
    if (!after || !isRecipient(after) || before?.['state'] === after['state']) return
    if (after['state'] === DidCommMediationState.Requested) return
    if (after['state'] === DidCommMediationState.Granted) granted(unit)
    tell(unit, { tenantId, topic: 'MEDIATION', dispatch, payload: { mediationGrant: grantView(after, tags) } })
  }
  return {
    type: GRANT,
    changed: (change) => told(change, change.owner.tenantId, change.owner.settings.eventDispatch),
    changedInBase(change) {
      told(change, BASE_PROFILE, 'BASE')
      baseChanged(change.unit)
    },
  }
}
