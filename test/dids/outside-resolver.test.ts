import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentContext } from '@credo-ts/core'
import { OutsideDidResolver, PlainJwkDidResolver, PlainKeyDidResolver } from '../../src/agent/did-resolvers.js'

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

test('a DID that is longer than any key is not decoded, and any other is', async () => {
  const key = 'did:key:z6MkmjY8GnV5i9YTDtPETC2uUAW6ejw3nk5mXF5yci5ab7th'
  const jwk = Buffer.from(JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) })).toString('base64url')
  for (const [resolver, short] of [
    [new PlainKeyDidResolver(), key],
    [new PlainJwkDidResolver(), `did:jwk:${jwk}`],
  ] as const) {
    const { didDocument } = await resolver.resolve({} as AgentContext, short)
    assert.equal(didDocument?.id, short)
    const { didResolutionMetadata } = await resolver.resolve({} as AgentContext, short + 'A'.repeat(400_000))
    assert.equal(didResolutionMetadata.error, 'invalidDid')
  }
})
