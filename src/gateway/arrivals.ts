import { Drain } from '../relay/drain.js'
import { Inbound, type Returns } from '../relay/inbound.js'
import type { Agents } from './agents.js'
import type { Events } from './events.js'
import type { Foundation } from './foundation.js'
import type { Tenancy } from './tenancy.js'
import type { Ways } from './ways.js'

export type Arrivals = ReturnType<typeof makeArrivals>

/** What becomes of envelopes that arrive, and of those that were kept sealed. */
export function makeArrivals(
  { profiles, mark, logger }: Foundation,
  { tenantJournal }: Events,
  { tenants, vault, rates }: Tenancy,
  { routes, queue, gate, sender, held, returnPaths }: Ways,
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
  const inbound = new Inbound(routes, sessions, tenants, vault, queue, rates, gate, returns, logger)
  const drain = new Drain({
    queue,
    tenants,
    profiles,
    journal: tenantJournal,
    mark,
    handle: (tenantId, sealed) => gate.use(tenantId, () => inbound.handleSealed(tenantId, sealed)),
    logger,
  })
  return { inbound, drain }
}
