import { trimLog } from '../events/log.js'
import { isGatewayError } from '../lib/errors.js'
import { repeat, takeAll } from '../lib/routine.js'
import { BASE_PROFILE } from '../storage/store.js'
import { trimIdempotency } from '../tenants/idempotency.js'
import { trimTickets } from '../tenants/tickets.js'
import type { Agents } from './agents.js'
import type { Api } from './api.js'
import type { Arrivals } from './arrivals.js'
import type { Events } from './events.js'
import type { Following } from './following.js'
import type { Foundation } from './foundation.js'
import type { Front } from './front.js'
import type { Lifecycle } from './lifecycle.js'
import type { Tenancy } from './tenancy.js'
import type { Ways } from './ways.js'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
/** How often logs and tenants are looked at where no Redis tells of changes. */
const POLL_MS = 500
/** How often all is looked at although Redis tells of changes: an instance that cannot reach it tells nothing. */
const MISSED_MS = 10 * SECOND_MS
/** How often it is looked at whether the store answers. */
const WATCH_MS = 5 * SECOND_MS
/** A tenant is looked for work that a crash may leave, until it has left none for this long. */
const QUIET_MS = 30 * SECOND_MS
const MAINTENANCE_MS = 5 * MINUTE_MS

/** What is done again and again, from the start until the end. @returns ends it */
export function beginRoutines(
  { config, logger, store, own, profiles, shared, bus, recovery }: Foundation,
  { hub, feed }: Events,
  { operators, vault, live }: Tenancy,
  { sender, held }: Ways,
  { sessions, mediation, revocation }: Agents,
  { drain }: Arrivals,
  { lifecycle, deletion, spares, mover, travelling, hostedDids, indyDids }: Lifecycle,
  { auditLog, refusals }: Api,
  { watch }: Front,
  following: Following,
): () => void {
  const ends: (() => void)[] = []
  const failed = (error: unknown, whose = {}) => logger.warn('A routine task failed', { ...whose, error })
  const every = (ms: number, work: () => Promise<void>, alsoNow = false) => {
    ends.push(repeat(ms, work, failed, alsoNow))
  }

  /** What keeps something here may have ended elsewhere. */
  let isLooking = false
  const lookAtHeld = async (tenantIds: string[]) => {
    if (isLooking) return
    isLooking = true
    try {
      mediation.mediator.deliveries.lookAll()
      for (const tenantId of new Set(tenantIds)) {
        await live.check(tenantId)
        await following.begin(tenantId)
      }
      await held.lookAll()
    } finally {
      isLooking = false
    }
  }

  if (shared) {
    every(5 * SECOND_MS, async () => sender.watch(BASE_PROFILE))
    let told = false
    every(POLL_MS, async () => {
      // Once more after a connection has come: what was said just before it was not heard.
      const { connected } = bus
      if (!connected || !told) await hub.poll()
      told = connected
    })
    every(MISSED_MS, async () => {
      await hub.poll()
      await live.checkAll()
      await lookAtHeld([...vault.tenantIds, ...sender.heldIds])
    })
    // A tenant that was read may be a second old by then, and revoked tokens are to be out within two.
    every(POLL_MS, async () => {
      if (!bus.connected) await live.checkAll()
    })
    every(SECOND_MS, async () => {
      if (!bus.connected) await lookAtHeld([...hub.followed, ...vault.tenantIds, ...sender.heldIds])
    })
  }
  every(WATCH_MS, async () => void (await watch.look()))
  every(MAINTENANCE_MS, () => auditLog.trim(config.auditRetentionMs), true)
  every(MAINTENANCE_MS, () => refusals.flush())
  every(MAINTENANCE_MS, async () => {
    const steps = [
      () => store.database.analyze(),
      () => own.analyze(),
      () => spares.sweep(),
      () => travelling.sweep(),
      () => trimTickets(profiles.base),
    ]
    await takeAll(steps, failed)
    for (const name of [BASE_PROFILE, ...sessions.tenantIds]) {
      const trims = [
        () => trimLog(profiles.of(name), config.eventRetentionMs),
        () => trimIdempotency(profiles.of(name)),
        () => held.trim(name),
        () => mediation.mediator.trim(name),
      ]
      await takeAll(trims, (error) => {
        // One that was locked meanwhile is trimmed another time.
        if (!isGatewayError(error)) failed(error, name === BASE_PROFILE ? {} : { tenantId: name })
      })
    }
  })
  // Not all instances at once, as they would come too late for each other.
  every(MAINTENANCE_MS * (1 - Math.random() / 2), () => following.drainAll(), true)
  every(MINUTE_MS, () => lifecycle.noteTokenUse())
  every(MINUTE_MS, () => operators.noteUse())
  every(QUIET_MS, () =>
    recovery.unmark(
      recovery
        .quiet(QUIET_MS)
        .filter((id) => !sender.isSending(id) && !feed.isPending(id) && !drain.isDraining(id))
        .filter((id) => !vault.holds(id) && !deletion.isRunning(id) && !mover.isBusy(id))
        .filter(
          (id) => !hostedDids.isPending(id) && !indyDids?.isBusy(id) && !revocation.isBusy(id) && !mediation.isBusy(id),
        ),
    ),
  )
  every(10 * SECOND_MS, () => hostedDids.finishAll())
  if (indyDids) every(10 * SECOND_MS, () => indyDids.finishAll(), true)
  return () => {
    for (const end of ends) end()
  }
}
