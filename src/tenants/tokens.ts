import { unauthenticated } from '../lib/errors.js'
import { sha256 } from '../lib/ids.js'
import { Recent } from '../lib/recent.js'
import type { Tenant, TokenRecord } from './tenant.js'
import type { TenantStore } from './tenant-store.js'
import type { TokenKeys } from './token-keys.js'

interface Claims {
  tenantId: string
  tokenId: string
  issuedAt: number
  expiresAt: number | undefined
  sealedKey: string | undefined
}

/** How long after it was made a token may be one that this instance has not heard of (s); clocks differ a little. */
const NEW_S = 10

/** A token that holds, and the tenant whose it is. */
export interface HeldToken {
  tenant: Tenant
  token: TokenRecord
}

/**
 * Tenant tokens: compact JWS (RFC 7515) with `sub`, `jti`, `iat` and, unless it never ends, `exp`. A token holds
 * while its id stands in its tenant's record; what it may do is written there, not in the token. That of an unmanaged
 * tenant carries the wallet's key in `wallet_key`, sealed.
 */
export class Tokens {
  private readonly verified = new Recent<string, Claims>(20_000, 10 * 60_000)

  /** When tokens were used since that was last noted (seconds), by tenant and token. */
  private uses = new Map<string, Map<string, number>>()

  constructor(
    private readonly keys: TokenKeys,
    private readonly tenants: TenantStore,
  ) {}

  /** The token of a record, with the key of an unmanaged wallet sealed in it; the same each time. */
  async sign(tenantId: string, token: TokenRecord, walletKey?: string): Promise<string> {
    const sealed = walletKey === undefined ? {} : { wallet_key: await this.keys.seal(token.id, walletKey) }
    const end = token.expiresAt === null ? {} : { exp: token.expiresAt }
    return this.keys.sign({ ...sealed, sub: tenantId, jti: token.id, iat: token.issuedAt, ...end })
  }

  /**
   * @returns with the wallet key that it may carry, still sealed: for {@link openKey}
   * @throws UNAUTHENTICATED, the same for whatever is wrong with it
   */
  async authenticate(jwt: string): Promise<HeldToken & { sealedKey?: string }> {
    const { tenantId, tokenId, issuedAt, expiresAt, sealedKey } = await this.verify(jwt)
    if (expiresAt !== undefined && expiresAt <= Date.now() / 1000) throw unauthenticated()
    let found = await this.find(tenantId, tokenId)
    if (!found && issuedAt + NEW_S > Date.now() / 1000) {
      // Another instance may have made it a moment ago, and what is known of the tenant here be from before.
      this.tenants.forget(tenantId)
      found = await this.find(tenantId, tokenId)
    }
    if (!found) throw unauthenticated()
    const uses = this.uses.get(tenantId) ?? new Map<string, number>()
    this.uses.set(tenantId, uses.set(tokenId, Math.floor(Date.now() / 1000)))
    return { ...found, sealedKey }
  }

  /** The wallet key that a token carries; undefined where it was not sealed for this one. Never kept. */
  openKey(tokenId: string, sealedKey: string): Promise<string | undefined> {
    return this.keys.open(tokenId, sealedKey)
  }

  /** The uses since the last time that this was asked. */
  takeUses(): Map<string, Map<string, number>> {
    const { uses } = this
    this.uses = new Map()
    return uses
  }

  /** When a token was last used, in seconds; null where it never was. */
  lastUse(tenantId: string, { id, lastUsedAt }: TokenRecord): number | null {
    return this.uses.get(tenantId)?.get(id) ?? lastUsedAt
  }

  /** The record of a token that holds. */
  async find(tenantId: string, tokenId: string): Promise<HeldToken | undefined> {
    const tenant = await this.tenants.find(tenantId)
    const token = tenant?.tokens.find(({ id }) => id === tokenId)
    if (!tenant || !token || tenant.state === 'DELETING') return undefined
    if (token.expiresAt !== null && token.expiresAt <= Date.now() / 1000) return undefined
    return { tenant, token }
  }

  private async verify(jwt: string): Promise<Claims> {
    const digest = sha256(jwt).toString('base64')
    const known = this.verified.get(digest)
    if (known) return known
    const payload = await this.keys.verify(jwt)
    if (!payload) throw unauthenticated()
    const { sub, jti, iat, exp, wallet_key: sealedKey } = payload
    const claims = {
      tenantId: sub as string,
      tokenId: jti as string,
      issuedAt: iat as number,
      expiresAt: exp,
      sealedKey: typeof sealedKey === 'string' ? sealedKey : undefined,
    }
    this.verified.set(digest, claims)
    return claims
  }
}
