import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApolloServer, HeaderMap } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled'
import express, { type ErrorRequestHandler, type Request, Router } from 'express'
import { type DocumentNode, GraphQLError, type GraphQLSchema } from 'graphql'
import { LRUCache } from 'lru-cache'
import { mayBeKept, textMayBeKept } from '../graphql/documents.js'
import { formatError, namesOf } from '../graphql/errors.js'
import { assertCost, type LimitOptions, limitRules, TOKENS_MAX } from '../graphql/limits.js'
import type { GraphContext, Viewer } from '../graphql/viewer.js'
import { GatewayError } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import { wipe } from '../lib/wipe.js'
import type { Credentials } from './credentials.js'
import type { GraphAnswer, GraphRequest, Handing } from './handing.js'
import type { Route } from './http-server.js'
import type { OriginOf } from './origin.js'
import type { Admission } from './rate-limit.js'

export interface GraphHttpOptions {
  schema: GraphQLSchema
  credentials: Credentials
  limits: LimitOptions
  admit: Admission
  introspection: boolean
  maxBytes: number
  originOf: OriginOf
  /** Where there are workers. */
  handing?: Handing
  logger: Logger
}

const GRAPHQL_RESPONSE = 'application/graphql-response+json'
const PLAIN = 'application/json'

/** For those who ask as most do, as weighing types against each other takes its time. */
const TYPES = new Map([
  [undefined, PLAIN],
  ['*/*', PLAIN],
  [PLAIN, PLAIN],
  [GRAPHQL_RESPONSE, GRAPHQL_RESPONSE],
])

/** What a client is answered by; undefined where it takes neither. */
function typeFor(accept: string | undefined): string | undefined {
  const known = TYPES.get(accept)
  if (known !== undefined) return known
  const found = express.request.accepts.call({ headers: { accept } } as Request, ...OFFERED)
  return found ? String(found).split(';')[0] : undefined
}

const OFFERED = [PLAIN, GRAPHQL_RESPONSE].flatMap((type) => [type, `${type}; charset=utf-8`])

/**
 * GraphQL over HTTP: `POST` and `GET /graphql`. `route` takes what is posted as Node has it: Express would make something else
 * of each request, which costs a twentieth of a short answer. `router` takes all, also what is asked for by GET.
 */
export async function graphqlOverHttp(
  options: GraphHttpOptions,
): Promise<{ route: Route; router: Router; stop: () => Promise<void> }> {
  const { schema, credentials, limits, admit, handing, logger } = options
  // Apollo formats errors without saying whose they are.
  const viewers = new WeakMap<object, Viewer>()
  const names = namesOf(schema)
  const apollo = new ApolloServer<GraphContext>({
    schema,
    introspection: options.introspection,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: !options.introspection,
    // No credential travels in a cookie, so another site's request carries none.
    csrfPrevention: false,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: TOKENS_MAX },
    validationRules: limitRules(limits),
    documentStore: keeping(mayBeKept),
    persistedQueries: { cache: keeping(textMayBeKept) },
    formatError: (formatted, error) => formatError(error ?? formatted, logger, viewers.get(Object(error)), names),
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // Nothing here may be kept by a cache between us and the client; it would look at every field to find that out.
      ApolloServerPluginCacheControlDisabled(),
      {
        async requestDidStart() {
          return {
            async didResolveOperation({ document, operation, request: { operationName, variables }, contextValue }) {
              if (operation?.operation === 'subscription') throw badRequest(NO_STREAMS)
              try {
                assertCost(schema, document, variables, operationName, limits)
                await admit(contextValue, document, operationName, variables)
              } catch (error) {
                if (!(error instanceof GatewayError)) throw error
                throw withStatus(error, error.code === 'RATE_LIMITED' ? 429 : 400)
              }
            },
            async didEncounterErrors({ errors, contextValue }) {
              for (const error of errors) viewers.set(error, contextValue.viewer)
            },
            async willSendResponse({ request, errors, response }) {
              const type = TYPES.get(request.http?.headers.get('accept'))
              // Apollo would weigh all types again.
              if (type) response.http.headers.set('content-type', `${type}; charset=utf-8`)
              // A well-formed request is answered 200 under `application/json`, whatever errors it has (6.4.1).
              const isRefused = response.http.status === 400 || response.http.status === 429
              if (!isRefused || type === GRAPHQL_RESPONSE) return
              if (!errors?.some(({ extensions }) => extensions['code'] === 'BAD_REQUEST')) response.http.status = 200
            },
          }
        },
      },
    ],
    logger: {
      debug() {},
      info() {},
      warn: () => logger.warn('Apollo warned'),
      error: () => logger.error('Apollo failed'),
    },
  })
  await apollo.start()

  const sentIn = ({ headers }: GraphRequest) => ({
    apiKey: headers['x-api-key'],
    authorization: headers['authorization'],
  })
  const execute = async (request: GraphRequest, viewer: () => Promise<Viewer>): Promise<GraphAnswer> => {
    const { method, headers, search, body, origin } = request
    const type = typeFor(headers['accept'])
    const context = async (): Promise<GraphContext> => ({
      viewer: await viewer().catch((error) => {
        throw refusal(error, type)
      }),
      origin,
    })
    // Chosen once: the status has to be that of the type which Apollo answers by.
    const chosen = new HeaderMap(Object.entries(type === undefined ? headers : { ...headers, accept: type }))
    const httpGraphQLRequest = { method, headers: chosen, search, body }
    const answered = await apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest, context })
    if (answered.body.kind !== 'complete') throw new Error('Answers are given whole')
    return { status: answered.status ?? 200, headers: [...answered.headers], body: answered.body.string }
  }
  handing?.serve((request) => execute(request, () => credentials.viewerAgain(sentIn(request), request.origin)))
  const answer = async (req: IncomingMessage & { body?: unknown }, res: ServerResponse): Promise<void> => {
    const { method = '', url = '', body } = req
    const search = /\?.*$/s.exec(url)?.[0] ?? ''
    const request = { method, headers: headersOf(req), search, body, origin: options.originOf(req) }
    let found: Promise<Viewer> | undefined
    const viewer = () => (found ??= credentials.viewer(sentIn(request), request.origin))
    const handed = await handing?.handOver(request, viewer)
    // As where the worker dies that a connection goes to.
    if (handed === 'lost') req.socket.destroy()
    else send(res, handed ?? (await execute(request, viewer)))
  }
  const read = jsonBody(options.maxBytes)
  const handle: Route['handle'] = (req, res, fail) =>
    read(req, res, (error?: unknown) => {
      if (!error) return void answer(req, res).catch(fail)
      const refused = bodyError(error, req)
      if (refused) send(res, refused)
      else fail(error)
    })
  const router = Router()
  router.use('/graphql', handle)
  return { route: { method: 'POST', paths: /^\/graphql\/?$/, handle }, router, stop: () => apollo.stop() }
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const all: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) all[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return all
}

