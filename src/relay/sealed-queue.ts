import type { EventDraft } from '../events/event.js'
import { conflict } from '../lib/errors.js'
import { newId } from '../lib/ids.js'
import type { TagQuery } from '../storage/entry.js'
import type { Profile } from '../storage/profile.js'
import type { Collector, Unit } from '../storage/unit.js'
import type { Tenant } from '../tenants/tenant.js'
import { readInUnit, type TenantStore } from '../tenants/tenant-store.js'
import type { Envelope } from './envelope.js'

/** Sealed messages that wait, and of each tenant how many. */
const MESSAGES = '_queue'
export const COUNTS = '_queue-count'

/** Messages are read, and removed, by pages of so many. */
const PAGE = 50
/** What goes with a tenant to another gateway is read, and laid down there, at once. */
const AT_ONCE_BYTES = 32 * 1024 * 1024

/** How much may wait for one tenant. */
export interface QueueLimits {
  messages: number
  bytes: number
  /** New ones are refused while the oldest has waited longer (ms); what was taken is never dropped. */
  ageMs: number
}

/** A sealed message that waits. */
export interface Waiting {
  digest: string
  bytes: number
  /** When it came: milliseconds since the epoch. */
  at: number
  envelope: Record<string, unknown>
}

/** A sealed message in the queue; `n` is its place there. */
export interface Sealed extends Waiting {
  n: number
  /** How many waited then, this one included. */
  waiting: number
  /** The id of its event. */
  eventId: string
}

export interface Count {
  last: number
  messages: number
  bytes: number
  /** When the oldest came. */
  since: number
}

const EMPTY: Count = { last: 0, messages: 0, bytes: 0, since: 0 }

/** `direct`: the tenant can take it now, and nothing waits before it. */
export type Laid = 'queued' | 'direct' | 'full' | 'unknown'

/**
 * Why a message is to wait: its tenant is not served, as far as is known; this instance has not the wallet open, though
 * another may; the wallet is full, or waits for its mediator.
 */
export type Why = 'not served' | 'locked here' | 'full'

const pageTag = (tenantId: string, n: number) => `${tenantId}/${Math.floor(n / PAGE)}`
const nameOf = (tenantId: string, digest: string) => `${tenantId}/${digest}`

/**
 * Messages to tenants that cannot take them now, as they came, sealed: in the base wallet, in order, each once. Those
 * of one tenant are handled before anything that comes after them.
 */
export class SealedQueue {
  /** Called where one more message waits behind others: whoever began to hand those over may have ended. */
  onMore: (tenantId: string) => void = () => {}
  private readonly putting = new Map<string, { envelope: Envelope; why: Why; done: (laid: Laid | Error) => void }[]>()

  constructor(
    private readonly base: Profile,
    private readonly tenants: TenantStore,
    private readonly journal: Collector<EventDraft>,
    private readonly limitsOf: (tenant: Tenant) => QueueLimits,
  ) {}

  /** Lays a message down, unless it need not wait by what is true of the tenant; resolves once it is committed. */
  put(tenantId: string, envelope: Envelope, why: Why): Promise<Laid> {
    return new Promise((resolve, reject) => {
      const done = (laid: Laid | Error) => (laid instanceof Error ? reject(laid) : resolve(laid))
      const waiting = this.putting.get(tenantId)
      if (waiting) return void waiting.push({ envelope, why, done })
      this.putting.set(tenantId, [{ envelope, why, done }])
      void this.putAll(tenantId)
    })
  }

  async count(tenantId: string): Promise<number> {
    const entry = await this.base.fetch(COUNTS, tenantId)
    return entry ? (JSON.parse(entry.value) as Count).messages : 0
  }

  /** The oldest messages of a tenant, in their order. */
  async next(tenantId: string, after: number): Promise<Sealed[]> {
    const entry = await this.base.fetch(COUNTS, tenantId)
    const { last, messages } = entry ? (JSON.parse(entry.value) as Count) : EMPTY
    if (messages === 0) return []
    for (let n = after + 1; n <= last; n = (Math.floor(n / PAGE) + 1) * PAGE) {
      const found = await this.read({ _p: pageTag(tenantId, n) })
      if (found.length > 0) return found
    }
    // What lies before `after` was handled, and only waits to be removed.
    return this.read({ tenant: tenantId })
  }

  /**
   * Removes messages that were handled.
   * @returns how many are left, and whether with this the queue has ended: what comes from now on need not wait
   */
  async remove(tenantId: string, handled: readonly Sealed[]): Promise<{ left: number; ended: boolean }> {
    const result = await this.base.transact(async (unit) => {
      const tenant = await readInUnit(unit, tenantId)
      // Deleted meanwhile, with all that waited.
      if (!tenant || tenant.deleting) return { left: 0, ended: false }
      const count = await readCount(unit, tenantId)
      for (const { digest, bytes } of handled) {
        if (!(await unit.remove(MESSAGES, nameOf(tenantId, digest)))) continue
        count.messages -= 1
        count.bytes -= bytes
      }
      count.since = handled.at(-1)?.at ?? count.since
      if (handled.length > 0) await writeCount(unit, tenantId, count)
      const ended = tenant.queueing && count.messages === 0
      if (ended) await this.tenants.update(unit, tenantId, undefined, () => ({ queueing: false }))
      return { left: count.messages, ended }
    })
    if (result.ended) this.tenants.changed(tenantId)
    return result
  }

