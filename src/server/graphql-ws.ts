import { handleProtocols } from 'graphql-ws'
import { WebSocketServer } from 'ws'
import { GraphqlSocket, type GraphqlSocketOptions } from './graphql-socket.js'
import type { OriginOf } from './origin.js'

export interface GraphWsOptions extends GraphqlSocketOptions {
  /** The longest message of a client, in bytes. */
  maxBytes: number
  /** How many sockets may be open at once. */
  socketsMax: number
  originOf: OriginOf
}

export interface GraphWs {
  server: WebSocketServer
  count: () => number
  stop: () => Promise<void>
}

/** How often clients are asked whether they live (ms). */
const LOOK_MS = 12_000

const GOING_AWAY = 1001
const TRY_AGAIN = 1013

/** GraphQL over WebSocket: the `graphql-transport-ws` protocol. */
export function graphqlOverWs(options: GraphWsOptions): GraphWs {
  const open = new Set<GraphqlSocket>()
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxBytes,
    handleProtocols,
    verifyClient: (_info, answer) => (hasRoom() ? answer(true) : answer(false, 503, 'Try again later.')),
  })
  // Strangers make room for whoever comes, as they could take all of it.
  const hasRoom = () => {
    if (open.size < options.socketsMax) return true
    const stranger = [...open].find(({ isOwned }) => !isOwned)
    if (!stranger) return false
    open.delete(stranger)
    stranger.close(TRY_AGAIN, 'Others have come. Try again later.')
    return true
  }
  server.on('connection', (ws, request) => {
    const socket = new GraphqlSocket(ws, options.originOf(request), options)
    open.add(socket)
    ws.on('close', () => open.delete(socket))
  })
  const timer = setInterval(() => {
    for (const socket of open) socket.look()
  }, LOOK_MS).unref()
  return {
    server,
    count: () => open.size,
    async stop() {
      clearInterval(timer)
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.close(GOING_AWAY, 'Going away')
      await closed
    },
  }
}
