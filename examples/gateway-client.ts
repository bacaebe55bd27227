import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { print } from 'graphql'
import { EventStream } from './event-stream.js'
import { EventPageDocument } from './generated/operations.js'

/** Who a client is: the operator, by a key, or a tenant, by a token. */
export type Credential = { operatorKey: string } | { token: string }

/** What the gateway refused, with the code that programs switch on. */
export class RefusedError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`)
  }
}

/** The API of a gateway for one caller: `fetch` for queries and mutations, graphql-ws for streams. */
export class GatewayClient {
  /** @param url of the gateway, such as `http://127.0.0.1:4000` */
  constructor(
    private readonly url: string,
    private readonly credential: Credential,
  ) {}

  /** Runs a query or mutation. @throws {RefusedError} */
  async ask<Result, Variables>(document: TypedDocumentNode<Result, Variables>, variables: Variables): Promise<Result> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...this.headers() },
      body: JSON.stringify({ query: print(document), variables }),
    })
    const { data, errors } = (await response.json()) as {
      data?: Result
      errors?: { message: string; extensions: { code: string } }[]
    }
    const [error] = errors ?? []
    if (error) throw new RefusedError(error.extensions.code, error.message)
    return data as Result
  }

  /**
   * Streams events from a place in the log: from the cursor `after`, or from now. "Now" is read first and subscribed
   * after, so that nothing is missed between this call and the server's taking it.
   */
  async follow(after?: string): Promise<EventStream> {
    const place = after ?? (await this.ask(EventPageDocument, { last: 0 })).events.pageInfo.endCursor ?? undefined
    return new EventStream(`${this.url.replace(/^http/, 'ws')}/graphql`, this.connectionParams(), place)
  }

  private headers(): Record<string, string> {
    if ('token' in this.credential) return { authorization: `Bearer ${this.credential.token}` }
    return { 'x-api-key': this.credential.operatorKey }
  }

  private connectionParams(): Record<string, string> {
    if ('token' in this.credential) return { authorization: `Bearer ${this.credential.token}` }
    return { apiKey: this.credential.operatorKey }
  }
}
