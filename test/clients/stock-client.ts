import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { EventFieldsFragment } from '../../examples/generated/operations.js'

export type Credential = { apiKey: string } | { token: string }

/** What the story asks of a client library. */
export interface StockClient {
  /** A query or mutation. @throws where the gateway refuses */
  ask<Result, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Result, Variables>,
    variables: Variables,
  ): Promise<Result>
  /** The event stream, from the cursor `after`. */
  follow(after: string, next: (event: EventFieldsFragment) => void, failed: (error: unknown) => void): void
  /** Ends streams and connections. */
  dispose(): void | Promise<void>
}

/** A client of the gateway at `url` as its library's own documentation sets it up. */
export type MakeClient = (url: string, credential: Credential) => StockClient

/** How a credential travels over HTTP. */
export function headersOf(credential: Credential): Record<string, string> {
  return 'token' in credential ? { authorization: `Bearer ${credential.token}` } : { 'x-api-key': credential.apiKey }
}

/** How a credential travels in graphql-ws's `connectionParams`. */
export function connectionParamsOf(credential: Credential): Record<string, string> {
  return 'token' in credential ? { authorization: `Bearer ${credential.token}` } : { apiKey: credential.apiKey }
}

export const socketUrlOf = (url: string) => `${url.replace(/^http/, 'ws')}/graphql`
