import { Drain } from '../relay/drain.js'
import { Inbound, type Returns } from '../relay/inbound.js'
import { Intake } from '../relay/intake.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Agents } from './agents.js'
import type { Events } from './events.js'
import type { Foundation } from './foundation.js'
import type { Tenancy } from './tenancy.js'
import type { Ways } from './ways.js'

export type Arrivals = ReturnType<typeof makeArrivals>

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
  const intake = new Intake(inbound, (outcome) => metrics.countInbound(outcome))
  mediation.receive = (wallet, envelope, isKept) => intake.begin(wallet, envelope, { isKept })
  carrier.takeAnswer = async (wallet, envelope) => {
    const { outcome } = await intake.take(wallet, envelope)
    // It waits for room of its tenant without the request that it has answered.
    if (outcome === 'limited' || outcome === 'full') void intake.begin(wallet, envelope)
    return outcome !== 'unavailable'
  }
  links.take = async (wallet, envelope, path) => {
    const begun = await intake.begin(wallet, envelope, { path })
    // The base wallet's sockets bring what is for anyone.
    if (wallet !== BASE_PROFILE || !begun?.hasRoom) await begun?.ended
  }
  return { inbound, intake, drain }
}
