import { readFileSync } from 'node:fs'
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { buildSchema, isAbstractType, OperationTypeNode } from 'graphql'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { EventsDocument } from '../../examples/generated/operations.js'
import { connectionParamsOf, headersOf, type MakeClient, socketUrlOf } from './stock-client.js'

/** The cache has to know which types an interface has, or it drops the fields of fragments on the interface. */
const schema = buildSchema(readFileSync(new URL('../../../schema/schema.graphql', import.meta.url), 'utf8'))
const possibleTypes = Object.fromEntries(
  Object.values(schema.getTypeMap())
    .filter(isAbstractType)
    .map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
)

export const apolloClient: MakeClient = (url, credential) => {
  const socket = createClient({
    url: socketUrlOf(url),
    webSocketImpl: WebSocket,
    connectionParams: connectionParamsOf(credential),
  })
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: `${url}/graphql`, headers: headersOf(credential) }),
    ),
    cache: new InMemoryCache({ possibleTypes }),
  })
  return {
    async ask(document, variables) {
      const [definition] = document.definitions
      const isQuery = definition?.kind === 'OperationDefinition' && definition.operation === 'query'
      const { data } = isQuery
        ? await client.query({ query: document, variables, fetchPolicy: 'network-only' })
        : await client.mutate({ mutation: document, variables })
      return data as never
    },
    follow(after, next, error) {
      client
        .subscribe({ query: EventsDocument, variables: { after } })
        .subscribe({ next: ({ data, error: refused }) => (data ? next(data.events) : error(refused)), error })
    },
    async dispose() {
      client.stop()
      await socket.dispose()
    },
  }
}
