import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freshStore, OPERATOR_KEY, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { pythonWith } from '../support/python.js'
import { apolloClient } from './apollo-client.js'
import { graphqlSseClient } from './graphql-sse-client.js'
import { graphqlWsClient } from './graphql-ws-client.js'
import { clientStory } from './story.js'
import { urqlClient } from './urql-client.js'

const run = promisify(execFile)
const pythonFile = (name: string) => fileURLToPath(new URL(`./python/${name}`, import.meta.url))

describe('two tenants meet through a stock client:', () => {
  let store: TestStore
  let gateway: TestGateway
  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  test('Apollo Client', () => clientStory(gateway.url, apolloClient))
  test('urql', () => clientStory(gateway.url, urqlClient))
  test('graphql-ws', () => clientStory(gateway.url, graphqlWsClient))
  test('graphql-sse', () => clientStory(gateway.url, graphqlSseClient))

  test('gql for Python', async () => {
    const python = await pythonWith(pythonFile('requirements.txt'))
    const { stdout } = await run(python, [pythonFile('story.py'), gateway.url, OPERATOR_KEY], { timeout: 60_000 })
    assert.equal(stdout, 'acme has read: Hello Acme\n')
  })
})
