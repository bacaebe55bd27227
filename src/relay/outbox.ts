import type { OutboundEnvelope } from '../agent/ports.js'
import type { Change } from '../storage/change.js'
import type { Head } from '../storage/head.js'
import type { Profile } from '../storage/profile.js'
import type { Collector, Unit } from '../storage/unit.js'

export const OUTBOX = '_out'

/** An envelope in the outbox; `n` is its place there. */
export interface Outgoing extends OutboundEnvelope {
  endpoint: string
  n: number
  /** When it was laid there: milliseconds since the epoch. */
  at: number
}

/**
 * Messages on their way out of one wallet, laid down in the transaction of the record that they belong to. One instance
 * at a time sends a wallet's messages, so that those of a connection keep their order: the head says which, and for how
 * long. There is a lease as long as anything lies in the outbox, so where there is none, nothing was left behind.
 */
export interface Lease {
  owner: string
  /** Milliseconds since the epoch. */
  until: number
}

export const LEASE_MS = 15_000

export interface OutboxOptions {
  instanceId: string
  /** Whether other instances work on the same store; where not, the lease of another is that of a former process. */
  shared: boolean
  /** Notes, before anything is written, that this tenant may have messages that wait. */
  mark: (tenantId: string) => Promise<void>
  /** Called after the commit, in commit order, with what this instance is to send; `alone`: nothing waited before. */
  enqueue: (tenantId: string, messages: Outgoing[], lease: Lease, alone: boolean) => void
  /** Called where it is not known whether messages were committed. */
  uncertain: (tenantId: string) => void
  /** Called after the commit where another instance, `owner`, sends for this wallet. */
  handOver: (tenantId: string, owner: string) => void
}

export function outbox(options: OutboxOptions): Collector<OutboundEnvelope & { endpoint: string }> {
  return {
    prepare: (_envelopes, tenantId) => options.mark(tenantId),
    settle(envelopes, head, tenantId) {
      const at = Date.now()
      const messages = envelopes.map((envelope) => ({ ...envelope, at, n: ++head.out }))
      const changes = messages.map(
        (message): Change => ({
          op: 'insert',
          entry: { category: OUTBOX, name: `${message.n}`, value: JSON.stringify(message), tags: {} },
        }),
      )
      const other = otherOwner(head, options)
      const uncertain = () => options.uncertain(tenantId)
      if (other) return { changes, committed: () => options.handOver(tenantId, other), uncertain }
      const alone = head.lease === undefined
      const lease = { owner: options.instanceId, until: at + LEASE_MS }
      head.lease = lease
      return { changes, committed: () => options.enqueue(tenantId, messages, lease, alone), uncertain }
    },
  }
}

/** Another instance that sends for a wallet, while its lease runs. */
export function otherOwner(
  { lease }: Head,
  { instanceId, shared }: { instanceId: string; shared: boolean },
): string | undefined {
  return shared && lease && lease.owner !== instanceId && lease.until > Date.now() ? lease.owner : undefined
}

/** What waits in a wallet's outbox, in its order. */
async function readOutbox(unit: Unit): Promise<Outgoing[]> {
  const entries = await unit.query(OUTBOX, {})
  return entries.map(({ value }) => JSON.parse(value) as Outgoing).sort((a, b) => a.n - b.n)
}

export interface Claimed {
  messages: Outgoing[]
  lease: Lease
  /** The place that the next message will get. */
  next: number
}

/**
 * Takes over the sending of what waits, or goes on with it.
 * @param ended an instance whose lease need not be waited for
 * @returns what waits, or undefined where another instance sends
 */
export function claimOutbox(
  profile: Profile,
  options: { instanceId: string; shared: boolean },
  ended?: string,
): Promise<Claimed | undefined> {
  return profile.transact(async (unit) => {
    const owner = otherOwner(unit.head, options)
    if (owner !== undefined && owner !== ended) return undefined
    const messages = await readOutbox(unit)
    const lease = { owner: options.instanceId, until: Date.now() + LEASE_MS }
    if (messages.length > 0 || unit.head.lease) unit.touch()
    unit.head.lease = messages.length > 0 ? lease : undefined
    return { messages, lease, next: unit.head.out + 1 }
  })
}

/** Lets any instance take over at once, where that is still wanted as its turn comes. */
export function releaseOutbox(profile: Profile, instanceId: string, isWanted = () => true): Promise<void> {
  return profile.transact(async (unit) => {
    if (unit.head.lease?.owner !== instanceId || !isWanted()) return
    unit.head.lease = { owner: instanceId, until: 0 }
    unit.touch()
  })
}

/** Removes a message that has been delivered or given up. */
export const removal = (n: number): Change => ({ op: 'remove', category: OUTBOX, name: `${n}` })

/** Whether a message of a connection has not left yet, though it was laid there `forMs` ago. */
export async function isWaitingInOutbox(unit: Unit, connectionId: string, forMs = 0): Promise<boolean> {
  const before = Date.now() - forMs
  return (await readOutbox(unit)).some((message) => message.connectionId === connectionId && message.at <= before)
}
