import type { OutboundEnvelope } from '../agent/ports.js'
import type { Profile } from '../storage/profile.js'
import type { Change, Collector, Unit } from '../storage/unit.js'

const CATEGORY = '_out'

/** An envelope in the outbox; `n` is its place there. */
export interface Outgoing extends OutboundEnvelope {
  n: number
  /** When it was laid there: milliseconds since the epoch. */
  at: number
}

/**
 * Messages on their way out of one wallet, laid down in the transaction of the record that they belong to. In a shared
 * store one instance at a time sends a wallet's messages, so that those of a connection keep their order: the head
 * says which, for how long, and the lease ends when the outbox is empty.
 */
export interface Lease {
  owner: string
  /** Milliseconds since the epoch. */
  until: number
}

export const LEASE_MS = 30_000

export interface OutboxOptions {
  instanceId: string
  /** Whether other instances work on the same store; where not, there are no leases. */
  shared: boolean
  /** Notes, before anything is written, that this tenant may have messages that wait. */
  mark: (tenantId: string) => Promise<void>
  /** Called after the commit, in commit order, with what this instance is to send. */
  enqueue: (tenantId: string, messages: Outgoing[], lease: Lease) => void
  /** Called after the commit where another instance sends for this wallet. */
  handOver: (tenantId: string, lease: Lease) => void
}

export function outbox(options: OutboxOptions): Collector<OutboundEnvelope> {
  return {
    prepare: (_envelopes, tenantId) => options.mark(tenantId),
    settle(envelopes, head, tenantId) {
      const at = Date.now()
      const messages = envelopes.map((envelope) => ({ ...envelope, at, n: ++head.out }))
      const changes = messages.map(
        (message): Change => ({
          op: 'insert',
          entry: { category: CATEGORY, name: `${message.n}`, value: JSON.stringify(message), tags: {} },
        }),
      )
      const other =
        head.lease && head.lease.owner !== options.instanceId && head.lease.until > at ? head.lease : undefined
      if (other) return { changes, committed: () => options.handOver(tenantId, other) }
      const lease = { owner: options.instanceId, until: at + LEASE_MS }
      if (options.shared) head.lease = lease
      return { changes, committed: () => options.enqueue(tenantId, messages, lease) }
    },
  }
}

/** What waits in a wallet's outbox, in its order. */
export async function readOutbox(unit: Unit): Promise<Outgoing[]> {
  const entries = await unit.query(CATEGORY, {})
  return entries.map(({ value }) => JSON.parse(value) as Outgoing).sort((a, b) => a.n - b.n)
}

/**
 * Takes over the sending of what waits, or goes on with it.
 * @returns what waits, or undefined where another instance sends
 */
export function claimOutbox(
  profile: Profile,
  instanceId: string,
): Promise<{ messages: Outgoing[]; lease: Lease } | undefined> {
  return profile.transact(async (unit) => {
    const { lease } = unit.head
    const now = Date.now()
    if (lease && lease.owner !== instanceId && lease.until > now) return undefined
    const messages = await readOutbox(unit)
    const taken = { owner: instanceId, until: now + LEASE_MS }
    unit.head.lease = messages.length > 0 ? taken : undefined
    unit.touch()
    return { messages, lease: taken }
  })
}

/** Removes a message that has been delivered or given up. */
export const removal = (n: number): Change => ({ op: 'remove', category: CATEGORY, name: `${n}` })
