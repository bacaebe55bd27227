import { print } from 'graphql'
import { createClient } from 'graphql-sse'
import { EventsDocument, type EventsSubscription } from '../../examples/generated/operations.js'
import { headersOf, type MakeClient } from './stock-client.js'

/** Everything over server-sent events, a connection each. */
export const graphqlSseClient: MakeClient = (url, credential) => {
  const client = createClient({ url: `${url}/graphql/stream`, headers: headersOf(credential) })
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
