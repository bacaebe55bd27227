import type { OperatorKeyInfo, Viewer } from '../graphql/viewer.js'
import { isGatewayError, unauthenticated } from '../lib/errors.js'
import type { OperatorKeys } from '../operators/operator-keys.js'
import type { OutsideIssuer, OutsideToken } from '../tenants/outside-issuer.js'
import type { Tokens } from '../tenants/tokens.js'
import type { FailedAttempts } from './failed-attempts.js'

/** What a request carries: HTTP headers, or the same two in a connection's parameters. */
export interface SentCredentials {
  apiKey: unknown
  authorization: unknown
}

const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i

/** Finds out who a request is. */
export class Credentials {
  constructor(
    private readonly operators: OperatorKeys,
    private readonly tokens: Tokens,
    private readonly adminApi: boolean,
    private readonly attempts: FailedAttempts,
    /** Called for an operator key that does not hold, or is not looked at because too many did not. */
    private readonly refused: (origin: string | null) => void,
    private readonly outsideIssuer?: OutsideIssuer,
  ) {}

  /**
   * A request with both credentials is the tenant's; one that does not hold fails the request, also beside one that
   * does.
   * @param origin the address that it comes from
   * @throws UNAUTHENTICATED, RATE_LIMITED where too many from there did not hold
   */
  async viewer(sent: SentCredentials, origin: string | null): Promise<Viewer> {
    const [key, bearer] = this.given(sent)
    if (key === undefined && bearer === undefined) return this.viewerAgain(sent, origin)
    try {
      return await this.attempts.guard([key, bearer], origin, () => this.viewerAgain(sent, origin))
    } catch (error) {
      if (key !== undefined && isGatewayError(error, 'RATE_LIMITED')) this.refused(origin)
      throw error
    }
  }

  /** The same of a request that another process of this gateway has just let through: its address need not wait here. */
  async viewerAgain(sent: SentCredentials, origin: string | null): Promise<Viewer> {
    const [key, bearer] = this.given(sent)
    if (key === undefined && bearer === undefined) return { role: 'ANONYMOUS', operatorKey: sent.apiKey != null }
    const operatorKey = key === undefined ? undefined : await this.operatorKey(key, origin)
    return operatorKey && bearer === undefined ? { role: 'OPERATOR', operatorKey } : this.tenant(bearer)
  }

  /** The token alone, however it is written down; null for what is none. */
  private given({
    apiKey,
    authorization,
  }: SentCredentials): [key: string | null | undefined, bearer: string | null | undefined] {
    const key = typeof apiKey === 'string' ? apiKey : null
    const jwt = typeof authorization === 'string' ? BEARER.exec(authorization)?.[1] : undefined
    return [apiKey == null || !this.adminApi ? undefined : key, authorization == null ? undefined : (jwt ?? null)]
  }

  private async tenant(jwt: string | null | undefined): Promise<Viewer> {
    if (!jwt) throw unauthenticated()
    if (this.outsideIssuer?.isNamedIn(jwt)) return outsideViewer(await this.outsideIssuer.authenticate(jwt))
    return tenantViewer(await this.tokens.authenticate(jwt))
  }

  private async operatorKey(apiKey: string | null, origin: string | null): Promise<OperatorKeyInfo> {
    const key = apiKey === null ? undefined : await this.operators.authenticate(apiKey)
    if (key) return key
    this.refused(origin)
    throw unauthenticated()
  }
}

function tenantViewer({ tenant, token, sealedKey }: Awaited<ReturnType<Tokens['authenticate']>>): Viewer {
  return {
    role: 'TENANT',
    tenantId: tenant.id,
    suspended: tenant.state === 'SUSPENDED',
    tokenId: token.id,
    scopes: token.scopes,
    expiresAt: token.expiresAt,
    ...(sealedKey === undefined ? {} : { sealedKey }),
  }
}

function outsideViewer({ tenant, subject, scopes, expiresAt }: OutsideToken): Viewer {
  return {
    role: 'TENANT',
    tenantId: tenant.id,
    suspended: tenant.state === 'SUSPENDED',
    tokenId: null,
    subject,
    scopes,
    expiresAt,
  }
}
