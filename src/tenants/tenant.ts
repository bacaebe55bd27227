import type { EventDispatch } from '../events/event.js'

export type KeyMode = 'MANAGED' | 'UNMANAGED'
export type WalletStorage = 'PROFILE' | 'STORE'
export type TenantState = 'ACTIVE' | 'LOCKED' | 'SUSPENDED' | 'DELETING'
export const TOKEN_SCOPES = ['READ', 'WRITE', 'MANAGE'] as const
export type TokenScope = (typeof TOKEN_SCOPES)[number]
export type TenantChange =
  | 'CREATED'
  | 'UPDATED'
  | 'SUSPENDED'
  | 'RESUMED'
  | 'LOCKED'
  | 'UNLOCKED'
  | 'DELETED'
  | 'TOKEN_CREATED'
  | 'TOKEN_REVOKED'

/** What is kept of a token. The token itself is signed from it, and kept nowhere. Times are seconds, as in its claims. */
export interface TokenRecord {
  id: string
  /** Null for the primary token, of which a tenant has at most one. */
  name: string | null
  scopes: TokenScope[]
  issuedAt: number
  expiresAt: number | null
  /** As of the last time that it was noted, about a minute behind. */
  lastUsedAt: number | null
}

/** What a tenant is; what changes with its tokens is in {@link TenantAccess}. */
export interface TenantProfile {
  id: string
  name: string
  label: string
  imageUrl: string | null
  groupId: string | null
  keyMode: KeyMode
  walletStorage: WalletStorage
  eventDispatch: EventDispatch
  state: TenantState
  settings: Record<string, unknown>
  policy: Record<string, unknown>
  createdAt: string
  updatedAt: string
}

export interface TenantAccess {
  tokens: TokenRecord[]
  /** How many lifecycle events there have been; the tenant's own log knows how many of them it has. */
  lifecycle: number
}

/** A tenant as it lies in the base wallet. Its wallet is the profile that its id names. */
export type Tenant = TenantProfile & TenantAccess
