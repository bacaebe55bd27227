import { setTimeout as sleep } from 'node:timers/promises'
import { isGatewayError, tenantLocked } from '../lib/errors.js'
import { OneAtATime } from '../lib/one-at-a-time.js'
import type { Agents } from './agents.js'
import type { Arrivals } from './arrivals.js'
import type { Events } from './events.js'
import type { Foundation } from './foundation.js'
import type { Lifecycle } from './lifecycle.js'
import type { Tenancy } from './tenancy.js'
import type { Ways } from './ways.js'

export type Following = ReturnType<typeof follow>

/** What could not be followed is tried again after (ms). */
const AGAIN_MS = 1000
/** Between two queues that are gone on with (ms). */
const BETWEEN_MS = 20

/** What is done as something changes: here, or at another instance, of which the bus tells. */
export function follow(
  { config, logger, profiles, bus, mark, recovery, metrics }: Foundation,
  { hub }: Events,
  { tenants, operators, vault, live }: Tenancy,
  { routes, endpoints, sender, links, held, queue }: Ways,
  { sessions, mediation }: Agents,
  { drain }: Arrivals,
  { lifecycle, deletion }: Lifecycle,
) {
  /** Keeps nothing of a tenant that another instance deletes. */
  const leave = async (tenantId: string) => {
    if (deletion.isRunning(tenantId)) return
    sender.drop(tenantId)
    await sessions.drain(tenantId, async () => profiles.drop(tenantId))
    await routes.leave(tenantId)
    await vault.forget(tenantId)
    // Its wallet is no more than closed by that, and so held.
    sender.drop(tenantId)
    links.close(tenantId)
    metrics.forget(tenantId)
    await recovery.unmark([tenantId])
  }
  const followTenant = async (tenantId: string) => {
    const isLooked = hub.isFollowed(tenantId) || sessions.isOpen(tenantId) || recovery.hasMarked(tenantId)
    if (!isLooked && !vault.holds(tenantId) && !sender.isHeld(tenantId) && !sender.isSending(tenantId)) return
    const tenant = await tenants.find(tenantId)
    if (!tenant || tenant.deleting) return leave(tenantId)
    if (tenant.state === 'SUSPENDED') void sender.holdIfNotAllowed(tenantId)
    await vault.follow(tenant)
    if (tenant.keyMode === 'UNMANAGED' && !vault.isUnlocked(tenant)) return
    await lifecycle.copyLifecycle(tenant)
    if (tenant.state !== 'ACTIVE') return
    if (sender.isHeld(tenantId)) sender.release(tenantId)
    if (tenant.queueing && tenant.keyMode === 'UNMANAGED') drain.begin(tenantId)
  }
  const toldLater = (tenantId: string, error: unknown) =>
    logger.warn('A change of a tenant waits to be told', { tenantId, error })
  // In turn, so that what was found last is what stands.
  const following = new OneAtATime((tenantId) =>
    followTenant(tenantId).catch((error) => {
      toldLater(tenantId, error)
      if (!isGatewayError(error)) setTimeout(() => tenantChanged(tenantId), AGAIN_MS).unref()
    }),
  )
  const tenantChanged = (tenantId: string) => {
    endpoints.forget()
    void live.check(tenantId)
    void following.begin(tenantId)
  }
  /** Hands a tenant what waits for it, where it can be taken here. */
  const drainSoon = async (tenantId: string) => {
    const tenant = await tenants.find(tenantId)
    if (tenant?.state !== 'ACTIVE' || !tenant.queueing) return
    if (tenant.keyMode === 'MANAGED' || vault.isUnlocked(tenant)) drain.begin(tenantId)
  }

  vault.onLocking = async (tenantId) => {
    await sender.hold(tenantId)
    const tenant = await tenants.find(tenantId)
    // Its last events, while they can still be read.
    if (tenant) await lifecycle.copyLifecycle(tenant).catch(() => {})
    await sessions.drain(tenantId, async () => {})
    await profiles.of(tenantId).still(async () => {})
    hub.end(tenantId, tenantLocked())
  }
  // A wallet's own log begins with what happened to its tenant before.
  sessions.onOpen = (tenant) => lifecycle.copyLifecycle(tenant).catch((error) => toldLater(tenant.id, error))
  sessions.onShrunk = (tenantId) => void drainSoon(tenantId).catch(() => {})
  tenants.onChange = (tenantId) => {
    tenantChanged(tenantId)
    void drainSoon(tenantId).catch(() => {})
  }
  queue.onMore = (tenantId) => {
    if (!drain.isDraining(tenantId)) void drainSoon(tenantId).catch(() => {})
  }
  operators.onChange = (keyId) => void live.check(keyId)

  bus.on('log', ({ log, seq }) => hub.wake(log, seq))
  bus.on('tenant', ({ id }) => {
    tenants.forget(id)
    tenantChanged(id)
  })
  bus.on('operator', ({ id }) => {
    operators.forget()
    void live.check(id)
  })
  bus.on('held', ({ tenantId }) => {
    held.look(tenantId)
    mediation.mediator.deliveries.look(tenantId)
  })
  bus.on('routes', ({ keys }) => routes.forget(keys))
  bus.on('outbox', ({ tenantId, owner }) => {
    if (owner !== config.instanceId) return
    mark(tenantId).then(
      () => sender.takeSoon(tenantId),
      (error) => logger.warn('A message of another instance waits', { tenantId, error }),
    )
  })
  return {
    begin: (tenantId: string) => following.begin(tenantId),
    /** Goes on with what waits for tenants that nobody hands it to any more: whoever did may have ended. */
    drainAll: async () => {
      for (const tenantId of await queue.waitedFor()) {
        if (!drain.isDraining(tenantId)) await drainSoon(tenantId).catch((error) => toldLater(tenantId, error))
        // Not all wallets at once, after a time in which nobody was there.
        await sleep(BETWEEN_MS, undefined, { ref: false })
      }
    },
  }
}
