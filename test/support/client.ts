import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { OPERATOR_KEY } from './gateway.js'

export interface GraphError {
  message: string
  path?: (string | number)[]
  extensions: { code: string; field?: string; retryAfter?: number; requestId?: string }
}

export interface GraphResult<T = Record<string, never>> {
  data?: T | null
  errors?: GraphError[]
}

/** A client of the API as one caller: `{ token }`, `{ apiKey }`, or nobody. */
export class ApiClient {
  constructor(
    readonly url: string,
    readonly credentials: { token?: string; apiKey?: string } = {},
  ) {}

  static operator(url: string): ApiClient {
    return new ApiClient(url, { apiKey: OPERATOR_KEY })
  }

  get headers(): Record<string, string> {
    const { token, apiKey } = this.credentials
    return { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(apiKey ? { 'x-api-key': apiKey } : {}) }
  }

  /** The same caller at another gateway. */
  at(url: string): ApiClient {
    return new ApiClient(url, this.credentials)
  }

  /** One operation over HTTP; errors are part of the result. */
  async send<T = Record<string, unknown>>(query: string, variables?: object): Promise<GraphResult<T>> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...this.headers },
      body: JSON.stringify({ query, variables }),
    })
    return (await response.json()) as GraphResult<T>
  }

  /** One operation over HTTP that has to go well. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers field by field
  async ask(query: string, variables?: object): Promise<any> {
    const { data, errors } = await this.send(query, variables)
    if (errors)
      throw new Error(`${errors.map(({ message, extensions }) => `${extensions?.code}: ${message}`).join('; ')}`)
    return data
  }

  /** The code of the first error of an operation that has to fail. */
  async codeOf(query: string, variables?: object): Promise<string> {
    const { errors } = await this.send(query, variables)
    if (!errors?.[0]) throw new Error('The operation went well, and should not have')
    return errors[0].extensions.code
  }

  /**
   * Follows the event stream over graphql-ws, from this moment on where no cursor is given. By a cursor in any case: the
   * server takes a subscription when it comes to it, and nothing tells a client when that was.
   */
  async follow(variables: { after?: string; topics?: string[]; tenantIds?: string[] } = {}): Promise<EventTap> {
    const { data } = await this.send<{ events: { pageInfo: { endCursor: string } } }>(
      '{ events(last: 1) { pageInfo { endCursor } } }',
    )
    const tap = new EventTap(this, { after: data?.events?.pageInfo.endCursor, ...variables })
    await tap.opened
    return tap
  }
}

export const EXCHANGE_FIELDS = `id state role connectionId invitationId threadId format schemaId credentialDefinitionId comment
  attributes { name value } credentialIds revoked errorMessage`
export const PROOF_FIELDS =
  'id state role connectionId invitationId threadId format comment request verified revealed errorMessage'

/** Every field of every event, without clashes of names. */
export const EVENT_FIELDS = `
  __typename id cursor tenantId topic occurredAt
  ... on TenantEvent { change }
  ... on ConnectionEvent { previousState connection { id state role did theirDid theirLabel alias invitationId errorMessage createdAt updatedAt } }
  ... on InvitationEvent { previousInvitationState: previousState invitation { id role state label alias url multiUse createdAt } }
  ... on BasicMessageEvent { message { id connectionId role content sentAt threadId } }
  ... on PingEvent { connectionId threadId direction }
  ... on CredentialEvent { previousExchangeState: previousState credentialExchange { ${EXCHANGE_FIELDS} } }
  ... on RevocationEvent { credentialExchange { ${EXCHANGE_FIELDS} } }
  ... on ProofEvent { previousProofState: previousState proofExchange { ${PROOF_FIELDS} } }
  ... on DidEvent { did { did method createdAt } }
  ... on QuestionEvent { previousQuestionState: previousState question { id state role connectionId threadId text detail validResponses response } }
  ... on DiscoveryEvent { connectionId threadId features { type id roles } }
  ... on ProblemReportEvent { connectionId threadId code problem: description }
  ... on DeliveryEvent { outcome deliveryConnectionId: connectionId attempts reason }`

// biome-ignore lint/suspicious/noExplicitAny: tests read events field by field
export type AnyEvent = any

/** An open event stream and all that has come over it. */
export class EventTap {
  readonly events: AnyEvent[] = []
  readonly opened: Promise<void>
  readonly client: Client
  /** Why the stream ended, once it has: errors of the operation, or the close of the socket. */
  ended: unknown
  private readonly waiting = new Set<() => void>()

