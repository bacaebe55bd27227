import { createGraphiQLFetcher } from '@graphiql/toolkit'
import { createClient } from 'graphql-ws'
import { chooseOperation } from './choose-operation.js'
import { streamedResults } from './streamed-results.js'

export const GRAPHQL_PATH = '/graphql'

/**
 * The way to the gateway with one credential: queries and mutations over HTTP, subscriptions over graphql-ws.
 *
 * @param credential as of `parseCredential`, or null for none
 * @returns `fetcher` for GraphiQL, and `dispose`, which ends the streams that were opened with this credential
 */
export function connectGateway(credential) {
  const http = createGraphiQLFetcher({
    url: GRAPHQL_PATH,
    headers: credential?.headers,
    enableIncrementalDelivery: false,
  })
  const socket = createClient({
    url: new URL(GRAPHQL_PATH, location.href.replace(/^http/, 'ws')).href,
    connectionParams: credential?.connectionParams,
    // A new connection would begin where the gateway is by then: what came between would be missing without a word.
    retryAttempts: 0,
  })
  let disposed = false

  return {
    async fetcher(everything, options) {
      const { params, type } = chooseOperation(everything)
      if (type !== 'subscription') return http(params, options)
      return streamedResults((sink) => socket.subscribe(params, sink), {
        onComplete: () =>
          disposed ? 'The key or token was changed. Run it again.' : 'The gateway completed the stream.',
      })
    },
    dispose() {
      disposed = true
      socket.dispose()
    },
  }
}
