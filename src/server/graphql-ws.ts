import type { ExecutionArgs } from 'graphql'
import { CloseCode, type SubscribePayload } from 'graphql-ws'
import { useServer as serveOver } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import type { GraphContext } from '../graphql/viewer.js'
import { type GatewayError, isGatewayError, quotaExceeded } from '../lib/errors.js'
import { wipe } from '../lib/wipe.js'
import type { Credentials, SentCredentials } from './credentials.js'
import type { OperationChecker } from './graphql-operation.js'
import type { LiveCredentials } from './live-credentials.js'
import type { OriginOf } from './origin.js'
import type { Subscribe } from './shared-results.js'

export interface GraphWsOptions {
  credentials: Credentials
  live: LiveCredentials
  operations: OperationChecker
  openStream: NonNullable<GraphContext['openStream']>
  subscribe: Subscribe
  /** The longest message of a client, in bytes. */
  maxBytes: number
  /** How many operations may be under way at once on one connection. */
  operationsMax: number
  originOf: OriginOf
}

/** Parameters that a connection begins with, in their place of HTTP's headers and named alike, or `apiKey`. */
type ConnectionParams = Record<string, unknown>
type Extra = {
  context?: GraphContext
  release?: () => void
  /** Why nothing more is taken: the credentials have ceased to hold. */
  ended?: GatewayError
}

/** For how long a peer whose connection is closed may take to close it as well (ms). */
const CLOSING_MS = 1000

const SUSPENDED = 'The tenant is suspended'

/** GraphQL over WebSocket: the `graphql-transport-ws` protocol. */
export function graphqlOverWs(options: GraphWsOptions): { server: WebSocketServer; stop: () => Promise<void> } {
  const { operations } = options
  const server = new WebSocketServer({ noServer: true, maxPayload: options.maxBytes })
  const served = serveOver<ConnectionParams, Extra>(
    {
      connectionInitWaitTimeout: 5000,
      subscribe: (args) => options.subscribe(args as ExecutionArgs) as never,
      async onConnect({ connectionParams, extra }) {
        try {
          const origin = options.originOf(extra.request)
          const viewer = await options.credentials.viewer(sentIn(connectionParams ?? {}), origin)
          if (viewer.role === 'TENANT' && viewer.suspended) {
            extra.socket.close(CloseCode.Forbidden, SUSPENDED)
            return false
          }
          // Closed meanwhile: nobody would release it any more.
          if (extra.socket.readyState !== extra.socket.OPEN) return false
          extra.context = { viewer, origin, openStream: options.openStream }
          extra.release = options.live.watch(viewer, (why) => {
            extra.ended = why
            extra.socket.close(CloseCode.Forbidden, why.code === 'TENANT_SUSPENDED' ? SUSPENDED : 'Forbidden')
            // Until it is closed at both ends it is read on.
            setTimeout(() => extra.socket.terminate(), CLOSING_MS).unref()
          })
          return true
        } catch (error) {
          // Answered with 4403. Anything else is the gateway's failure, and worth another try of the client's.
          if (isGatewayError(error, 'UNAUTHENTICATED')) return false
          const retryAfter = isGatewayError(error) ? error.retryAfter : undefined
          extra.socket.close(1013, `Try again ${retryAfter === undefined ? 'later' : `in ${retryAfter} s`}`)
          if (isGatewayError(error, 'RATE_LIMITED')) return false
          throw error
        }
      },
      onSubscribe({ extra, subscriptions }, _id: string, payload: SubscribePayload) {
        // This one is among them.
        if (Object.keys(subscriptions).length > options.operationsMax) {
          return operations.refuse(quotaExceeded('Too many operations at once on this connection. End some first.'))
        }
        if (extra.ended) return operations.refuse(extra.ended)
        // A context of its own: what one operation has read is old for the next.
        return operations.check(payload, { ...(extra.context as GraphContext) })
      },
      onNext: ({ extra }, _id, _payload, _args, result) => operations.mask(result, extra.context?.viewer) as never,
      onError: ({ extra }, _id, _payload, errors) => operations.masked(errors, extra.context?.viewer),
      onClose: ({ extra }) => extra.release?.(),
    },
    server,
  )
  // Behind the one that has read it: in a message there may be a wallet's key.
  server.on('connection', (socket) => socket.on('message', (data) => wipe(data as Buffer)))
  return {
    server,
    async stop() {
      await served.dispose()
    },
  }
}

function sentIn(params: ConnectionParams): SentCredentials {
  const named = new Map(Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]))
  return { apiKey: named.get('apikey') ?? named.get('x-api-key'), authorization: named.get('authorization') }
}
