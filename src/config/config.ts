import { resolve } from 'node:path'
import { z } from 'zod'
import type { IndyNetwork } from '../indy/index.js'
import { AddressList, isLoopbackHost, parseAddress } from '../lib/addresses.js'
import { newId } from '../lib/ids.js'
import { type LogFormat, type LogLevel, logLevels } from '../lib/logger.js'
import { type CheqdNetwork, cheqdNetworks, openWay } from './cheqd-networks.js'
import { ConfigError } from './config-error.js'
import type { RawSettings } from './env.js'
import { indyNetworks } from './indy-networks.js'
import { fileKey, type SettingName, settings } from './settings.js'
import {
  duration,
  durationOrNone,
  httpUrl,
  jsonObject,
  list,
  oneOf,
  size,
  text,
  url,
  wholeNumber,
  workers,
} from './values.js'

/** What the gateway runs by, without the keys, which are in Secrets. Times are in milliseconds, sizes in bytes. */
export interface Config {
  readonly host: string
  readonly port: number
  /** Without a slash at the end. Missing only while PORT is 0 and no PUBLIC_URL given: see {@link publicUrlOf}. */
  readonly publicUrl?: string
  /** Addresses and CIDR ranges, checked. */
  readonly trustProxy: readonly string[]
  /** Absolute. */
  readonly dataDir: string
  /** Holds a password: print with {@link printableConfig}. Missing: SQLite in `dataDir`. */
  readonly databaseUrl?: string
  /** Hold passwords. Empty: in-process. More than one: a cluster. */
  readonly redisUrls: readonly string[]
  readonly askarBinding: 'koffi' | 'nodejs'
  readonly poolSize: number
  /** null: no expiry. */
  readonly tokenTtlMs: number | null
  /** null: no limit. */
  readonly tokenTtlMaxMs: number | null
  /** Missing: only the gateway's own tokens are taken. Given: `oidcAudience` is too. */
  readonly oidcIssuer?: string
  readonly oidcAudience?: string
  /** Missing: the issuer is asked for it. */
  readonly oidcJwksUrl?: string
  readonly oidcTenantClaim: string
  readonly oidcScopeClaim: string
  readonly mediatorInvitation?: string
  /** Whether mediators hold what is for this gateway until it fetches that. */
  readonly mediatorPickup: boolean
  /** Whether the base wallet mediates for agents outside. */
  readonly baseMediates: boolean
  /** Whether messages for endpoints of the gateway itself are taken without a request. */
  readonly localDelivery: boolean
  /** The policy of all tenants, by its keys, which are not checked here; empty where none was given. */
  readonly defaultPolicy: Readonly<Record<string, unknown>>
  readonly adminApi: boolean
  /** Ledgers that are read; whether their genesis is there is not checked here. */
  readonly indyNetworks: readonly IndyNetwork[]
  readonly cheqdNetworks: readonly CheqdNetwork[]
  readonly sessionsMax: number
  /** Stores of tenants' own that are open at once. */
  readonly storesMax: number
  readonly sessionIdleMs: number
  readonly eventRetentionMs: number
  readonly eventBuffer: number
  readonly outboundTimeoutMs: number
  readonly outboxGiveUpMs: number
  /** Hosts, addresses and CIDR ranges, checked. */
  readonly allowAddresses: readonly string[]
  readonly maxMessageBytes: number
  readonly maxRequestBytes: number
  readonly socketOperationsMax: number
  readonly graphqlSocketsMax: number
  readonly graphqlSocketIdleMs: number
  readonly failedAttemptsMax: number
  readonly didcommSocketsMax: number
  readonly didcommSocketIdleMs: number
  readonly queryDepthMax: number
  readonly queryCostMax: number
  readonly introspection: boolean
  readonly studio: boolean
  /** As browsers write them: `https://app.example`. */
  readonly corsOrigins: readonly string[]
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
  /** null: for ever. */
  readonly auditRetentionMs: number | null
  readonly metricsPerTenant: boolean
  readonly workers: number
  readonly instanceId: string
}

const onOff = oneOf(['on', 'off']).transform((value) => value === 'on')

