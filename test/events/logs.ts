import type { EventDraft, LoggedEvent } from '../../src/events/event.js'
import type { Profile } from '../../src/storage/profile.js'
import type { StorePlace } from '../storage/places.js'

/** Writes events into a log, in one commit, and tells of them. */
export async function write(
  profile: Profile,
  drafts: Partial<EventDraft>[],
  publish: (log: string, events: LoggedEvent[]) => void = () => {},
): Promise<void> {
  const { journal } = await import('../../src/events/log.js')
  const collector = journal({ publish, uncertain() {} })
  await profile.transact(async (unit) => {
    for (const draft of drafts) {
      unit.add(collector, { tenantId: 'tenant', topic: 'PING', dispatch: 'DEFAULT', payload: {}, ...draft })
    }
  })
}

/** So many events that are nothing special. */
export const some = (count: number): Partial<EventDraft>[] => Array.from({ length: count }, () => ({}))

/** Trims a log of everything but its last page, or of what is older than `retentionMs`, as another process would. */
export async function trim(place: StorePlace, retentionMs = -60_000): Promise<void> {
  const { trimLog } = await import('../../src/events/log.js')
  await trimLog(place.profile(), retentionMs)
}