function send(res: ServerResponse, { status, headers, body }: GraphAnswer): void {
  res.statusCode = status
  res.setHeader('content-type', 'text/plain; charset=utf-8')
  for (const [name, value] of headers) res.setHeader(name, value)
  res.setHeader('content-length', Buffer.byteLength(body))
  res.end(body)
}

/** Of all documents that are kept, together. */
const DOCUMENTS_MAX_CHARS = 4_000_000

/** A cache for Apollo that keeps only what may be kept. */
function keeping<T extends DocumentNode | string>(mayBeKept: (value: T) => boolean) {
  const cache = new LRUCache<string, T>({
    max: 1000,
    maxSize: DOCUMENTS_MAX_CHARS,
    sizeCalculation: (value) => (typeof value === 'string' ? value : value.loc?.source.body)?.length || 1,
  })
  return {
    get: async (key: string) => cache.get(key),
    set: async (key: string, value: T) => {
      if (mayBeKept(value)) cache.set(key, value)
    },
    delete: async (key: string) => cache.delete(key),
  }
}

/** Credentials that do not hold: 401 where the client knows what that means in GraphQL, 200 with the error elsewhere. */
function refusal(error: unknown, type: string | undefined): unknown {
  if (!(error instanceof GatewayError)) return error
  const refused = error.code === 'RATE_LIMITED' ? 429 : 401
  return withStatus(error, type === GRAPHQL_RESPONSE ? refused : 200)
}

/** Apollo would run it as a query of one event. */
const NO_STREAMS = 'Subscriptions go over WebSocket, or /graphql/stream.'

const badRequest = (message: string) =>
  new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } })

function withStatus(error: GatewayError, status: number): GraphQLError {
  const headers = new HeaderMap(error.retryAfter === undefined ? [] : [['retry-after', `${error.retryAfter}`]])
  const http = { status, headers }
  return new GraphQLError(error.message, { originalError: error, extensions: { code: error.code, http } })
}

/** Reads the body of a GraphQL request, and wipes its bytes: among them there may be a wallet's key. */
export function jsonBody(limit: number) {
  const read = express.json({ limit, type: 'application/json' })
  return (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void => {
    read(req, res, next)
    // What is compressed goes on being read aside.
    if (req.listenerCount('data') === 0 || req.headers['content-encoding'] !== undefined) return
    req.on('data', wipe)
  }
}

/** The answer to a body that is no JSON, or too long, which is GraphQL's all the same; undefined for other errors. */
function bodyError(error: unknown, req: IncomingMessage): GraphAnswer | undefined {
  const status = (error as { status?: number }).status
  if (status === undefined || status >= 500) return undefined
  const tooLarge = status === 413
  const message = tooLarge ? 'The request is too large.' : 'The body must be JSON with a "query".'
  const type = typeFor(req.headers.accept) ?? PLAIN
  return {
    status: tooLarge ? 413 : 400,
    headers: [['content-type', `${type}; charset=utf-8`]],
    body: JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] }),
  }
}

/** The same for a router. */
export const answerBodyErrors: ErrorRequestHandler = (error, req, res, next) => {
  const refused = bodyError(error, req)
  if (refused) send(res, refused)
  else next(error)
}
