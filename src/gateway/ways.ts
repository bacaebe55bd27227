import { Hosting } from '../hosting/hosting.js'
import { FairGate } from '../lib/fair-gate.js'
import { Carrier } from '../relay/carrier.js'
import { type DeliveryReport, deliveryDraft } from '../relay/delivery-report.js'
import { HeldMessages } from '../relay/held.js'
import { Links } from '../relay/links.js'
import { outbox } from '../relay/outbox.js'
import { Post } from '../relay/post.js'
import { ReturnPaths } from '../relay/return-paths.js'
import { Routes } from '../relay/routes.js'
import { SealedQueue } from '../relay/sealed-queue.js'
import { Sender } from '../relay/sender.js'
import { OWN_ROUTES } from '../server/routes.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Unit } from '../storage/unit.js'
import { TenantEndpoints } from '../tenants/endpoints.js'
import { livesInUnit } from '../tenants/tenant-store.js'
import type { Events } from './events.js'
import type { Foundation } from './foundation.js'
import type { Tenancy } from './tenancy.js'

export type Ways = ReturnType<typeof makeWays>

/** How tenants share the one thread: see bench/README.md for what comes of it. */
const TURNS = { most: 16, share: 1, yieldMs: 100, many: 16, aboutMs: 1000, stayMs: 250 }

/** The ways in and out of wallets: routes and endpoints, what leaves, what waits to be fetched, what is served. */
export function makeWays(
  { config, logger, profiles, shared, bus, hints, recovery, mark, fetch, urlNow }: Foundation,
  { baseJournal, tenantJournal }: Events,
  { tenants, policies }: Tenancy,
) {
  const { instanceId } = config
  const returnPaths = new ReturnPaths()
  // A mediator's delivery has a whole message in it, sealed once more.
  const maxAnswerBytes = 2 * config.maxMessageBytes
  const links = new Links({
    open: (endpoint) => fetch.socket(endpoint, { maxBytes: maxAnswerBytes }),
    returns: returnPaths,
    idleMs: config.didcommSocketIdleMs,
  })
  const post = new Post(fetch, config.outboundTimeoutMs, maxAnswerBytes)
  const carrier = new Carrier(returnPaths, post, links)
  const maySend = async (tenantId: string) =>
    tenantId === BASE_PROFILE || (await tenants.find(tenantId))?.state === 'ACTIVE'
  const report = async (unit: Unit, tenantId: string, delivery: DeliveryReport) => {
    if (tenantId === BASE_PROFILE) return unit.add(baseJournal, deliveryDraft(tenantId, 'BASE', delivery))
    const tenant = await tenants.find(tenantId)
    unit.add(tenantJournal, deliveryDraft(tenantId, tenant?.eventDispatch ?? 'DEFAULT', delivery))
  }
  const sender = new Sender({
    instanceId,
    profiles,
    shared,
    carrier,
    isTold: () => bus.connected,
    isSilent: (instance) => recovery.isSilent(instance),
    exists: async (tenantId) => tenantId === BASE_PROFILE || (await tenants.find(tenantId)) !== undefined,
    maySend,
    giveUpMs: config.outboxGiveUpMs,
    report,
    logger,
  })
  const announceHeld = (tenantId: string) => bus.publish('held', { tenantId })
  const held = new HeldMessages({
    profiles,
    paths: returnPaths,
    maySend,
    announce: announceHeld,
    giveUpMs: config.outboxGiveUpMs,
    report,
    logger,
  })
  const out = outbox({
    instanceId,
    shared,
    mark,
    uncertain: (tenantId) => sender.takeSoon(tenantId),
    enqueue: (tenantId, messages, lease, alone) => sender.enqueue(tenantId, messages, lease, alone),
    handOver: (tenantId, owner) => {
      bus.publish('outbox', { tenantId, owner })
      sender.watch(tenantId)
    },
  })
  const queue = new SealedQueue(profiles.base, tenants, baseJournal, (tenant) => {
    const { queueMaxMessages, queueMaxBytes, queueMaxAge } = policies.of(tenant)
    return { messages: queueMaxMessages, bytes: queueMaxBytes, ageMs: queueMaxAge * 1000 }
  })
  return {
    routes: new Routes(profiles.base, hints),
    endpoints: new TenantEndpoints(tenants, urlNow),
    returnPaths,
    links,
    post,
    carrier,
    maySend,
    report,
    sender,
    held,
    announceHeld,
    out,
    queue,
    hosting: new Hosting(profiles.base, urlNow, OWN_ROUTES, livesInUnit),
    gate: new FairGate(TURNS),
  }
}
