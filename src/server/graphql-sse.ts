import { once } from 'node:events'
import { type Request, type RequestHandler, type Response, Router } from 'express'
import { type ExecutionArgs, type ExecutionResult, GraphQLError, getOperationAST } from 'graphql'
import type { OperationArgs } from 'graphql-sse'
import { createHandler } from 'graphql-sse/lib/use/express'
import type { GraphContext, Viewer } from '../graphql/viewer.js'
import type { Credentials } from './credentials.js'
import { drained } from './drained.js'
import { answerBodyErrors, jsonBody } from './graphql-http.js'
import type { OperationChecker } from './graphql-operation.js'
import type { LiveCredentials } from './live-credentials.js'
import type { OriginOf } from './origin.js'
import { refuse } from './refuse.js'
import type { Subscribe } from './shared-results.js'

export interface GraphSseOptions {
  credentials: Credentials
  live: LiveCredentials
  operations: OperationChecker
  openStream: NonNullable<GraphContext['openStream']>
  subscribe: Subscribe
  /** The longest body of a request, in bytes. */
  maxBytes: number
  originOf: OriginOf
}

/** For how long a peer whose streams are ended may take to read them to their end (ms). */
const CLOSING_MS = 1000

/** GraphQL over server-sent events, in distinct connections mode: `GET or POST /graphql/stream`. */
export function graphqlOverSse(options: GraphSseOptions): { router: Router; stop: () => Promise<void> } {
  const { credentials, live, operations, openStream, maxBytes, originOf } = options
  const viewers = new WeakMap<Request, Viewer>()
  const open = new Map<Response, Results>()
  let stopping = false
  const handler = createHandler({
    // Without a token there is no single connection mode: its streams belong to whoever knows the token.
    authenticate: () => null,
    async onSubscribe({ raw }, params) {
      const request = raw as Request
      const viewer = viewers.get(request) ?? { role: 'ANONYMOUS', operatorKey: false }
      const context: SseContext = {
        viewer,
        origin: originOf(request),
        openStream,
        guardStream: (end) => live.watch(viewer, end),
        response: request.res as Response,
      }
      const checked = await operations.check(params, context)
      if (Array.isArray(checked)) return refused(checked)
      return isMutation(checked) && request.method === 'GET'
        ? refused([badRequest('Send mutations by POST.')])
        : (checked as OperationArgs)
    },
    subscribe: async (args) => {
      const result = await options.subscribe(args as ExecutionArgs)
      const { response } = (args as ExecutionArgs).contextValue as SseContext
      if (!(Symbol.asyncIterator in result)) return result
      const stream = paced(result, response)
      if (stopping) await stream.return()
      else if (!response.closed) open.set(response, stream)
      response.on('close', () => open.delete(response))
      return stream
    },
    onNext: (_context, { raw }, result) => operations.mask(result as never, viewers.get(raw as Request)),
  })
  const router = Router()
  router.use('/graphql/stream', onlyStreams, jsonBody(maxBytes), answerBodyErrors, onlyOperations)
  router.all('/graphql/stream', async (req, res, next) => {
    if (stopping) return void res.status(503).set('retry-after', '1').type('text/plain').send('The gateway stops.')
    try {
      const { authorization, 'x-api-key': apiKey } = req.headers
      viewers.set(req, await credentials.viewer({ apiKey, authorization }, originOf(req)))
    } catch (error) {
      const errors = operations.masked([error])
      const answer = refuse(res, errors[0] as GraphQLError)
      return void answer.type('application/graphql-response+json').send(JSON.stringify({ errors }))
    }
    handler(req, res).catch(next)
  })
  return {
    router,
    /** Tells each stream that it is complete: whoever follows it goes on after its cursor, here or elsewhere. */
    async stop() {
      stopping = true
      const ending = [...open].map(async ([response, stream]) => {
        const closed = once(response, 'close', { signal: AbortSignal.timeout(CLOSING_MS) })
        await Promise.all([closed.catch(() => response.destroy()), stream.return()])
      })
      await Promise.all(ending)
    },
  }
}

const isMutation = ({ document, operationName }: ExecutionArgs) =>
  getOperationAST(document, operationName)?.operation === 'mutation'

/** A stream that tells the errors of a request, and ends: clients of event streams do not see the body of a 400. */
async function* refused(errors: GraphQLError[]): AsyncGenerator<{ errors: GraphQLError[] }> {
  yield { errors }
}

type Results = AsyncGenerator<ExecutionResult, void, void>
type SseContext = GraphContext & { response: Response }

/**
 * Reads on as the client does: graphql-sse takes all that comes, without a bound. And where it would cut the connection
 * of a stream that fails, the error is the last that is told.
 */
function paced(results: Results, response: Response): Results {
  const stream: Results = {
    async next() {
      try {
        if (response.writableNeedDrain) await drained(response)
        return await results.next()
      } catch (error) {
        const originalError = error instanceof Error ? error : new Error('The stream failed', { cause: error })
        return { done: false, value: { errors: [new GraphQLError(originalError.message, { originalError })] } }
      }
    },
    return: () => results.return(),
    throw: (error) => results.throw(error),
    [Symbol.asyncIterator]: () => stream,
  }
  return stream
}

const onlyStreams: RequestHandler = (req, res, next) => {
  if (req.method !== 'GET' && req.method !== 'POST') {
    return void res.status(405).set('allow', 'GET, POST').send(refusal('Send the operation by GET or POST.'))
  }
  if (!req.accepts('text/event-stream')) return void res.status(406).send(refusal('Accept text/event-stream.'))
  // The one text that graphql-sse knows.
  req.headers.accept = 'text/event-stream'
  next()
}

const onlyOperations: RequestHandler = (req, res, next) => {
  if (req.method === 'POST' && !req.is('application/json')) {
    return void res.status(415).send(refusal('Send the operation as application/json.'))
  }
  const { query, variables } = (req.method === 'POST' ? req.body : req.query) as Record<string, unknown>
  const fits = typeof query === 'string' && (req.method === 'POST' ? isMap(variables) : isMapText(variables))
  if (!fits) return void res.status(400).send(refusal('The request needs a "query", and may have "variables".'))
  next()
}

const isMap = (value: unknown) => value == null || (typeof value === 'object' && !Array.isArray(value))

function isMapText(text: unknown): boolean {
  if (text === undefined) return true
  try {
    return typeof text === 'string' && isMap(JSON.parse(text))
  } catch {
    return false
  }
}

const badRequest = (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } })
const refusal = (message: string) => ({ errors: [badRequest(message)] })