const schema = z.object({
  HOST: text(/^[A-Za-z0-9._:-]+$/, 'write an address or host name'),
  PORT: wholeNumber(0, 65535),
  PUBLIC_URL: httpUrl().optional(),
  TRUST_PROXY: list(text(/^[\da-fA-F:.]+(\/\d+)?$/, 'write addresses or ranges like 10.0.0.0/8')).optional(),
  DATA_DIR: z.string().transform((path) => resolve(path)),
  DATABASE_URL: url(
    ['postgres:', 'postgresql:'],
    'postgres://user:password@host:5432/database',
    (u) => u.pathname.length > 1,
  ).optional(),
  REDIS_URL: list(url(['redis:', 'rediss:'], 'redis://host:6379')).optional(),
  ASKAR_BINDING: oneOf(['koffi', 'nodejs']),
  POOL_SIZE: wholeNumber(2, 1000).optional(),
  TOKEN_TTL: durationOrNone(),
  TOKEN_TTL_MAX: durationOrNone(),
  MEDIATOR_INVITATION: url(['http:', 'https:', 'didcomm:'], 'https://mediator.example?oob=…')
    .refine(isInvitationUrl, 'has an invitation in it that cannot be read: copy it again, whole')
    .optional(),
  MEDIATOR_PICKUP: onOff,
  BASE_MEDIATES: onOff,
  LOCAL_DELIVERY: onOff,
  DEFAULT_POLICY: jsonObject(),
  ADMIN_API: onOff,
  SESSIONS_MAX: wholeNumber(1, 100_000),
  STORES_MAX: wholeNumber(1, 10_000),
  SESSION_IDLE: duration(),
  OIDC_ISSUER: url(['https:', 'http:'], 'https://login.example/realms/acme').optional(),
  OIDC_AUDIENCE: z.string().optional(),
  OIDC_JWKS_URL: url(['https:', 'http:'], 'https://login.example/keys').optional(),
  OIDC_TENANT_CLAIM: z.string(),
  OIDC_SCOPE_CLAIM: z.string(),
  EVENT_RETENTION: duration(),
  EVENT_BUFFER: wholeNumber(1, 1_000_000),
  OUTBOUND_TIMEOUT: duration(),
  OUTBOX_GIVE_UP: duration(),
  ALLOW_ADDRESSES: list(z.string()).optional(),
  INDY_NETWORKS: indyNetworks(),
  CHEQD_NETWORKS: cheqdNetworks(),
  MAX_MESSAGE_SIZE: size(),
  MAX_REQUEST_SIZE: size(),
  SOCKET_OPERATIONS_MAX: wholeNumber(1, 1_000_000),
  GRAPHQL_SOCKETS_MAX: wholeNumber(1, 1_000_000),
  GRAPHQL_SOCKET_IDLE: duration(),
  FAILED_ATTEMPTS_MAX: wholeNumber(1, 1_000_000),
  DIDCOMM_SOCKETS_MAX: wholeNumber(1, 1_000_000),
  DIDCOMM_SOCKET_IDLE: duration(),
  QUERY_DEPTH_MAX: wholeNumber(1, 100),
  QUERY_COST_MAX: wholeNumber(1, 10_000_000),
  INTROSPECTION: onOff,
  STUDIO: onOff,
  CORS_ORIGINS: list(text(/^https?:\/\/[^/?#@\s]+$/, 'write origins like https://app.example')).optional(),
  LOG_LEVEL: oneOf(logLevels),
  LOG_FORMAT: oneOf(['pretty', 'json']).optional(),
  AUDIT_RETENTION: durationOrNone(),
  METRICS_PER_TENANT: onOff,
  WORKERS: workers(),
  INSTANCE_ID: text(/^[A-Za-z0-9._-]{1,64}$/, 'write 1 to 64 of A-Z a-z 0-9 . _ -').optional(),
})

type Parsed = z.infer<typeof schema>

/**
 * Step two of three: raw settings to an immutable Config, with defaults. Touches nothing outside.
 *
 * @returns the config, and one line for each thing an operator should know
 * @throws ConfigError for the first wrong value, in the order of the docs
 */
export function parseConfig(raw: RawSettings): { config: Config; warnings: string[] } {
  const parsed = parse(raw)
  checkTogether(parsed)
  const config = toConfig(parsed)
  return { config, warnings: warningsOf(parsed) }
}

/** The public URL once the real port is known, where the config left it open (PORT=0). */
export function publicUrlOf(config: Pick<Config, 'host' | 'publicUrl'>, port: number): string {
  return config.publicUrl ?? defaultPublicUrl(config.host, port)
}

/** What `tenantry config` prints: by file key, in the order of the docs, with every secret shown as `(set)` only. */
export function printableConfig(config: Config): Record<string, unknown> {
  const secrets = new Set(settings.filter(({ secret }) => secret).map(({ name }) => fileKey(name)))
  const hidden = (key: string) => secrets.has(key) || key === 'redisUrls'
  return Object.fromEntries(
    Object.entries(config)
      .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
      .map(([key, value]) => [key, hidden(key) ? '(set)' : value]),
  )
}

function parse(raw: RawSettings): Parsed {
  const values: Record<string, string> = {}
  for (const setting of settings) {
    const value = raw[setting.name]?.value ?? ('default' in setting ? setting.default : undefined)
    if (value !== undefined) values[setting.name] = value
  }
  const result = schema.safeParse(values)
  if (result.success) return raw.TOKEN_TTL ? result.data : { ...result.data, TOKEN_TTL: lifeWithin(result.data) }
  throw firstProblem(result.error, raw)
}

/** What stands for TOKEN_TTL where it is not given: a TOKEN_TTL_MAX that is shorter bounds it. */
function lifeWithin({ TOKEN_TTL, TOKEN_TTL_MAX }: Parsed): number | null {
  return TOKEN_TTL === null || TOKEN_TTL_MAX === null ? TOKEN_TTL : Math.min(TOKEN_TTL, TOKEN_TTL_MAX)
}

/** One behind a short URL is fetched later. */
function isInvitationUrl(text: string): boolean {
  const { searchParams } = new URL(text)
  const invitation = searchParams.get('oob') ?? searchParams.get('c_i') ?? searchParams.get('d_m')
  if (invitation === null) return true
  try {
    return typeof JSON.parse(Buffer.from(invitation, 'base64').toString())['@type'] === 'string'
  } catch {
    return false
  }
}

function firstProblem(error: z.ZodError, raw: RawSettings): ConfigError {
  const order = settings.map(({ name }) => name)
  const rank = (issue: z.core.$ZodIssue) => order.indexOf(issue.path[0] as SettingName)
  const [issue] = error.issues.toSorted((a, b) => rank(a) - rank(b))
  const name = issue?.path[0] as SettingName
  const given = raw[name]
  const isSecret = settings.find((setting) => setting.name === name)?.secret
  const told = given === undefined || isSecret ? '' : `, not '${given.value.slice(0, 60)}'`
  const where = given === undefined || given.source === name ? '' : ` (given by ${given.source})`
  return new ConfigError(name, `${issue?.message}${told}${where}`)
}

function checkTogether(parsed: Parsed): void {
  const { TOKEN_TTL, TOKEN_TTL_MAX, OIDC_ISSUER, OIDC_AUDIENCE, OIDC_JWKS_URL } = parsed
  if (OIDC_ISSUER !== undefined && OIDC_AUDIENCE === undefined) {
    throw new ConfigError(
      'OIDC_AUDIENCE',
      'must be given with OIDC_ISSUER: what its tokens for this gateway name in aud',
    )
  }
  if (OIDC_ISSUER === undefined && (OIDC_AUDIENCE ?? OIDC_JWKS_URL) !== undefined) {
    throw new ConfigError('OIDC_ISSUER', 'must be given with OIDC_AUDIENCE and OIDC_JWKS_URL')
  }
  if (TOKEN_TTL_MAX !== null && (TOKEN_TTL === null || TOKEN_TTL > TOKEN_TTL_MAX)) {
    const advice = TOKEN_TTL === null ? ': `none` needs TOKEN_TTL_MAX=none as well' : ''
    throw new ConfigError('TOKEN_TTL', `must not be longer than TOKEN_TTL_MAX${advice}`)
  }
  if (parsed.WORKERS > 1 && !(parsed.DATABASE_URL && parsed.REDIS_URL)) {
    throw new ConfigError('WORKERS', 'more than one needs DATABASE_URL and REDIS_URL')
  }
  for (const name of ['ALLOW_ADDRESSES', 'TRUST_PROXY'] as const) {
    try {
      new AddressList(parsed[name] ?? [])
    } catch (error) {
      throw new ConfigError(name, (error as Error).message)
    }
  }
  const open = openWay(parsed.CHEQD_NETWORKS, new AddressList(parsed.ALLOW_ADDRESSES ?? []))
  if (open !== undefined) throw new ConfigError('CHEQD_NETWORKS', open)
}

function toConfig(parsed: Parsed): Config {
  const { HOST: host, PORT: port } = parsed
  return Object.freeze({
    host,
    port,
    publicUrl: parsed.PUBLIC_URL ?? (port === 0 ? undefined : defaultPublicUrl(host, port)),
    trustProxy: Object.freeze(parsed.TRUST_PROXY ?? []),
    dataDir: parsed.DATA_DIR,
    databaseUrl: parsed.DATABASE_URL,
    redisUrls: Object.freeze(parsed.REDIS_URL ?? []),
    askarBinding: parsed.ASKAR_BINDING,
    poolSize: parsed.POOL_SIZE ?? (parsed.DATABASE_URL ? 10 : 8),
    tokenTtlMs: parsed.TOKEN_TTL,
    tokenTtlMaxMs: parsed.TOKEN_TTL_MAX,
    oidcIssuer: parsed.OIDC_ISSUER,
    oidcAudience: parsed.OIDC_AUDIENCE,
    oidcJwksUrl: parsed.OIDC_JWKS_URL,
    oidcTenantClaim: parsed.OIDC_TENANT_CLAIM,
    oidcScopeClaim: parsed.OIDC_SCOPE_CLAIM,
    mediatorInvitation: parsed.MEDIATOR_INVITATION,
    mediatorPickup: parsed.MEDIATOR_PICKUP,
    baseMediates: parsed.BASE_MEDIATES,
    localDelivery: parsed.LOCAL_DELIVERY,
    defaultPolicy: Object.freeze(parsed.DEFAULT_POLICY),
    adminApi: parsed.ADMIN_API,
    indyNetworks: parsed.INDY_NETWORKS,
    cheqdNetworks: parsed.CHEQD_NETWORKS,
    sessionsMax: parsed.SESSIONS_MAX,
    storesMax: parsed.STORES_MAX,
    sessionIdleMs: parsed.SESSION_IDLE,
    eventRetentionMs: parsed.EVENT_RETENTION,
    eventBuffer: parsed.EVENT_BUFFER,
    outboundTimeoutMs: parsed.OUTBOUND_TIMEOUT,
    outboxGiveUpMs: parsed.OUTBOX_GIVE_UP,
    allowAddresses: Object.freeze(parsed.ALLOW_ADDRESSES ?? []),
    maxMessageBytes: parsed.MAX_MESSAGE_SIZE,
    maxRequestBytes: parsed.MAX_REQUEST_SIZE,
    socketOperationsMax: parsed.SOCKET_OPERATIONS_MAX,
    graphqlSocketsMax: parsed.GRAPHQL_SOCKETS_MAX,
    graphqlSocketIdleMs: parsed.GRAPHQL_SOCKET_IDLE,
    failedAttemptsMax: parsed.FAILED_ATTEMPTS_MAX,
    didcommSocketsMax: parsed.DIDCOMM_SOCKETS_MAX,
    didcommSocketIdleMs: parsed.DIDCOMM_SOCKET_IDLE,
    queryDepthMax: parsed.QUERY_DEPTH_MAX,
    queryCostMax: parsed.QUERY_COST_MAX,
    introspection: parsed.INTROSPECTION,
    studio: parsed.STUDIO,
    corsOrigins: Object.freeze((parsed.CORS_ORIGINS ?? []).map((origin) => origin.toLowerCase())),
    logLevel: parsed.LOG_LEVEL,
    logFormat: parsed.LOG_FORMAT ?? (process.stderr.isTTY ? 'pretty' : 'json'),
    auditRetentionMs: parsed.AUDIT_RETENTION,
    metricsPerTenant: parsed.METRICS_PER_TENANT,
    workers: parsed.WORKERS,
    instanceId: parsed.INSTANCE_ID ?? newId(),
  })
}

/** Where every interface is listened on, a URL needs one that can be called: loopback is always there. */
function defaultPublicUrl(host: string, port: number): string {
  const callable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${callable.includes(':') ? `[${callable}]` : callable}:${port}`
}

function warningsOf({ HOST, PUBLIC_URL, OIDC_ISSUER, OIDC_JWKS_URL }: Parsed): string[] {
  const warnings: string[] = []
  const keysFrom = OIDC_JWKS_URL ?? OIDC_ISSUER
  if (keysFrom?.startsWith('http:') && !isLoopbackHost(new URL(keysFrom).hostname)) {
    const name = OIDC_JWKS_URL ? 'OIDC_JWKS_URL' : 'OIDC_ISSUER'
    warnings.push(`${name}: has no TLS, so whoever is on the way can make tokens for every tenant`)
  }
  if (PUBLIC_URL !== undefined || isLoopbackHost(HOST)) return warnings
  const everywhere = parseAddress(HOST)?.every((byte) => byte === 0) ?? false
  warnings.push(
    everywhere
      ? 'PUBLIC_URL: not given, so invitations name an address of this machine only'
      : 'PUBLIC_URL: not given, so invitations name HOST and PORT without TLS',
  )
  return warnings
}
