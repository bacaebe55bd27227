export type Scope = 'READ' | 'WRITE' | 'MANAGE'

/** Each contains those before it. */
export const OPERATOR_SCOPES = ['READ', 'TENANTS', 'ALL'] as const
export type OperatorScope = (typeof OPERATOR_SCOPES)[number]

/** What is known of the key that an operator sent. */
export interface OperatorKeyInfo {
  keyId: string
  name: string
  scopes: readonly OperatorScope[]
  /** Seconds since the epoch; null for never. */
  expiresAt: number | null
}

/** Who a request is. Rights never merge: a request that carries both credentials is a tenant's. */
export type Viewer =
  /** `operatorKey`: a valid one was sent to an instance that does not look at them (ADMIN_API=off). */
  | { role: 'ANONYMOUS'; operatorKey: boolean }
  | { role: 'OPERATOR'; operatorKey: OperatorKeyInfo }
  | {
      role: 'TENANT'
      tenantId: string
      suspended: boolean
      /** Null for a token of an outside issuer, of which no record is kept. */
      tokenId: string | null
      /** Whom such a token was given to, as its issuer knows them. */
      subject?: string
      scopes: readonly Scope[]
      /** Seconds since the epoch; null for never. */
      expiresAt: number | null
      /** The key of an unmanaged wallet as its token carries it: only `Tokens.openKey` reads it. */
      sealedKey?: string
    }

/** What every resolver gets. */
export interface GraphContext {
  viewer: Viewer
  /** The address that it was asked from, where that is known. */
  origin: string | null
  /** Opens the event stream of a subscription; there are none over plain HTTP. */
  openStream?: (args: StreamArgs, context: GraphContext) => Promise<AsyncIterableIterator<unknown>>
  /** Ends a stream whose credentials stop to hold, where the transport does not do it. @returns what to call at its end */
  guardStream?: (end: (error: Error) => void) => () => void
}

/** Arguments of the subscription `events`. */
export interface StreamArgs {
  after?: string | null
  topics?: string[] | null
  tenantIds?: string[] | null
}
