import { BaseFeed, isForBase } from '../events/base-feed.js'
import { EventHub } from '../events/hub.js'
import { journal } from '../events/log.js'
import { existsInUnit } from '../tenants/tenant-store.js'
import type { Foundation } from './foundation.js'

export type Events = ReturnType<typeof makeEvents>

/** The logs of events, who follows them, and what of them is copied to the base stream. */
export function makeEvents({ bus, profiles, mark, metrics, logger }: Foundation) {
  const hub = new EventHub()
  hub.announce = (log, seq) => bus.publish('log', { log, seq })
  const baseJournal = journal({
    publish: (log, events) => hub.publish(log, events),
    uncertain: (log) => void hub.look(log),
  })
  const feed = new BaseFeed(profiles, baseJournal, existsInUnit, (tenantIds, error) => {
    const [tenantId, ...others] = tenantIds
    const whose = others.length === 0 ? { tenantId } : { count: tenantIds.length }
    logger.error('Events of tenants wait to be copied to the base stream', { ...whose, error })
  })
  const tenantJournal = journal({
    publish(log, events) {
      hub.publish(log, events)
      feed.push(log, events)
      metrics.countEvents(log, events.length)
    },
    uncertain(log) {
      void hub.look(log)
      void feed.recover(log)
    },
    // What is still to be copied to the base stream must be found after a crash.
    async prepare(drafts, tenantId) {
      if (drafts.some(isForBase)) await mark(tenantId)
    },
  })
  return { hub, feed, baseJournal, tenantJournal }
}
