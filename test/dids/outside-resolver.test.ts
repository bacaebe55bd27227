import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentContext } from '@credo-ts/core'
import { OutsideDidResolver } from '../../src/agent/did-resolvers.js'

const did = 'did:web:acme.example'
const documentWith = (serviceEndpoint: string) => ({
  '@context': ['https://www.w3.org/ns/did/v1'],
  id: did,
  service: [{ id: `${did}#site`, type: 'LinkedDomains', serviceEndpoint }],
})

test('a DID document whose texts would take for ever to read is refused, and any other is not', async () => {
  for (const [endpoint, error] of [
    ['https://acme.example', undefined],
    // Each letter may begin a scheme.
    ['a'.repeat(2_000_000), 'invalidDidDocument'],
  ] as const) {
    const resolver = new OutsideDidResolver({
      methods: { web: async () => ({ error: 'notFound' }) },
      own: async () => ({ document: documentWith(endpoint) }),
    })
    const { didResolutionMetadata } = await resolver.resolve({} as AgentContext, did)
    assert.equal(didResolutionMetadata.error, error)
  }
})