  constructor(caller: ApiClient, variables: object) {
    const { token, apiKey } = caller.credentials
    this.client = createClient({
      url: `${caller.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: token ? { authorization: `Bearer ${token}` } : apiKey ? { apiKey } : {},
    })
    this.client.subscribe<{ events: AnyEvent }>(
      {
        query: `subscription Tap($after: String, $topics: [EventTopic!], $tenantIds: [ID!]) {
          events(after: $after, topics: $topics, tenantIds: $tenantIds) { ${EVENT_FIELDS} } }`,
        variables: variables as Record<string, unknown>,
      },
      {
        next: ({ data, errors }) => {
          if (data?.events) this.events.push(data.events)
          if (errors) this.ended ??= errors
          this.wake()
        },
        error: (error) => {
          this.ended ??= error
          this.wake()
        },
        complete: () => {
          this.ended ??= 'complete'
          this.wake()
        },
      },
    )
    // The protocol does not say when a subscription is taken; another operation on the socket is answered after it.
    this.opened = new Promise((resolve) => {
      this.client.subscribe(
        { query: '{ viewer { role } }' },
        { next() {}, error: () => resolve(), complete: () => resolve() },
      )
    })
  }

  /** Waits for an event, past or to come. */
  async find(matches: (event: AnyEvent) => boolean, timeoutMs = 20_000): Promise<AnyEvent> {
    return this.until(() => this.events.find(matches), timeoutMs)
  }

  /** Waits until `look` finds something. */
  async until<T>(look: () => T | undefined, timeoutMs = 20_000): Promise<T> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const found = look()
      if (found !== undefined && found !== false) return found
      if (Date.now() > deadline)
        throw new Error(`Not seen within ${timeoutMs} ms. Seen: ${JSON.stringify(this.events).slice(-3000)}`)
      await Promise.race([new Promise<void>((resolve) => this.waiting.add(resolve)), sleep(100)])
    }
  }

  async close(): Promise<void> {
    await this.client.dispose()
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve()
    this.waiting.clear()
  }
}

let counter = 0

/** A name that no other test uses. */
export const uniqueName = (base: string) => `${base}-${process.pid}-${++counter}`

export interface TestTenant {
  id: string
  name: string
  client: ApiClient
}

/** Makes a tenant, as the operator. */
export async function makeTenant(url: string, input: Record<string, unknown> = {}): Promise<TestTenant> {
  const name = uniqueName('tenant')
  const { createTenant } = await ApiClient.operator(url).ask(
    'mutation($input: CreateTenantInput!) { createTenant(input: $input) { token tenant { id name } } }',
    { input: { name, ...input } },
  )
  return { ...createTenant.tenant, client: new ApiClient(url, { token: createTenant.token }) }
}

/** Makes an operator key, as the operator of the configuration. */
export async function makeOperatorKey(url: string, scopes: string[], expiresIn?: number) {
  const { createOperatorKey } = await ApiClient.operator(url).ask(
    'mutation($input: CreateOperatorKeyInput!) { createOperatorKey(input: $input) { key info { id name } } }',
    { input: { name: uniqueName('key'), scopes, expiresIn } },
  )
  const { key, info } = createOperatorKey as { key: string; info: { id: string; name: string } }
  return { key, ...info, client: new ApiClient(url, { apiKey: key }) }
}

/** Connects two tenants: `inviter` makes the invitation. @returns each one's connection id, once both are COMPLETED */
export async function connect(inviter: TestTenant, invitee: TestTenant): Promise<{ inviter: string; invitee: string }> {
  const [a, b] = await Promise.all([inviter.client.follow(), invitee.client.follow()])
  try {
    const { createInvitation } = await inviter.client.ask(
      'mutation { createInvitation(input: {}) { invitation { id message } } }',
    )
    const { receiveInvitation } = await invitee.client.ask(
      'mutation($message: JSON!) { receiveInvitation(input: {message: $message}) { connection { id } } }',
      { message: createInvitation.invitation.message },
    )
    const isDone = (event: AnyEvent) => event.connection?.state === 'COMPLETED'
    const own = await a.find(
      (event) => isDone(event) && event.connection.invitationId === createInvitation.invitation.id,
    )
    await b.find((event) => isDone(event) && event.connection.id === receiveInvitation.connection.id)
    return { inviter: own.connection.id, invitee: receiveInvitation.connection.id }
  } finally {
    await Promise.all([a.close(), b.close()])
  }
}
