import { type Request, Router } from 'express'
import { type OperationArgs } from 'graphql-sse'
import { createHandler } from 'graphql-sse/lib/use/express'
import type { GraphContext, Viewer } from '../graphql/viewer.js'
import { unauthenticated } from '../lib/errors.js'
import type { Credentials } from './credentials.js'
import type { OperationChecker } from './graphql-operation.js'
import type { LiveCredentials } from './live-credentials.js'

export interface GraphSseOptions {
  credentials: Credentials
  live: LiveCredentials
  operations: OperationChecker
  openStream: NonNullable<GraphContext['openStream']>
}

/** GraphQL over server-sent events, in distinct connections mode: `GET or POST /graphql/stream`. */
export function graphqlOverSse({ credentials, live, operations, openStream }: GraphSseOptions): Router {
  const viewers = new WeakMap<Request, Viewer>()
  const handler = createHandler({
    authenticate: () => '',
    onSubscribe({ raw }, params) {
      const viewer = viewers.get(raw as Request) ?? { role: 'ANONYMOUS', operatorKey: false }
      const context: GraphContext = {
        viewer,
        openStream,
        guardStream: (end) => live.watch(viewer, () => end(unauthenticated())),
      }
      return operations.check(params, context) as OperationArgs
    },
    onNext: (_context, _request, result) => operations.mask(result as never),
  })
  const router = Router()
  router.all('/graphql/stream', async (req, res, next) => {
    try {
      const { authorization, 'x-api-key': apiKey } = req.headers
      viewers.set(req, await credentials.viewer({ apiKey, authorization }))
    } catch (error) {
      const errors = operations.masked([error])
      return void res.status(401).type('application/graphql-response+json').send(JSON.stringify({ errors }))
    }
    handler(req, res).catch(next)
  })
  return router
}
