import { EventEmitter, on, once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import { buildSchema, GraphQLError } from 'graphql'
import { createHandler } from 'graphql-http/lib/use/express'
import { useServer as serveSockets } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'

export const operatorKey = 'tiny-operator-key'

/** A part of the public API, with its names and meanings. */
const schema = buildSchema(/* GraphQL */ `
  scalar DateTime

  type Query {
    "Who the request is, as the gateway sees it."
    viewer: Viewer!
  }
  type Mutation {
    createTenant(input: CreateTenantInput!): CreateTenantPayload!
  }
  type Subscription {
    events(after: String): Event!
  }

  enum Role { OPERATOR TENANT ANONYMOUS }
  enum TenantState { ACTIVE }
  type Viewer { role: Role!, tenant: Tenant }
  type Tenant { id: ID!, name: String!, label: String!, state: TenantState! }
  input CreateTenantInput { name: String!, label: String }
  type CreateTenantPayload { tenant: Tenant!, token: String! }

  enum EventTopic { TENANT CONNECTION BASIC_MESSAGE }
  enum TenantChange { CREATED }
  interface Event { cursor: String!, tenantId: ID!, topic: EventTopic!, occurredAt: DateTime! }
  type TenantEvent implements Event {
    cursor: String!, tenantId: ID!, topic: EventTopic!, occurredAt: DateTime!, change: TenantChange!
  }
  type ConnectionEvent implements Event {
    cursor: String!, tenantId: ID!, topic: EventTopic!, occurredAt: DateTime!
    previousState: String, connection: ConnectionRecord!
  }
  type ConnectionRecord { id: ID!, state: String!, role: String!, theirLabel: String }
  type BasicMessageEvent implements Event {
    cursor: String!, tenantId: ID!, topic: EventTopic!, occurredAt: DateTime!, message: BasicMessage!
  }
  type BasicMessage { connectionId: ID!, role: String!, content: String }
`)

interface Tenant {
  id: string
  name: string
  label: string
  state: 'ACTIVE'
}

type Caller = { role: 'OPERATOR' | 'TENANT' | 'ANONYMOUS'; tenant?: Tenant; [key: string]: unknown }

type Credentials = { apiKey?: unknown; authorization?: unknown }

export interface TinyGraphqlServer {
  origin: string
  /** Headers of every GraphQL request that came by HTTP, in order. */
  requests: IncomingHttpHeaders[]
  /** `connectionParams` of every graphql-ws connection, in order. */
  connections: unknown[]
  /** Subscriptions that run. */
  streaming(): number
  /** Closes every socket with 1001, as a gateway does that goes away. */
  endStreams(): void
  close(): Promise<void>
}

/**
 * A GraphQL server over HTTP and graphql-ws at `/graphql`, small and real, on a free port: it knows one operator key and
 * the tokens of the tenants that it made, and streams one event a tenant made.
 *
 * @param before what is mounted at the root before the GraphQL handler
 */
export async function startTinyGraphqlServer(before: RequestHandler): Promise<TinyGraphqlServer> {
  const gateway = tinyGateway()
  const requests: IncomingHttpHeaders[] = []
  const connections: unknown[] = []

  const handler = createHandler({
    schema,
    rootValue: gateway.root,
    context: ({ headers }) => gateway.identify(credentialsOf(headers)),
    onSubscribe: ({ headers }) => {
      requests.push({ ...headers } as IncomingHttpHeaders)
      return gateway.holds(credentialsOf(headers)) ? undefined : [unauthenticated()]
    },
  })
  const server = createServer(express().use(before).use('/graphql', handler))

  const sockets = new WebSocketServer({ server, path: '/graphql' })
  const streams = serveSockets(
    {
      schema,
      roots: { subscription: gateway.root },
      onConnect: ({ connectionParams }) => {
        connections.push(connectionParams)
        return gateway.holds(connectionParams ?? {})
      },
      context: ({ connectionParams }) => gateway.identify(connectionParams ?? {}),
    },
    sockets,
  )

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections,
    streaming: gateway.streaming,
    endStreams() {
      for (const socket of sockets.clients) socket.close(1001, 'Going away')
    },
    async close() {
      await streams.dispose()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function tinyGateway() {
  const tenants = new Map<string, Tenant>()
  const created = new EventEmitter()

  function identify({ apiKey, authorization }: Credentials): Caller {
    const tenant = tenants.get(String(authorization).replace('Bearer ', ''))
    if (tenant) return { role: 'TENANT', tenant }
    return { role: apiKey === undefined ? 'ANONYMOUS' : 'OPERATOR' }
  }

  function holds({ apiKey, authorization }: Credentials): boolean {
    if (apiKey !== undefined && apiKey !== operatorKey) return false
    return authorization === undefined || tenants.has(String(authorization).replace('Bearer ', ''))
  }

  const root = {
    viewer: (_args: unknown, caller: Caller) => caller,
    createTenant({ input }: { input: { name: string; label?: string } }, caller: Caller) {
      if (caller.role !== 'OPERATOR') throw unauthenticated()
      const id = `tenant-${tenants.size + 1}`
      const tenant: Tenant = { id, name: input.name, label: input.label ?? input.name, state: 'ACTIVE' }
      const token = ['header', input.name, 'signature'].map((part) => Buffer.from(part).toString('base64url')).join('.')
      tenants.set(token, tenant)
      created.emit('tenant', tenant)
      return { tenant, token }
    },
    async *events(_args: unknown, caller: Caller) {
      for await (const [tenant] of on(created, 'tenant') as AsyncIterable<[Tenant]>) {
        if (caller.tenant && caller.tenant.id !== tenant.id) continue
        const event = { __typename: 'TenantEvent', cursor: `cursor of ${tenant.name}`, tenantId: tenant.id }
        yield { events: { ...event, topic: 'TENANT', occurredAt: new Date().toISOString(), change: 'CREATED' } }
      }
    },
  }
  return { identify, holds, root, streaming: () => created.listenerCount('tenant') }
}

function credentialsOf(headers: unknown): Credentials {
  const { 'x-api-key': apiKey, authorization } = headers as IncomingHttpHeaders
  return { apiKey, authorization }
}

function unauthenticated(): GraphQLError {
  return new GraphQLError('The credentials do not hold.', { extensions: { code: 'UNAUTHENTICATED' } })
}
