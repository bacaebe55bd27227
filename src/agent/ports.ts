import type { EventDispatch, EventDraft } from '../events/event.js'
import type { Publication } from '../hosting/publication.js'
import type { Tags } from '../storage/entry.js'
import type { Unit } from '../storage/unit.js'

/** What the agent has to know of a tenant; it may change while a wallet is open. */
export interface WalletSettings {
  label: string
  imageUrl: string | null
  eventDispatch: EventDispatch
  keyMode: 'MANAGED' | 'UNMANAGED'
  /** Of its own, as it is kept; null for the endpoint that all share. */
  endpoint: string | null
  /** What the tenant has chosen, and what the operator allows it, by key. */
  settings: Record<string, unknown>
  policy: Record<string, unknown>
}

/** Whose wallet an agent context works on; an instance is registered in each tenant's container. */
export class WalletOwner {
  constructor(
    readonly tenantId: string,
    public settings: WalletSettings,
  ) {}
}

/** What agents without an endpoint write in place of one. */
export const NO_ENDPOINT = 'didcomm:transport/queue'

/** A message that is packed and ready to leave. */
export interface OutboundEnvelope {
  /** Absent for a peer that has none: it fetches what is for it by a return route. */
  endpoint?: string
  /** Messages of one connection leave in their order. */
  connectionId?: string
  /** The sealed envelope; a retry sends the same bytes. */
  payload: unknown
  /** The key that it is sealed for, base58, where it may go by a return route; with its thread. */
  to?: string
  thread?: string
  /** What goes by a return route in place of the payload, which has forwards around it. */
  inner?: unknown
  /** Tried once, and nothing is lost where it does not arrive: whoever wants it asks anew. */
  passing?: true
  /** A peer has asked for it: only so much may wait for that peer. */
  asked?: true
}

/** A stored record as JSON, with its id. */
export type RecordJson = Record<string, unknown> & { id: string }

/** A change in the base wallet, which is nobody's. */
export interface BaseRecordChange {
  unit: Unit
  /** Absent where the record is new. */
  before?: RecordJson
  /** Absent where the record goes. */
  after?: RecordJson
  tags: Tags
}

export interface RecordChange extends BaseRecordChange {
  owner: WalletOwner
}

/** What a feature wants done with one type of record; the storage service asks it at each change. */
export interface RecordObserver {
  /** Record type as Credo names it. */
  type: string
  /** The list that the record stands in. */
  list?(record: RecordJson): string | undefined
  /** Tags beside the record's own, to filter its list by. */
  tags?(record: RecordJson): Tags
  /** Tags of the record's own that nobody looks for. They are not written: each costs a statement. */
  untagged?: readonly string[]
  /** Recipient keys that peers can use for the wallet as long as it has the record. */
  recipientKeys?(record: RecordJson, tags: Tags): string[]
  /** Called within the unit of work, before it is written. What it throws ends the change. */
  changed?(change: RecordChange): void | Promise<void>
  /** The same for a record of the base wallet. */
  changedInBase?(change: BaseRecordChange): void | Promise<void>
}

/** What the agent needs from layers above it. Everything is gathered in the unit and counts when it commits. */
export interface AgentPorts {
  event(unit: Unit, draft: EventDraft): void
  send(unit: Unit, envelope: OutboundEnvelope): void | Promise<void>
  /** Recipient keys (base58 of an Ed25519 public key) that peers can from now on use for this wallet. */
  route(unit: Unit, keys: string[]): void | Promise<void>
  /** Has the gateway serve something to the public. It is served before the unit commits. */
  publish(unit: Unit, publication: Publication): void
}
