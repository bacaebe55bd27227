import type { AgentFactory } from '../agent/agent-factory.js'
import { beganAt, type Fetching, needsOf } from '../agent/outside-needs.js'
import { WalletOwner, type WalletSettings } from '../agent/ports.js'
import { finishUnit } from '../agent/unit-tasks.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { type Deferred, deferred } from '../lib/deferred.js'
import { notFound, protocolError, tenantSuspended } from '../lib/errors.js'
import { FairQueue } from '../lib/fair-queue.js'
import { FencedError, StoreError } from '../storage/errors.js'
import type { Profiles } from '../storage/profiles.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Unit } from '../storage/unit.js'
import type { Policies } from './policy.js'
import type { Quotas } from './quotas.js'
import type { Tenant } from './tenant.js'
import type { TenantStore } from './tenant-store.js'
import type { Vault } from './vault.js'

/** An open wallet, and how many have it on loan. */
interface Room {
  agent: WalletAgent
  guests: number
  usedAt: number
}

interface Waiting {
  tenant: Tenant
  turn: Deferred<Room>
}

/** A unit of work needs documents from outside before it can run. */
class OutsideNeed extends Error {
  constructor(readonly fetchings: Fetching[]) {
    super('Documents from outside are needed')
  }
}

/** How often a unit may need more: one document can name the next. */
const FETCH_ROUNDS = 16
/** How long a wallet that moves to another place is waited for (ms). */
const MOVING_MS = 60_000

/**
 * Lends tenants' wallets. An open wallet is kept for a while after its last use, but never more than `max` of them;
 * who finds no room waits in one queue, in which tenants take turns, so that a busy tenant cannot keep another out.
 */
export class Sessions {
  private readonly rooms = new Map<string, Room>()
  private readonly opening = new Map<string, Promise<Room>>()
  private readonly queue = new FairQueue<Waiting>()
  private readonly drained = new Map<string, Deferred<void>>()
  private readonly sweeper: NodeJS.Timeout
  /** Called before a wallet that was opened is lent. */
  onOpen: (tenant: Tenant) => Promise<void> = async () => {}
  /** Called once a wallet has become smaller. */
  onShrunk: (tenantId: string) => void = () => {}
  /** Rooms that are taken, or promised to an opening or a closing wallet. */
  private taken = 0

  constructor(
    private readonly factory: AgentFactory,
    private readonly profiles: Profiles,
    private readonly tenants: TenantStore,
    private readonly vault: Vault,
    private readonly policies: Policies,
    private readonly quotas: Quotas,
    private readonly options: { max: number; idleMs: number },
  ) {
    this.sweeper = setInterval(() => void this.sweep(), Math.max(1000, options.idleMs / 2))
    this.sweeper.unref()
  }

  get open(): number {
    return this.rooms.size
  }

  isOpen(tenantId: string): boolean {
    return this.rooms.has(tenantId)
  }

  /** The tenants whose wallets are open. */
  get tenantIds(): string[] {
    return [...this.rooms.keys()]
  }

  get waiting(): number {
    return this.queue.size
  }

  /**
   * Runs `fn` on a tenant's wallet as one unit of work: all of it is written, with its events and messages, or nothing.
   * `fn` may run again, and must not wait for the network. The base wallet, by its name, is lent as well.
   * @param patient whether the caller can wait for what other agents have to do first
   * @throws NOT_FOUND for a tenant that is not there, TENANT_SUSPENDED, TENANT_LOCKED, QUOTA_EXCEEDED
   */
  async transact<T>(tenantId: string, fn: (agent: WalletAgent, unit: Unit) => Promise<T>, patient = true): Promise<T> {
    const now = Date.now()
    const timed = (agent: WalletAgent, unit: Unit) => {
      beganAt(unit, now)
      return fn(agent, unit)
    }
    for (let round = 0; round < FETCH_ROUNDS; round++) {
      try {
        return await this.transactThere(tenantId, timed)
      } catch (error) {
        if (!(error instanceof OutsideNeed)) throw error
        await Promise.all(error.fetchings.map((fetching) => fetching(patient)))
      }
    }
    throw protocolError('The other agent needs too many documents from outside.')
  }

  /** Runs a unit wherever the wallet is now; one that is moving is waited for. */
  private async transactThere<T>(tenantId: string, fn: (agent: WalletAgent, unit: Unit) => Promise<T>): Promise<T> {
    const deadline = Date.now() + MOVING_MS
    for (;;) {
      try {
        let growth = 0
        const result = await this.lend(tenantId, (agent) =>
          this.profiles.of(tenantId).transact(async (unit) => {
            const done = await runOnce(agent, unit, fn)
            if (tenantId === BASE_PROFILE) return done
            this.quotas.assertStorage(unit, agent.owner)
            growth = unit.growth
            return done
          }),
        )
        if (growth < 0) this.onShrunk(tenantId)
        return result
      } catch (error) {
        if (error instanceof StoreError && (await this.isGone(tenantId))) throw notFound('tenant')
        if (!(error instanceof FencedError) || Date.now() > deadline) throw error
        await new Promise((resolve) => setTimeout(resolve, 50))
        this.tenants.forget(tenantId)
      }
    }
  }

  /** Whether another instance has deleted a tenant, or is about to. */
  private async isGone(tenantId: string): Promise<boolean> {
    this.tenants.forget(tenantId)
    try {
      return (await this.tenants.find(tenantId))?.deleting ?? true
    } catch {
      return false
    }
  }

