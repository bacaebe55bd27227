import { print } from 'graphql'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { EventsDocument, type EventsSubscription } from '../../examples/generated/operations.js'
import { connectionParamsOf, type MakeClient, socketUrlOf } from './stock-client.js'

/** Everything over one socket, queries and mutations too. */
export const graphqlWsClient: MakeClient = (url, credential) => {
  const client = createClient({
    url: socketUrlOf(url),
    webSocketImpl: WebSocket,
    connectionParams: connectionParamsOf(credential),
  })
  return {
    async ask(document, variables) {
      for await (const { data, errors } of client.iterate({ query: print(document), variables })) {
        if (errors?.[0]) throw new Error(errors[0].message)
        return data as never
      }
      throw new Error('The operation ended without an answer')
    },
    follow(after, next, error) {
      client.subscribe<EventsSubscription>(
        { query: print(EventsDocument), variables: { after } },
        { next: ({ data, errors }) => (data ? next(data.events) : error(errors)), error, complete() {} },
      )
    },
    dispose: () => client.dispose(),
  }
}
