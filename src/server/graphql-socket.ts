import { type ExecutionArgs, type ExecutionResult, execute, type GraphQLError, getOperationAST } from 'graphql'
import {
  CloseCode,
  GRAPHQL_TRANSPORT_WS_PROTOCOL,
  type Message,
  MessageType,
  parseMessage,
  type SubscribePayload,
  stringifyMessage,
} from 'graphql-ws'
import type { WebSocket } from 'ws'
import type { GraphContext } from '../graphql/viewer.js'
import { type GatewayError, isGatewayError, quotaExceeded } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import { wipe } from '../lib/wipe.js'
import type { Credentials, SentCredentials } from './credentials.js'
import type { OperationChecker } from './graphql-operation.js'
import type { LiveCredentials } from './live-credentials.js'
import type { Subscribe } from './shared-results.js'

export interface GraphqlSocketOptions {
  credentials: Credentials
  live: LiveCredentials
  operations: OperationChecker
  openStream: NonNullable<GraphContext['openStream']>
  subscribe: Subscribe
  /** How many operations may be under way at once on one connection. */
  operationsMax: number
  /** After this time without an operation (ms) a socket is closed that nobody's credentials have opened. */
  idleMs: number
  logger: Logger
}

/** Parameters that a connection begins with, in their place of HTTP's headers and named alike, or `apiKey`. */
type ConnectionParams = Record<string, unknown>
/** What a client waits for: the results of a subscription, once it is open. */
type Followed = { results?: AsyncGenerator<ExecutionResult, void, void> }

/** How long a client may take to begin (ms). */
const BEGINNING_MS = 5000
/** For how long a peer whose connection is closed may take to close it as well (ms). */
const CLOSING_MS = 1000
/** With more that its peer has not taken a socket is not read from. */
const UNREAD_MAX_BYTES = 1_000_000
/** Beyond those of the protocol. */
const GOING_AWAY = 1001
const TRY_AGAIN = 1013

/**
 * A socket of a client that speaks `graphql-transport-ws`. An operation is known by itself and not by its id, which the
 * client may use again while what it has stopped to wait for still runs.
 */
export class GraphqlSocket {
  private readonly followed = new Map<string, Followed>()
  /** Operations that are under way, be they waited for or not. */
  private running = 0
  private context: GraphContext | undefined
  private release = () => {}
  private isBegun = false
  private isAlive = true
  private readonly beginning: NodeJS.Timeout
  /** Of a socket that is nobody's. */
  private idle: NodeJS.Timeout | undefined

  constructor(
    private readonly ws: WebSocket,
    private readonly origin: string | null,
    private readonly options: GraphqlSocketOptions,
  ) {
    ws.on('message', (data) => {
      const text = String(data)
      // In a message there may be a wallet's key.
      wipe(data as Buffer)
      this.take(text).catch((error) => this.fail(error))
    })
    ws.on('pong', () => {
      this.isAlive = true
    })
    ws.on('close', () => this.leave())
    // A broken frame, or one that is too large: it is closed by the code for that.
    ws.on('error', () => {})
    this.beginning = setTimeout(
      () => this.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout'),
      BEGINNING_MS,
    ).unref()
    if (ws.protocol !== GRAPHQL_TRANSPORT_WS_PROTOCOL)
      this.close(CloseCode.SubprotocolNotAcceptable, 'Subprotocol not acceptable')
  }

  /** Whether it is that of a tenant or an operator. */
  get isOwned(): boolean {
    return this.context !== undefined && this.context.viewer.role !== 'ANONYMOUS'
  }

  /** From time to time: asks whether the client lives, and is done with one that did not say so the last time. */
  look(): void {
    if (!this.isAlive) return void this.ws.terminate()
    this.isAlive = false
    if (this.isOpen) this.ws.ping()
  }

  /** Takes nothing more, and ends what is open. */
  close(code: number, reason: string): void {
    this.ws.close(code, reason)
    this.leave()
    // Until it is closed at both ends it is read on.
    setTimeout(() => this.ws.terminate(), CLOSING_MS).unref()
  }

  private get isOpen(): boolean {
    return this.ws.readyState === this.ws.OPEN
  }

  private leave(): void {
    clearTimeout(this.beginning)
    clearTimeout(this.idle)
    this.release()
    const all = [...this.followed.values()]
    this.followed.clear()
    for (const { results } of all) results?.return().catch((error) => this.fail(error))
  }

  private async take(text: string): Promise<void> {
    if (!this.isOpen) return
    let message: Message
    let pong: string
    try {
      message = parseMessage(text)
      // Here, as what can be read may be too deep to be written again.
      pong =
        message.type === MessageType.Ping ? stringifyMessage({ type: MessageType.Pong, payload: message.payload }) : ''
    } catch {
      return this.close(CloseCode.BadRequest, 'Invalid message received')
    }
    if (message.type === MessageType.ConnectionInit) return this.begin(message.payload ?? {})
    if (message.type === MessageType.Ping) return this.write(pong)
    if (message.type === MessageType.Pong) return
    if (message.type === MessageType.Subscribe) return this.run(message.id, message.payload)
    if (message.type === MessageType.Complete) return this.stop(message.id)
    this.close(CloseCode.BadRequest, 'Invalid message received')
  }