  /** Closes a tenant's wallet once nobody uses it, and lets nobody in any more until `fn` has ended. */
  async drain<T>(tenantId: string, fn: () => Promise<T>): Promise<T> {
    const gate = deferred()
    this.drained.set(tenantId, gate)
    try {
      await this.empty(tenantId)
      return await fn()
    } finally {
      // Who was already waiting in the queue may have come in, seen the gate, and left.
      await this.empty(tenantId)
      this.drained.delete(tenantId)
      gate.resolve()
    }
  }

  /** Waits for what is in work, then closes every wallet. */
  async close(): Promise<void> {
    clearInterval(this.sweeper)
    for (const tenantId of [...this.rooms.keys()]) await this.drain(tenantId, async () => {})
  }

  private async empty(tenantId: string): Promise<void> {
    await this.opening.get(tenantId)?.catch(() => undefined)
    while ((this.rooms.get(tenantId)?.guests ?? 0) > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const room = this.rooms.get(tenantId)
    if (room) await this.shut(tenantId, room)
  }

  private async lend<T>(tenantId: string, fn: (agent: WalletAgent) => Promise<T>): Promise<T> {
    if (tenantId === BASE_PROFILE) return fn(this.factory.base)
    for (;;) {
      await this.drained.get(tenantId)?.promise
      const tenant = await this.tenants.find(tenantId)
      if (!tenant || tenant.state === 'DELETING') throw notFound('tenant')
      if (tenant.state === 'SUSPENDED') throw tenantSuspended()
      this.vault.assertOpen(tenant)
      const room = await this.enter(tenant)
      try {
        if (!this.drained.has(tenantId)) return await fn(room.agent)
      } finally {
        this.leave(room)
      }
    }
  }

  /** Every way in counts a guest at once, so that a room cannot be closed between finding and using it. */
  private enter(tenant: Tenant): Promise<Room> {
    if (this.queue.size > 0) return this.wait(tenant)
    return this.tryEnter(tenant) ?? this.wait(tenant)
  }

  private tryEnter(tenant: Tenant): Promise<Room> | undefined {
    const room = this.rooms.get(tenant.id)
    if (room) {
      room.guests += 1
      room.agent.owner.settings = this.settingsOf(tenant)
      return Promise.resolve(room)
    }
    const opening = this.opening.get(tenant.id)
    if (opening) return opening.then((opened) => this.welcome(opened))
    if (this.taken >= this.options.max && !this.evictIdle()) return undefined
    return this.openRoom(tenant).then((opened) => this.welcome(opened))
  }

  /** What the agent has to know of a tenant, with all of its policy. */
  private settingsOf(tenant: Tenant): WalletSettings {
    return { ...tenant, policy: this.policies.of(tenant) }
  }

  private welcome(room: Room): Room {
    room.guests += 1
    return room
  }

  private wait(tenant: Tenant): Promise<Room> {
    const turn = deferred<Room>()
    this.queue.push(tenant.id, { tenant, turn })
    return turn.promise
  }

  private openRoom(tenant: Tenant): Promise<Room> {
    this.taken += 1
    const opened = this.agentOf(tenant).then(
      async (agent) => {
        await this.onOpen(tenant)
        const room = { agent, guests: 0, usedAt: Date.now() }
        this.rooms.set(tenant.id, room)
        return room
      },
      (error) => {
        this.taken -= 1
        this.profiles.close(tenant.id)
        setImmediate(() => this.serve())
        throw error
      },
    )
    this.opening.set(tenant.id, opened)
    // After those who wait for it have come in.
    opened.finally(() => setImmediate(() => this.opening.delete(tenant.id))).catch(() => {})
    return opened
  }

  private async agentOf(tenant: Tenant): Promise<WalletAgent> {
    await this.profiles.open(tenant.id).count()
    return this.factory.open(new WalletOwner(tenant.id, this.settingsOf(tenant)))
  }

  private leave(room: Room): void {
    room.guests -= 1
    room.usedAt = Date.now()
    this.serve()
  }

  /** Lets in those who wait, tenant by tenant. */
  private serve(): void {
    for (let next = this.queue.first; next; next = this.queue.first) {
      const entering = this.tryEnter(next.tenant)
      if (!entering) return
      this.queue.shift()
      entering.then(next.turn.resolve, next.turn.reject)
    }
  }

  /** Makes room by closing the wallet that was idle longest. */
  private evictIdle(): boolean {
    const idle = [...this.rooms].filter(([id, room]) => room.guests === 0 && !this.opening.has(id))
    const oldest = idle.sort(([, a], [, b]) => a.usedAt - b.usedAt)[0]
    if (!oldest) return false
    void this.shut(...oldest)
    return true
  }

  /** The room is free at once: what is left to do holds nothing. */
  private async shut(tenantId: string, room: Room): Promise<void> {
    this.rooms.delete(tenantId)
    this.taken -= 1
    this.profiles.close(tenantId)
    await this.factory.close(room.agent)
  }

  private async sweep(): Promise<void> {
    const before = Date.now() - this.options.idleMs
    for (const [tenantId, room] of this.rooms) {
      if (room.guests === 0 && room.usedAt < before && !this.opening.has(tenantId)) await this.shut(tenantId, room)
    }
  }
}

async function runOnce<T>(
  agent: WalletAgent,
  unit: Unit,
  fn: (agent: WalletAgent, unit: Unit) => Promise<T>,
): Promise<T> {
  try {
    const result = await fn(agent, unit)
    await finishUnit(agent, unit)
    if (needsOf(unit).length === 0) return result
  } catch (error) {
    if (needsOf(unit).length === 0) throw error
  }
  throw new OutsideNeed(needsOf(unit))
}
