import { createPublicKey, verify } from 'node:crypto'
import { resolveDID } from 'didwebvh-ts'
import type { ApiClient } from '../support/client.js'

const FIELDS = '{ did method document createdAt updatedAt deactivatedAt }'

// biome-ignore lint/suspicious/noExplicitAny: tests read answers field by field
export type AnyDid = any

export const CREATE = `mutation($method: String!, $options: JSON) {
  createDid(input: {method: $method, options: $options}) { did ${FIELDS} } }`
export const UPDATE = `mutation($input: UpdateDidInput!) { updateDid(input: $input) { did ${FIELDS} } }`
export const DEACTIVATE = `mutation($did: String!) { deactivateDid(did: $did) { did ${FIELDS} } }`

export async function createDid(client: ApiClient, method: string, options?: object): Promise<AnyDid> {
  return (await client.ask(CREATE, { method, options })).createDid.did
}

export async function updateDid(client: ApiClient, input: object): Promise<AnyDid> {
  return (await client.ask(UPDATE, { input })).updateDid.did
}

export async function deactivateDid(client: ApiClient, did: string): Promise<AnyDid> {
  return (await client.ask(DEACTIVATE, { did })).deactivateDid.did
}

export async function resolveAt(client: ApiClient, did: string): Promise<AnyDid> {
  const { resolveDid } = await client.ask(
    'query($did: String!) { resolveDid(did: $did) { document metadata resolutionMetadata } }',
    { did },
  )
  return resolveDid
}

/** Where the files of a hosted DID are, by the DID alone. */
export function urlOf(did: string, file: string): string {
  const [host, ...path] = did.split(':').slice(did.startsWith('did:webvh:') ? 3 : 2)
  return `http://${decodeURIComponent(host as string)}/${[...path, file].join('/')}`
}

export const verifier = {
  async verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): Promise<boolean> {
    const x = Buffer.from(publicKey).toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    return verify(null, message, key, signature)
  },
}

/** Resolves a did:webvh by didwebvh-ts alone, over HTTP. */
export function resolveByStock(did: string): Promise<AnyDid> {
  return resolveDID(did, { verifier })
}
