import type { PassphraseCost } from '../askar/passphrase.js'
import type { EventDispatch } from '../events/event.js'
import type { Place } from '../storage/place.js'

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
  /** Of its own: a slug, or a whole URL without a slash at its end; null for the endpoint that all share. */
  endpoint: string | null
  /** Follows from what is below; kept to find tenants by. */
  state: TenantState
  deleting: boolean
  suspended: boolean
  /** Locked by its tenant, until it is unlocked by name. */
  held: boolean
  /** The instances that have an unmanaged wallet open. */
  openers: string[]
  /** Whether messages that came while they could not be taken still wait: what comes now goes behind them. */
  queueing: boolean
  /** The idempotency key of its making. */
  madeBy?: string
  /** Where the wallet lies. */
  place: Place
  /** How its key is made of a passphrase; null where the key itself is given. */
  derivation: Derivation | null
  settings: Record<string, unknown>
  policy: Record<string, unknown>
  createdAt: string
  updatedAt: string
}

export interface Derivation {
  cost: PassphraseCost
  /** Base64url of 16 bytes. */
  salt: string
}

export interface TenantAccess {
  tokens: TokenRecord[]
  /** How many lifecycle events there have been; the tenant's own log knows how many of them it has. */
  lifecycle: number
}

/** A tenant as it lies in the base wallet. */
export type Tenant = TenantProfile & TenantAccess

export function stateOf(
  tenant: Pick<TenantProfile, 'deleting' | 'suspended' | 'keyMode' | 'held' | 'openers'>,
): TenantState {
  if (tenant.deleting) return 'DELETING'
  if (tenant.suspended) return 'SUSPENDED'
  return tenant.keyMode === 'UNMANAGED' && (tenant.held || tenant.openers.length === 0) ? 'LOCKED' : 'ACTIVE'
}

/** What an endpoint is found by and is unique in: a slug, or the host and path of a URL. */
export function endpointKey(endpoint: string): string {
  if (!URL.canParse(endpoint)) return endpoint
  const { host, pathname } = new URL(endpoint)
  return `${host}${pathname}`
}

/**
 * A tenant's profile as it is stored. What changes with tokens is in it as long as the tenant has those that it was made with,
 * and then in an entry of its own.
 */
export type StoredProfile = TenantProfile & { access?: TenantAccess }

/** A tenant's profile as it was stored, also by a version that knew less of it. */
export const readProfile = (value: string): TenantProfile => profileOf(JSON.parse(value))

function profileOf({ access: _, ...stored }: StoredProfile): TenantProfile {
  return {
    ...stored,
    deleting: stored.deleting ?? stored.state === 'DELETING',
    suspended: stored.suspended ?? false,
    held: stored.held ?? false,
    openers: stored.openers ?? [],
    queueing: stored.queueing ?? false,
    endpoint: stored.endpoint ?? null,
    place: stored.place ?? { kind: 'PROFILE', profile: stored.id },
    derivation: stored.derivation ?? null,
  }
}

/** A tenant as it was stored; `access`: the entry of its own, where there is one. Undefined where it has neither. */
export function readTenant(profile: string, access: string | undefined): Tenant | undefined {
  const stored = JSON.parse(profile) as StoredProfile
  const own = access === undefined ? stored.access : (JSON.parse(access) as TenantAccess)
  return own && { ...profileOf(stored), ...own }
}
