import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { EventsDocument } from '../../examples/generated/operations.js'
import { connectionParamsOf, headersOf, type MakeClient, socketUrlOf } from './stock-client.js'

export const urqlClient: MakeClient = (url, credential) => {
  const socket = createClient({
    url: socketUrlOf(url),
    webSocketImpl: WebSocket,
    connectionParams: connectionParamsOf(credential),
  })
  const client = new Client({
    url: `${url}/graphql`,
    fetchOptions: { headers: headersOf(credential) },
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables: { ...variables } }, sink) }),
        }),
      }),
    ],
  })
  return {
    async ask(document, variables) {
      const [definition] = document.definitions
      const isQuery = definition?.kind === 'OperationDefinition' && definition.operation === 'query'
      const { data, error } = isQuery
        ? await client.query(document, variables, { requestPolicy: 'network-only' })
        : await client.mutation(document, variables)
      if (error) throw error
      return data as never
    },
    follow(after, next, failed) {
      client
        .subscription(EventsDocument, { after })
        .subscribe(({ data, error }) => (data ? next(data.events) : failed(error)))
    },
    dispose: () => socket.dispose(),
  }
}