  /** All that waits for a tenant after the place `after`, in its order. @throws CONFLICT where that is too much at once */
  async all(tenantId: string, after: number): Promise<Sealed[]> {
    const entry = await this.base.fetch(COUNTS, tenantId)
    const { bytes } = entry ? (JSON.parse(entry.value) as Count) : EMPTY
    if (bytes > AT_ONCE_BYTES) throw conflict('Too much waits for this tenant. Let it take that first.')
    return (await this.read({ tenant: tenantId })).filter(({ n }) => n > after)
  }

  /** Lays what waited for a tenant elsewhere down for it here, in the unit that makes the tenant. */
  async lay(unit: Unit, tenantId: string, messages: readonly Waiting[]): Promise<void> {
    const count = await readCount(unit, tenantId)
    for (const { envelope, digest, bytes, at } of messages)
      append(unit, tenantId, { json: envelope, digest, bytes }, at, count)
    if (messages.length === 0) return
    await writeCount(unit, tenantId, count)
  }

  /** Tenants that something waits for. */
  async waitedFor(): Promise<string[]> {
    const entries = await this.base.query(COUNTS, {})
    return entries.filter(({ value }) => (JSON.parse(value) as Count).messages > 0).map(({ name }) => name)
  }

  /** Removes all that waits for a tenant. */
  async drop(tenantId: string): Promise<void> {
    await this.base.transact(async (unit) => {
      unit.clear(MESSAGES, { tenant: tenantId })
      await unit.remove(COUNTS, tenantId)
    })
  }

  private async read(query: TagQuery): Promise<Sealed[]> {
    const entries = await this.base.query(MESSAGES, query)
    return entries.map(({ value }) => JSON.parse(value) as Sealed).sort((a, b) => a.n - b.n)
  }

  /** All that has come while the last commit ran is laid down in one. */
  private async putAll(tenantId: string): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const batch = this.putting.get(tenantId) ?? []
      if (batch.length === 0) break
      this.putting.set(tenantId, [])
      try {
        const { laid, first } = await this.base.transact((unit) => this.layAll(unit, tenantId, batch))
        if (first) this.tenants.changed(tenantId)
        else if (laid.includes('queued')) this.onMore(tenantId)
        for (const [index, { done }] of batch.entries()) done(laid[index] as Laid)
      } catch (error) {
        for (const { done } of batch) done(error as Error)
      }
    }
    this.putting.delete(tenantId)
  }

  private async layAll(
    unit: Unit,
    tenantId: string,
    batch: { envelope: Envelope; why: Why }[],
  ): Promise<{ laid: Laid[]; first: boolean }> {
    const tenant = await readInUnit(unit, tenantId)
    if (!tenant || tenant.deleting) return { laid: batch.map(() => 'unknown'), first: false }
    const isServed = tenant.state === 'ACTIVE' && !tenant.queueing
    const limits = this.limitsOf(tenant)
    const count = await readCount(unit, tenantId)
    const laid: Laid[] = []
    for (const { envelope, why } of batch) {
      const waits = why === 'full' || (why === 'locked here' && tenant.keyMode === 'UNMANAGED')
      laid.push(isServed && !waits ? 'direct' : await this.layOne(unit, tenant, envelope, count, limits))
    }
    const first = !tenant.queueing && laid.includes('queued')
    if (laid.includes('queued')) await writeCount(unit, tenantId, count)
    if (first) await this.tenants.update(unit, tenantId, undefined, () => ({ queueing: true }))
    return { laid, first }
  }

  private async layOne(
    unit: Unit,
    tenant: Tenant,
    { json, digest, bytes }: Envelope,
    count: Count,
    limits: QueueLimits,
  ): Promise<Laid> {
    const { id, eventDispatch } = tenant
    if (await unit.fetch(MESSAGES, nameOf(id, digest))) return 'queued'
    const tooOld = count.messages > 0 && Date.now() - count.since > limits.ageMs
    if (tooOld || count.messages >= limits.messages || count.bytes + bytes > limits.bytes) return 'full'
    const sealed = append(unit, id, { json, digest, bytes }, Date.now(), count)
    // The tenant's own log gets it once the wallet can be written.
    if (eventDispatch !== 'DEFAULT') unit.add(this.journal, queuedDraft(tenant, sealed))
    return 'queued'
  }
}

/** Puts a message at the end of the queue. */
function append(
  unit: Unit,
  tenantId: string,
  { json, digest, bytes }: Pick<Envelope, 'json' | 'digest' | 'bytes'>,
  at: number,
  count: Count,
): Sealed {
  if (count.messages === 0) count.since = at
  count.last += 1
  count.messages += 1
  count.bytes += bytes
  const sealed = { n: count.last, digest, bytes, at, waiting: count.messages, eventId: newId(), envelope: json }
  const tags = { tenant: tenantId, _p: pageTag(tenantId, sealed.n) }
  unit.insert({ category: MESSAGES, name: nameOf(tenantId, digest), value: JSON.stringify(sealed), tags })
  return sealed
}

/** The event of a message that was laid into the queue, the same in each log. */
export function queuedDraft({ id, eventDispatch }: Tenant, { eventId, at, waiting }: Sealed): EventDraft {
  return {
    id: eventId,
    tenantId: id,
    topic: 'QUEUE',
    dispatch: eventDispatch,
    occurredAt: new Date(at).toISOString(),
    payload: { queuedMessages: waiting },
    copied: true,
  }
}

async function readCount(unit: Unit, tenantId: string): Promise<Count> {
  const entry = await unit.fetch(COUNTS, tenantId)
  return entry ? (JSON.parse(entry.value) as Count) : { ...EMPTY }
}

async function writeCount(unit: Unit, tenantId: string, count: Count): Promise<void> {
  const entry = { category: COUNTS, name: tenantId, value: JSON.stringify(count), tags: {} }
  if (!(await unit.replace(entry))) unit.insert(entry)
}