  private async begin(params: ConnectionParams): Promise<void> {
    if (this.isBegun) return this.close(CloseCode.TooManyInitialisationRequests, 'Too many initialisation requests')
    this.isBegun = true
    clearTimeout(this.beginning)
    const { credentials, live, openStream } = this.options
    const viewer = await credentials.viewer(sentIn(params), this.origin).catch((error) => this.refuse(error))
    // Closed meanwhile: nobody would release it any more.
    if (!viewer || !this.isOpen) return
    if (viewer.role === 'TENANT' && viewer.suspended) return this.close(CloseCode.Forbidden, SUSPENDED)
    this.context = { viewer, origin: this.origin, openStream }
    this.release = live.watch(viewer, (why) => this.end(why))
    if (viewer.role === 'ANONYMOUS') this.idle = setTimeout(() => this.tire(), this.options.idleMs).unref()
    await this.send({ type: MessageType.ConnectionAck })
  }

  private tire(): void {
    if (this.running > 0) this.idle?.refresh()
    else this.close(GOING_AWAY, 'Nothing came for long.')
  }

  /** Anything but wrong credentials is the gateway's failure, and worth another try of the client's. */
  private refuse(error: unknown): void {
    if (isGatewayError(error, 'UNAUTHENTICATED')) return void this.close(CloseCode.Forbidden, 'Forbidden')
    const retryAfter = isGatewayError(error) ? error.retryAfter : undefined
    this.close(TRY_AGAIN, tryAgain(retryAfter))
    if (!isGatewayError(error, 'RATE_LIMITED')) this.options.logger.error('A GraphQL socket was refused', { error })
  }

  /** The credentials have ceased to hold, or nobody can tell whether they do. */
  private end(why: GatewayError): void {
    if (why.code === 'INTERNAL_SERVER_ERROR') this.close(TRY_AGAIN, tryAgain(why.retryAfter))
    else this.close(CloseCode.Forbidden, why.code === 'TENANT_SUSPENDED' ? SUSPENDED : 'Forbidden')
  }

  private async run(id: string, payload: SubscribePayload): Promise<void> {
    if (!this.context) return this.close(CloseCode.Unauthorized, 'Unauthorized')
    if (this.followed.has(id)) return this.close(CloseCode.SubscriberAlreadyExists, 'Subscriber already exists')
    const operation: Followed = {}
    this.followed.set(id, operation)
    this.running++
    const isFollowed = () => this.followed.get(id) === operation
    const tell = async (message: Message) => (isFollowed() ? this.send(message) : undefined)
    const next = (result: ExecutionResult) =>
      tell({ id, type: MessageType.Next, payload: this.options.operations.mask(result as never, this.context?.viewer) })
    try {
      const results = await this.resultsOf(payload)
      if (!(Symbol.asyncIterator in results)) await next(results)
      else if (!isFollowed()) await results.return()
      else {
        operation.results = results
        for await (const result of results) await next(result)
      }
      await tell({ id, type: MessageType.Complete })
    } catch (error) {
      const errors = Array.isArray(error) ? error : this.options.operations.refuse(error)
      const masked = this.options.operations.masked(errors, this.context.viewer)
      await tell({ id, type: MessageType.Error, payload: masked as never })
    } finally {
      this.running--
      if (this.isOpen) this.idle?.refresh()
      if (isFollowed()) this.followed.delete(id)
    }
  }

  /** @throws the errors of an operation that is not begun */
  private async resultsOf(payload: SubscribePayload): Promise<ExecutionResult | NonNullable<Followed['results']>> {
    const { operations, operationsMax, subscribe } = this.options
    if (this.running > operationsMax) {
      throw quotaExceeded('Too many operations at once on this connection. End some first.')
    }
    // A context of its own: what one operation has read is old for the next.
    const args = await operations.check(payload, { ...(this.context as GraphContext) })
    if (Array.isArray(args)) throw args satisfies GraphQLError[]
    return isSubscription(args) ? subscribe(args) : execute(args)
  }

  /** The client waits no longer. */
  private async stop(id: string): Promise<void> {
    const operation = this.followed.get(id)
    this.followed.delete(id)
    await operation?.results?.return()
  }

  /** Resolves once it is on its way, so that a stream goes on as its reader does. */
  private send(message: Message): Promise<void> {
    return this.write(stringifyMessage(message))
  }

  private async write(text: string): Promise<void> {
    if (!this.isOpen) return
    const written = new Promise<void>((resolve) => this.ws.send(text, () => resolve()))
    if (this.ws.bufferedAmount > UNREAD_MAX_BYTES) this.ws.pause()
    await written
    if (this.ws.bufferedAmount <= UNREAD_MAX_BYTES) this.ws.resume()
  }

  private fail(error: unknown): void {
    this.options.logger.error('A GraphQL socket failed unexpectedly', { error })
    this.close(CloseCode.InternalServerError, 'Internal server error')
  }
}

const tryAgain = (after?: number) => `Try again ${after === undefined ? 'later' : `in ${after} s`}`
const SUSPENDED = 'The tenant is suspended'

const isSubscription = ({ document, operationName }: ExecutionArgs) =>
  getOperationAST(document, operationName)?.operation === 'subscription'

function sentIn(params: ConnectionParams): SentCredentials {
  const named = new Map(Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]))
  return { apiKey: named.get('apikey') ?? named.get('x-api-key'), authorization: named.get('authorization') }
}
