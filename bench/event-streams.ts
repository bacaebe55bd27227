import type { Api, Tenant } from './api.js'
import { Arrivals } from './arrivals.js'
import { Subscription } from './subscription.js'
import { runWorkers, within } from './workers.js'

const MESSAGE_EVENTS = `subscription ($after: String) {
  events(after: $after, topics: [BASIC_MESSAGE]) {
    id cursor tenantId occurredAt
    ... on BasicMessageEvent { message { id connectionId role content sentAt threadId } }
  }
}`

const CONNECTION_EVENTS = `subscription ($after: String) {
  events(after: $after, topics: [CONNECTION]) {
    id cursor tenantId occurredAt
    ... on ConnectionEvent {
      previousState
      connection {
        id state role did theirDid theirLabel alias invitationId errorMessage createdAt updatedAt
      }
    }
  }
}`

const EXCHANGE_EVENTS = `subscription ($after: String) {
  events(after: $after, topics: [CREDENTIAL, PROOF]) {
    id cursor tenantId occurredAt
    ... on CredentialEvent {
      credentialExchange {
        id threadId connectionId role state errorMessage attributes { name value }
        schemaId credentialDefinitionId credentialIds createdAt updatedAt
      }
    }
    ... on ProofEvent {
      proofExchange {
        id threadId connectionId role state errorMessage request revealed verified createdAt updatedAt
      }
    }
  }
}`

interface MessageEvent {
  events: { message: { role: string; content: string } }
}

interface ConnectionEvent {
  events: { tenantId: string; connection: { state: string; invitationId: string } }
}

interface Exchange {
  threadId: string
  state: string
  errorMessage: string | null
}

interface ExchangeEvent {
  events: { tenantId: string; credentialExchange?: Exchange; proofExchange?: Exchange }
}

/** Where the streams are: a lab is one. */
export interface StreamSource {
  readonly api: Api
  readonly gateway: { readonly url: string }
}

/** How many subscriptions are opened at once. */
const OPENING = 16

/** Event streams of several tenants, one socket each, which tell of what was waited for. */
export class EventStreams {
  readonly arrivals = new Arrivals()
  private readonly subscriptions: Subscription[] = []

  private constructor(private readonly source: StreamSource) {}

  /** Streams that tell of each received message, by its content. */
  static ofMessages(source: StreamSource, tenants: Tenant[]): Promise<EventStreams> {
    return EventStreams.open<MessageEvent>(source, tenants, MESSAGE_EVENTS, ({ events: { message } }, { arrivals }) => {
      if (message.role === 'RECEIVER') arrivals.arrived(message.content)
    })
  }

  /** Streams that tell of each completed connection; see `connectionKey`. */
  static ofConnections(source: StreamSource, tenants: Tenant[]): Promise<EventStreams> {
    return EventStreams.open<ConnectionEvent>(source, tenants, CONNECTION_EVENTS, ({ events }, { arrivals }) => {
      const { state, invitationId } = events.connection
      if (state === 'COMPLETED') arrivals.arrived(connectionKey(events.tenantId, invitationId))
    })
  }

  /** Streams that tell of each credential exchange and proof that is done; see `exchangeKey`. */
  static ofExchanges(source: StreamSource, tenants: Tenant[]): Promise<EventStreams> {
    return EventStreams.open<ExchangeEvent>(source, tenants, EXCHANGE_EVENTS, ({ events }, { arrivals }) => {
      const exchange = events.credentialExchange ?? events.proofExchange
      if (exchange?.state === 'DONE') arrivals.arrived(exchangeKey(events.tenantId, exchange.threadId))
      if (exchange?.state === 'ABANDONED') arrivals.fail(new Error(`An exchange failed: ${exchange.errorMessage}`))
    })
  }

  private static async open<Data>(
    source: StreamSource,
    tenants: Tenant[],
    query: string,
    onData: (data: Data, streams: EventStreams) => void,
  ): Promise<EventStreams> {
    const streams = new EventStreams(source)
    await runWorkers(OPENING, tenants.length, async (index) => {
      const tenant = tenants[index] as Tenant
      const after = await source.api.lastCursor(tenant)
      await streams.add(tenant, query, after, (data: Data) => onData(data, streams))
    })
    return streams
  }

  private async add<Data>(tenant: Tenant, query: string, after: string | null, onData: (data: Data) => void) {
    const { url } = this.source.gateway
    const onEnd = this.arrivals.fail
    this.subscriptions.push(
      await Subscription.open<Data>({ url, token: tenant.token, query, variables: { after }, onData, onEnd }),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.subscriptions.map((subscription) => subscription.close()))
  }
}

/** Names a connection by whose it is and the invitation that it came from, as that side keeps it. */
export function connectionKey(tenantId: string, invitationId: string): string {
  return `connection of ${tenantId} by invitation ${invitationId}`
}

/** Names an exchange by whose side of it it is and its thread. */
export function exchangeKey(tenantId: string, threadId: string): string {
  return `exchange of ${tenantId} in thread ${threadId}`
}

/** Many subscribers of the same operation on one tenant's messages, a socket each. */
export class Crowd {
  private readonly subscriptions: Subscription[] = []
  private got = 0
  private wanted = Number.POSITIVE_INFINITY
  private reached: () => void = () => {}
  private broken: Error | undefined

  /** Opens `size` of them, from the present end of the log on. */
  static async open(source: StreamSource, tenant: Tenant, size: number): Promise<Crowd> {
    const crowd = new Crowd()
    const variables = { after: await source.api.lastCursor(tenant) }
    const onData = () => {
      if (++crowd.got >= crowd.wanted) crowd.reached()
    }
    const onEnd = (reason: Error) => {
      crowd.broken ??= reason
    }
    const options = { url: source.gateway.url, token: tenant.token, query: MESSAGE_EVENTS, variables, onData, onEnd }
    await runWorkers(OPENING, size, async () => {
      crowd.subscriptions.push(await Subscription.open(options))
    })
    return crowd
  }

  /** Resolves once each of them has had `count` more events than when this was called. */
  async untilAllHave(count: number, seconds: number): Promise<void> {
    this.got = 0
    this.wanted = this.subscriptions.length * count
    await within(seconds, 'the event for all subscribers', new Promise<void>((resolve) => (this.reached = resolve)))
    if (this.broken) throw this.broken
  }

  async close(): Promise<void> {
    await Promise.all(this.subscriptions.map((subscription) => subscription.close()))
  }
}
