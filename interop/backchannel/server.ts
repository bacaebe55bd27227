import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler, type Request } from 'express'
import { agentTopics, prepareTenant } from './agent-topics.js'
import { connectionTopics } from './connection-topics.js'
import { Connections } from './connections.js'
import { credentialTopics } from './credential-topics.js'
import { Gateway, GatewayRefusal } from './gateway.js'
import { proofTopics } from './proof-topics.js'
import { publicationTopics } from './publications.js'
import { type Json, NotMapped, part, Refusal, type Topic } from './topic.js'

export interface BackchannelOptions {
  /** Where the harness finds it; 0 for a free one. */
  port: number
  host?: string
  /** Of the gateway, such as `http://127.0.0.1:4000`. */
  gateway: string
  /** Of the tenant, with all scopes. */
  token: string
  version: string
}

export interface Backchannel {
  url: string
  stop(): Promise<void>
}

/**
 * The HTTP API by which the Agent Test Harness drives an agent under test, in front of one tenant of a gateway. All that it
 * does goes by the gateway's GraphQL API.
 */
export async function startBackchannel(options: BackchannelOptions): Promise<Backchannel> {
  const gateway = new Gateway(options.gateway, options.token)
  await prepareTenant(gateway)
  const connections = new Connections(gateway)
  const topics = new Map<string, Topic>(
    Object.entries({
      ...agentTopics(gateway, connections, options.version),
      ...connectionTopics(gateway, connections),
      ...publicationTopics(gateway),
      ...credentialTopics(gateway, connections),
      ...proofTopics(gateway, connections),
    }),
  )
  const app = express()
  app.use(express.json({ limit: '1mb' }))
  app.use(async (request, response) => {
    response.json(await answer(topics, request))
  })
  app.use(failure)
  const server = createServer(app).listen(options.port, options.host ?? '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${options.host ?? '127.0.0.1'}:${port}`,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Finds what a request is for by its path; ids in it may be encoded, and it may end in a slash. */
function answer(topics: Map<string, Topic>, request: Request): Promise<Json | Json[]> {
  const [root, kind, name = '', ...rest] = request.path.split('/').filter(Boolean).map(decodeURIComponent)
  const topic = topics.get(name)
  if (root !== 'agent' || (kind !== 'command' && kind !== 'response'))
    throw new Refusal(404, 'Not a path of the harness')
  const [first = '', second] = rest
  const handled =
    kind === 'response'
      ? first && topic?.told?.(first)
      : request.method === 'POST'
        ? topic?.operations?.[first]?.(...argumentsOf(request))
        : request.method === 'DELETE'
          ? topic?.remove?.(first)
          : second
            ? topic?.lookups?.[first]?.(second)
            : first
              ? topic?.get?.(first)
              : topic?.look?.()
  if (handled) return handled
  throw new NotMapped(`The gateway has nothing for ${request.method} ${kind}/${[name, ...rest].join('/')}`)
}

function argumentsOf({ body }: Request): [string | undefined, Json] {
  const { id, cred_ex_id, data } = part(body)
  const named = id ?? cred_ex_id
  return [typeof named === 'string' ? named : undefined, part(data)]
}

const STATUS: Record<string, number> = {
  NOT_FOUND: 404,
  BAD_USER_INPUT: 400,
  CONFLICT: 400,
  PROTOCOL_ERROR: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
}

const failure: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  const status =
    error instanceof NotMapped
      ? 501
      : error instanceof Refusal
        ? error.status
        : error instanceof GatewayRefusal
          ? (STATUS[error.code] ?? 500)
          : 500
  response
    .status(status)
    .type('text/plain')
    .send(error instanceof Error ? error.message : 'Failed')
}
