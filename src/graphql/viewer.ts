export type Scope = 'READ' | 'WRITE' | 'MANAGE'

/** Who a request is. Rights never merge: a request that carries both credentials is a tenant's. */
export type Viewer =
  /** `operatorKey`: a valid one was sent to an instance that does not look at them (ADMIN_API=off). */
  | { role: 'ANONYMOUS'; operatorKey: boolean }
  | { role: 'OPERATOR' }
  | {
      role: 'TENANT'
      tenantId: string
      suspended: boolean
      tokenId: string
      scopes: readonly Scope[]
      /** Seconds since the epoch; null for never. */
      expiresAt: number | null
    }

/** What every resolver gets. */
export interface GraphContext {
  viewer: Viewer
  /** Finds the request in the log. */
  requestId: string
  /** Loaders of this request, by the service that makes them: see `loaderOf`. */
  loaders: Map<object, unknown>
}
