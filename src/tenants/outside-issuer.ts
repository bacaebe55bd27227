import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import type { Config } from '../config/config.js'
import { unauthenticated } from '../lib/errors.js'
import type { GuardedFetch } from '../lib/guarded-fetch.js'
import { type Tenant, TOKEN_SCOPES, type TokenScope } from './tenant.js'
import type { TenantStore } from './tenant-store.js'

interface OutsideIssuerOptions {
  /** To the letter as it stands in `iss`. */
  issuer: string
  audience: string
  /** Where its keys are; the issuer is asked (OpenID Connect Discovery 1.0) where this is not given. */
  jwksUrl: string | undefined
  /** The claim that names the tenant. */
  tenantClaim: string
  /** The claim that names the scopes. */
  scopeClaim: string
}

/** Whom an outside issuer's token speaks for. */
export interface OutsideToken {
  tenant: Tenant
  /** Whom it was given to. */
  subject: string
  scopes: readonly TokenScope[]
  /** Seconds since the epoch. */
  expiresAt: number
}

/** None of shared secrets: the issuer's public key is no secret, and must not be taken for one. */
const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')
/** How far the issuer's clock may be ahead (s). For when a token ends, ours counts. */
const CLOCK_SKEW_S = 30
/** The longest that OpenID Connect allows (characters). */
const SUBJECT_MAX = 255
/** How long the issuer is left alone after it was asked for a key that it had not, or could not be reached (ms). */
const REST_MS = 5000
/** What is wrong with a token, where its key is looked for. The rest is wrong with the issuer. */
const FAULTS_OF_TOKENS = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported]

/** Its keys cannot be had now, so nobody can say whether a token holds. */
class IssuerUnreachable extends Error {
  constructor(cause?: unknown) {
    super('The keys of the outside issuer cannot be had', { cause })
  }
}

/** Takes the tokens (JWT access tokens, RFC 9068) of an outside OpenID Connect issuer beside the gateway's own. */
export class OutsideIssuer {
  private keySet: Promise<JWTVerifyGetKey> | undefined
  private restsUntil = 0

  /** @returns undefined where none is set up */
  static of(config: Config, guarded: GuardedFetch, tenants: TenantStore): OutsideIssuer | undefined {
    const { oidcIssuer: issuer, oidcAudience: audience, oidcJwksUrl: jwksUrl } = config
    const { oidcTenantClaim: tenantClaim, oidcScopeClaim: scopeClaim } = config
    if (issuer === undefined || audience === undefined) return undefined
    return new OutsideIssuer({ issuer, audience, jwksUrl, tenantClaim, scopeClaim }, guarded, tenants)
  }

  private constructor(
    private readonly options: OutsideIssuerOptions,
    private readonly guarded: GuardedFetch,
    private readonly tenants: TenantStore,
  ) {}

  /** Whether a token says that it is this issuer's; the gateway's own name no issuer. Nothing is verified here. */
  isNamedIn(jwt: string): boolean {
    try {
      return decodeJwt(jwt).iss === this.options.issuer
    } catch {
      return false
    }
  }

  /** @throws UNAUTHENTICATED, the same for whatever is wrong with it; something else while that cannot be found out */
  async authenticate(jwt: string): Promise<OutsideToken> {
    const payload = await this.verify(jwt)
    const { exp: expiresAt = 0, sub: subject, cnf: boundKey } = payload
    if (expiresAt <= Date.now() / 1000 || typeof subject !== 'string' || subject.length > SUBJECT_MAX) {
      throw unauthenticated()
    }
    // One that is bound to a key (RFC 7800) says nothing without a proof of that key, and nobody asks for one here.
    if (boundKey !== undefined) throw unauthenticated()
    const tenant = await this.tenantNamedIn(payload)
    if (!tenant || tenant.state === 'DELETING') throw unauthenticated()
    return { tenant, subject, scopes: scopesOf(payload[this.options.scopeClaim]), expiresAt }
  }

  private async verify(jwt: string): Promise<JWTPayload> {
    const { issuer, audience } = this.options
    const checks = {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: CLOCK_SKEW_S,
    }
    try {
      return (await jwtVerify(jwt, this.keyOf, checks)).payload
    } catch (error) {
      throw error instanceof IssuerUnreachable ? error : unauthenticated(error)
    }
  }

  /** By its id first, so that a name which looks like an id stands for no other tenant. */
  private async tenantNamedIn(payload: JWTPayload): Promise<Tenant | undefined> {
    const idOrName = payload[this.options.tenantClaim]
    if (typeof idOrName !== 'string') return undefined
    return (await this.tenants.find(idOrName)) ?? (await this.tenants.findByName(idOrName))
  }

  private readonly keyOf: JWTVerifyGetKey = async (header, token) => {
    try {
      this.keySet ??= this.findKeySet()
      return await (await this.keySet)(header, token)
    } catch (error) {
      throw FAULTS_OF_TOKENS.some((fault) => error instanceof fault) ? error : new IssuerUnreachable(error)
    }
  }

  private async findKeySet(): Promise<JWTVerifyGetKey> {
    try {
      const url = new URL(this.options.jwksUrl ?? (await this.discoverKeys()))
      return createRemoteJWKSet(url, {
        [customFetch]: (href, request) => this.fetch(href, request),
        cooldownDuration: REST_MS,
      })
    } catch (error) {
      this.keySet = undefined
      throw error
    }
  }

  private async discoverKeys(): Promise<string> {
    const { issuer } = this.options
    const response = await this.fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const { issuer: named, jwks_uri: url } = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown }
    if (response.status !== 200 || named !== issuer || typeof url !== 'string') {
      throw new Error('The configuration of the outside issuer is not its own')
    }
    // What vouches for every token is not to come over a weaker way than the one that was set up.
    if (issuer.startsWith('https:') && !url.startsWith('https:')) throw new Error('The keys of the issuer lack TLS')
    return url
  }

  /** The guarded fetch in the shape of the standard one. An issuer in trouble is not asked once for each token. */
  private async fetch(url: string, request: { headers?: Headers; signal?: AbortSignal } = {}): Promise<Response> {
    if (Date.now() < this.restsUntil) throw new Error('The outside issuer was unreachable a moment ago')
    try {
      const headers = Object.fromEntries(request.headers ?? [['accept', 'application/json']])
      const { status, body } = await this.guarded.fetch(url, { headers, signal: request.signal, maxRedirects: 0 })
      if (status !== 200) throw new Error(`The outside issuer answers ${status}`)
      return new Response(new Uint8Array(body), { status })
    } catch (error) {
      this.restsUntil = Date.now() + REST_MS
      throw error
    }
  }
}

/** `tenantry:read` and the like, in a text between spaces or in a list. None that is not named. */
function scopesOf(claim: unknown): TokenScope[] {
  const words = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  return TOKEN_SCOPES.filter((scope) => words.includes(`tenantry:${scope.toLowerCase()}`))
}
