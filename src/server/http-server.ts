import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import express, { type ErrorRequestHandler, type Router } from 'express'
import type { WebSocketServer } from 'ws'
import { newId } from '../lib/ids.js'
import type { Logger } from '../lib/logger.js'
import { OWN_ROUTES } from './routes.js'

export interface HttpServerOptions {
  host: string
  port: number
  /** Origins of pages that may call the API. */
  corsOrigins: readonly string[]
  /** What is asked for so often that it does not go by the routers. */
  routes: Route[]
  /** In their order: the first that answers what no route serves. */
  routers: Router[]
  /** In their order: the first that serves a path. */
  sockets: SocketRoute[]
  /** Paths whose requests may take as long as they go on coming. */
  unhurried: RegExp
  /** How long all others may take to come (ms). */
  comeWithinMs?: number
  logger: Logger
}

/** What answers the requests of a method for some paths; where it fails it says so, before it has answered. */
export interface Route {
  method: string
  paths: RegExp
  handle(request: IncomingMessage, response: ServerResponse, fail: (error: unknown) => void): void
}

/** A server of WebSockets, and where it serves. */
export interface SocketRoute {
  paths: RegExp
  server: WebSocketServer
}

/** Apollo Studio's explorer. */
export const STUDIO_ORIGIN = 'https://studio.apollographql.com'

const NOT_SERVED = 'HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n'

/**
 * Who offers another protocol than WebSocket, as HTTP/2 in the clear (`h2c`), is answered as if it had not (RFC 9110, 7.8).
 * Node before 24.9 cannot, and has it refused.
 */
const SERVER_OPTIONS = {
  keepAliveTimeout: 65_000,
  headersTimeout: 60_000,
  // Node's own bound on how long a request may take to come cannot make exceptions.
  requestTimeout: 0,
  shouldUpgradeCallback: ({ headers }: IncomingMessage) => /^websocket$/i.test(headers.upgrade ?? ''),
}

/** The one HTTP server of the gateway. */
export class HttpServer {
  private readonly server: Server
  /** Each with the request that is not answered yet, and when that began to come (ms, of `performance.now()`). */
  private readonly connections = new Map<Socket, { request?: IncomingMessage | undefined; since: number }>()
  private readonly looking: NodeJS.Timeout
  private leaving = false

  constructor(private readonly options: HttpServerOptions) {
    const app = express()
    app.disable('x-powered-by')
    app.disable('etag')
    assertOwn(options.routers.flatMap(pathsOf))
    for (const router of options.routers) app.use(router)
    app.use((_req, res) => void res.status(404).type('text/plain').send('Not found.\n'))
    app.use(answerFailures(options.logger))
    this.server = createServer(SERVER_OPTIONS, (request, response) => {
      this.beginsToCome(request, response)
      if (this.leaving) response.setHeader('Connection', 'close')
      if (isPreflight(options.corsOrigins, request, response)) return
      const route = options.routes.find(({ method, paths }) => method === request.method && paths.test(pathOf(request)))
      if (!route) return void app(request, response)
      route.handle(request, response, (error) => answerFailure(options.logger, error, response))
    })
    this.server.on('connection', (socket) => {
      this.connections.set(socket, { since: 0 })
      socket.on('close', () => this.connections.delete(socket))
    })
    const { comeWithinMs = 300_000 } = options
    this.looking = setInterval(() => this.look(comeWithinMs), comeWithinMs / 10).unref()
    this.server.on('upgrade', (request, socket, head) => {
      // Node has taken its own listener away: without one, a peer that resets the connection would end the process.
      socket.on('error', () => socket.destroy())
      const sockets = options.sockets.find(({ paths }) => paths.test(pathOf(request)))?.server
      if (!sockets) return void socket.end(NOT_SERVED, () => socket.destroy())
      sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit('connection', ws, request))
    })
  }

  private beginsToCome(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.connections.get(request.socket)
    if (!connection) return
    connection.request = request
    connection.since = performance.now()
    // Its body is not to stay in memory for as long as the connection is kept.
    response.once('close', () => {
      if (connection.request === request && request.complete) connection.request = undefined
    })
  }

  /** Cuts off whoever sends a request too slowly. */
  private look(comeWithinMs: number): void {
    const before = performance.now() - comeWithinMs
    for (const [socket, connection] of this.connections) {
      const { request, since } = connection
      if (!request || since > before || this.options.unhurried.test(pathOf(request))) continue
      if (request.complete) connection.request = undefined
      else socket.destroy()
    }
  }

  /** @returns the port, also where any was asked for */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen({ host: this.options.host, port: this.options.port, backlog: 2048 }, resolve)
    })
    return (this.server.address() as AddressInfo).port
  }

  /**
   * Answers what comes with the end of its connection. One that is used is then closed between two requests, by who
   * sends them, and not by this server while the next is on its way.
   */
  leave(): void {
    this.leaving = true
  }

  /** Takes no new connections, and lets requests in hand end. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    const idle = setInterval(() => this.server.closeIdleConnections(), 50)
    const timeout = setTimeout(() => {
      for (const socket of this.connections.keys()) socket.destroy()
    }, graceMs)
    this.server.closeIdleConnections()
    await closed
    clearInterval(this.looking)
    clearInterval(idle)
    clearTimeout(timeout)
  }
}

const pathOf = ({ url = '' }: IncomingMessage) => url.split('?')[0] as string

const pathsOf = ({ stack }: Router) => stack.flatMap(({ route }) => (route ? [route.path].flat().map(String) : []))

/** What the gateway answers itself must be known to be its own, so that nothing is hosted there. Nothing can be at the root. */
function assertOwn(paths: string[]): void {
  const foreign = paths.find((path) => path !== '/' && !OWN_ROUTES.has(path.split('/')[1] ?? ''))
  if (foreign !== undefined) throw new Error(`${foreign} is missing in OWN_ROUTES`)
}

/** Lets pages of some origins call. @returns whether the request only asked for that, and is answered */
function isPreflight(
  origins: readonly string[],
  { method, headers: { origin } }: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (origin === undefined || !origins.includes(origin)) return false
  response.setHeader('access-control-allow-origin', origin).setHeader('vary', 'Origin')
  if (method !== 'OPTIONS') return false
  response
    .setHeader('access-control-allow-methods', 'GET, POST')
    .setHeader(
      'access-control-allow-headers',
      'content-type, authorization, x-api-key, apollo-require-preflight, apollographql-client-name, apollographql-client-version',
    )
    .setHeader('access-control-max-age', '86400')
    .writeHead(204)
    .end()
  return true
}

function answerFailures(logger: Logger): ErrorRequestHandler {
  return (error, _req, res, next) => {
    const status = (error as { status?: number }).status
    if (res.headersSent) return next(error)
    if (status !== undefined && status >= 400 && status < 500)
      return void res.status(status).type('text/plain').send('Bad request.')
    answerFailure(logger, error, res)
  }
}

/** What no handler has foreseen: the log has it, the client only that it happened. */
function answerFailure(logger: Logger, error: unknown, response: ServerResponse): void {
  const requestId = newId()
  logger.error('A request failed unexpectedly', { requestId, error })
  if (response.headersSent) return void response.destroy()
  response
    .writeHead(500, { 'content-type': 'text/plain; charset=utf-8' })
    .end(`Something went wrong here (${requestId}).`)
}
