import type { EventDispatch } from '../events/event.js'
import type { Chosen } from './choices.js'
import type { KeyMode, TokenScope, WalletStorage } from './tenant.js'
import type { WalletKeyDerivation } from './wallet-keys.js'

/** A new tenant, as an operator asks for it. */
export interface CreateTenant {
  name: string
  label?: string | null
  imageUrl?: string | null
  groupId?: string | null
  keyMode?: KeyMode | null
  walletStorage?: WalletStorage | null
  walletKey?: string | null
  walletKeyDerivation?: WalletKeyDerivation | null
  eventDispatch?: EventDispatch | null
  /** As `TenantEndpoints.parse` gives it. */
  endpoint?: string | null
  settings?: Record<string, unknown> | null
  policy?: Record<string, unknown> | null
  idempotencyKey?: string | null
}

/** A tenant that comes with a wallet. */
export interface AdoptTenant
  extends Pick<CreateTenant, 'name' | 'label' | 'imageUrl' | 'groupId' | 'eventDispatch' | 'endpoint'> {
  id: string
  suspended: boolean
  settings: Chosen
  policy: Chosen
}

export interface UpdateTenant {
  tenantId: string
  label?: string | null
  imageUrl?: string | null
  groupId?: string | null
  eventDispatch?: EventDispatch | null
  /** As `TenantEndpoints.parse` gives it. */
  endpoint?: string | null
  settings?: Record<string, unknown> | null
  policy?: Record<string, unknown> | null
}

export interface CreateToken {
  name?: string | null
  scopes?: readonly TokenScope[] | null
  /** Seconds; null for no expiry. */
  expiresIn?: number | null
  walletKey?: string | null
}

export interface MoveWallet {
  keyMode?: KeyMode | null
  walletStorage?: WalletStorage | null
  /** The key that an unmanaged wallet has now. */
  walletKey?: string | null
  newWalletKey?: string | null
  newWalletKeyDerivation?: WalletKeyDerivation | null
}
