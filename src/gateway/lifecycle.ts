import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { abandonOpenExchanges } from '../agent/exchanges/open-exchanges.js'
import { HostedDids } from '../dids/hosted-dids.js'
import { IndyDids } from '../dids/indy-dids.js'
import { HostedBelongings } from '../hosting/belongings.js'
import { isGatewayError } from '../lib/errors.js'
import { TravelStores } from '../storage/travel-stores.js'
import { Exporter } from '../tenants/exporter.js'
import { Farewell } from '../tenants/farewell.js'
import { Importer } from '../tenants/importer.js'
import { Mover } from '../tenants/mover.js'
import { SparePlaces } from '../tenants/spare-places.js'
import { TenantService } from '../tenants/tenant.service.js'
import { TenantDeletion } from '../tenants/tenant-deletion.js'
import { TenantWallets } from '../tenants/tenant-wallets.js'
import type { Agents } from './agents.js'
import type { Arrivals } from './arrivals.js'
import type { Events } from './events.js'
import type { Foundation } from './foundation.js'
import type { Tenancy } from './tenancy.js'
import type { Ways } from './ways.js'

export type Lifecycle = ReturnType<typeof makeLifecycle>

/** How long a deletion waits for the events of its tenant to be in the base stream (ms). */
const FEED_MS = 2000
/** What could not be taken up is tried again after (ms). */
const AGAIN_MS = 1000

/** How tenants come, go on, move and go; and what that asks of every other part. */
export function makeLifecycle(
  { config, logger, profiles, places, shared, self, mark, recovery, metrics, urlNow }: Foundation,
  { feed, tenantJournal }: Events,
  { tenants, tokens, vault, rates }: Tenancy,
  { routes, endpoints, sender, links, queue, hosting, out }: Ways,
  { ports, mediation, observers, sessions, revocation, indyLedgers }: Agents,
  { drain }: Arrivals,
) {
  const seconds = (ms: number | null) => (ms === null ? null : Math.floor(ms / 1000))
  const life = { standard: seconds(config.tokenTtlMs), longest: seconds(config.tokenTtlMaxMs) }
  const isAlive = (instance: string) => recovery.isAlive(instance)
  const spares = new SparePlaces(profiles.base, places, { self, isAlive }, logger)
  const wallets = new TenantWallets(places, vault, spares)
  const mover = new Mover(profiles, tenants, wallets, sessions, { self, shared, mark, isAlive }, logger)
  const lastWords = [mediation.lastWords, abandonOpenExchanges]
  const farewell = new Farewell(lastWords, sessions, profiles, ports, out, logger)
  const deletion = new TenantDeletion({
    store: tenants,
    sessions,
    profiles,
    wallets,
    mark,
    farewell,
    withdrawals: [
      (tenantId) => mediation.withdrawAll(tenantId),
      (tenantId) => routes.withdrawAll(tenantId),
      (tenantId) => hosting.withdrawAll(tenantId),
      async (tenantId) => sender.drop(tenantId),
      (tenantId) => queue.drop(tenantId),
      // What it told the operator last; not for ever, as its wallet may be gone already.
      (tenantId) => Promise.race([feed.recover(tenantId), sleep(FEED_MS)]),
    ],
    removing: (unit, tenantId) => feed.forget(unit, tenantId),
    async deleted(tenantId) {
      sender.drop(tenantId)
      links.close(tenantId)
      metrics.forget(tenantId)
      await rates.forget(tenantId)
      await recovery.unmark([tenantId])
    },
    logger,
  })
  const lifecycle = new TenantService(tenants, tokens, profiles, wallets, mover, deletion, tenantJournal, life, mark)
  const hostedDids = new HostedDids(sessions, hosting, ports, mark)
  const indyDids =
    indyLedgers && new IndyDids(sessions, indyLedgers.reader, indyLedgers.writer, config.indyNetworks, mark)

  /** Takes up all that waits for a tenant, or of it. */
  const takeUp = async (tenantId: string) => {
    const tenant = await tenants.find(tenantId)
    if (tenant?.state !== 'ACTIVE') return
    await mover.mend(tenant)
    if (tenant.queueing) drain.begin(tenantId)
    sender.release(tenantId)
    await feed.recover(tenantId)
    await hostedDids.finish(tenantId)
    await indyDids?.goOn(tenantId)
    await revocation.goOn(tenantId)
    await mediation.goOn(tenantId)
  }
  const takeUpSoon = (tenantId: string) => {
    takeUp(tenantId).catch((error) => {
      logger.warn('What waits for a tenant is taken up later', { tenantId, error })
      if (!isGatewayError(error)) setTimeout(() => takeUpSoon(tenantId), AGAIN_MS).unref()
    })
  }
  /** Takes up what an instance that died has left of a tenant. */
  const takeOver = async (tenantId: string, isLiving: (instance: string) => boolean) => {
    await vault.forgetDead(tenantId, isLiving)
    const tenant = await tenants.find(tenantId)
    if (tenant?.deleting) return deletion.finish(tenantId)
    // What a locked or suspended tenant has left is taken up as it goes on.
    if (tenant?.state !== 'ACTIVE' || (tenant.keyMode === 'UNMANAGED' && !vault.isUnlocked(tenant))) return
    await takeUp(tenantId)
  }
  vault.onUnlocked = takeUpSoon
  lifecycle.onResumed = takeUpSoon

  const served = new HostedBelongings(profiles.base, hosting, urlNow)
  const travelling = new TravelStores(join(config.dataDir, 'travelling'), self, isAlive)
  const exporter = new Exporter(profiles.base, tenants, lifecycle, places, vault, mover, travelling, {
    recipientKeys: (tenantId) => routes.keysOf(tenantId),
    queued: (tenantId, after) => queue.all(tenantId, after),
    served: (tenantId) => served.of(tenantId),
    endpointOf: (tenant) => (tenant.endpoint === null ? null : endpoints.urlOf(tenant)),
    publicUrl: urlNow,
  })
  const importer = new Importer(profiles.base, tenants, lifecycle, wallets, travelling, {
    observers,
    async arrive(unit, tenantId, { recipientKeys, queue: messages, lastEvent, served: entries, publicUrl: from }) {
      await routes.claim(unit, recipientKeys, tenantId)
      await queue.lay(unit, tenantId, messages)
      feed.beginAfter(unit, tenantId, lastEvent)
      return served.take(unit, tenantId, from, entries)
    },
    parseEndpoint: (endpoint) => endpoints.parse(endpoint),
    mark,
    goOn: takeUpSoon,
  })
  return { spares, mover, lifecycle, deletion, hostedDids, indyDids, travelling, exporter, importer, takeOver }
}
