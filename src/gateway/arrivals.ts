import { setTimeout as sleep } from 'node:timers/promises'
import { Drain } from '../relay/drain.js'
import { Inbound, type Returns } from '../relay/inbound.js'
import type { ReturnPath } from '../relay/return-paths.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Agents } from './agents.js'
import type { Events } from './events.js'
import type { Foundation } from './foundation.js'
import type { Tenancy } from './tenancy.js'
import type { Ways } from './ways.js'

export type Arrivals = ReturnType<typeof makeArrivals>

/** What could not be taken that came by a socket of our own is taken after (ms). */
const AGAIN_MS = 1000

/** What becomes of envelopes that arrive, and of those that were kept sealed. */
export function makeArrivals(
  { profiles, mark, metrics, logger, neighbours }: Foundation,
  { tenantJournal }: Events,
  { tenants, vault, rates }: Tenancy,
  { routes, queue, gate, sender, held, returnPaths, links, carrier }: Ways,
  { sessions, mediation }: Agents,
) {
  const { deliveries } = mediation.mediator
  const returns: Returns = {
    open(tenantId, route, path) {
      if (!returnPaths.open(tenantId, route, path)) return
      sender.tryNow(tenantId, (message) => returnPaths.find(tenantId, message) !== undefined)
    },
    async fetch(tenantId, { to }, lasting) {
      if (!lasting) await held.fetch(tenantId, to)
      await deliveries.fetch(tenantId, to, lasting)
    },
  }
  const handed = () => metrics.countHanded()
  const inbound = new Inbound(routes, sessions, tenants, vault, queue, rates, gate, returns, logger, neighbours, handed)
  const drain = new Drain({
    queue,
    tenants,
    profiles,
    journal: tenantJournal,
    mark,
    handle: (tenantId, sealed) => gate.use(tenantId, () => inbound.handleSealed(tenantId, sealed)),
    logger,
  })
  // What comes by the ways that this gateway has opened itself: to a tenant for it alone, to the base wallet for anyone.
  const take = async (wallet: string, envelope: Buffer, path?: ReturnPath) => {
    const reached = wallet === BASE_PROFILE ? undefined : wallet
    const { outcome } = await inbound.receive(envelope, async () => reached, path)
    metrics.countInbound(outcome)
    return outcome
  }
  mediation.receive = take
  carrier.takeAnswer = async (wallet, envelope) => (await take(wallet, envelope)) !== 'unavailable'
  links.take = async (wallet, envelope, path) => {
    // Whoever sent it cannot be told that it is to come again.
    while ((await take(wallet, envelope, path)) === 'unavailable' && path.isOpen) await sleep(AGAIN_MS)
  }
  return { inbound, drain }
}
