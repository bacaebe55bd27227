/**
 * Every setting there is. This table drives the environment variables, the flags of `tenantry serve`, the keys of the
 * config file, the help and docs/configuration.md.
 */
export interface Setting {
  /** Name of the environment variable; flag and file key follow from it. */
  name: string
  /** The raw default; without one the setting may be left out. */
  default?: string
  /** What the docs say where the default is no fixed text. */
  defaultText?: string
  /** How a value is written: 'duration', 'on | off' … */
  kind: string
  meaning: string
  /** Kept out of Config; may be given by NAME_FILE. */
  secret?: true
  group: string
}

const settingList = [
  {
    group: 'Where it listens',
    name: 'HOST',
    default: '127.0.0.1',
    kind: 'address',
    meaning: 'Address to listen on. `0.0.0.0` is every IPv4 interface.',
  },
  {
    group: 'Where it listens',
    name: 'PORT',
    default: '4000',
    kind: '0 to 65535',
    meaning: 'Port to listen on. `0` picks a free one and prints it.',
  },
  {
    group: 'Where it listens',
    name: 'PUBLIC_URL',
    defaultText: '`http://HOST:PORT`',
    kind: 'http(s) URL',
    meaning:
      'How peers reach the gateway: in invitations, DID documents and hosted DIDs. Set it before the first invitation leaves.',
  },
  {
    group: 'Where it listens',
    name: 'TRUST_PROXY',
    defaultText: 'none',
    kind: 'comma list of addresses or CIDR ranges',
    meaning:
      'Proxies before the gateway whose `X-Forwarded-For` says where a request comes from, and whose `X-Forwarded-Host` what host it is for. Without it these headers are not looked at.',
  },
  {
    group: 'Storage',
    name: 'DATA_DIR',
    default: './data',
    kind: 'folder',
    meaning: 'SQLite files and generated secrets. Made with mode 700 if missing.',
  },
  {
    group: 'Storage',
    name: 'DATABASE_URL',
    defaultText: 'none: SQLite in `DATA_DIR`',
    kind: 'postgres URL',
    meaning: 'Postgres to store in. The database is made if missing.',
    secret: true,
  },
  {
    group: 'Storage',
    name: 'REDIS_URL',
    defaultText: 'none: in-process',
    kind: 'redis URL, or a comma list of them for a cluster',
    meaning: 'Redis for hints between instances. It never holds a secret or message content.',
    secret: true,
  },
  {
    group: 'Storage',
    name: 'ASKAR_BINDING',
    default: 'koffi',
    kind: 'koffi | nodejs',
    meaning: 'How the native store is called: our own binding, or askar-nodejs as the fallback.',
  },
  {
    group: 'Storage',
    name: 'POOL_SIZE',
    defaultText: '`8` on SQLite, `10` on Postgres',
    kind: '2 to 1000',
    meaning: 'Connections of the store, shared by all tenants.',
  },
  {
    group: 'Secrets',
    name: 'STORE_KEY',
    defaultText: 'generated into `DATA_DIR`',
    kind: 'base58 of 32 bytes',
    meaning: 'Raw key of the base store. Required with `DATABASE_URL`. What it encrypts is lost without it.',
    secret: true,
  },
  {
    group: 'Secrets',
    name: 'OPERATOR_API_KEYS',
    defaultText: 'generated into `DATA_DIR`',
    kind: 'comma list, each best of 16 characters or more',
    meaning: 'Keys that operators send. Several make it possible to change one without a gap.',
    secret: true,
  },
  {
    group: 'Secrets',
    name: 'JWT_SECRET',
    defaultText: 'generated into `DATA_DIR`',
    kind: 'comma list, each at least 32 bytes',
    meaning: 'Signs tenant tokens: the first signs, all verify. The same on every instance.',
    secret: true,
  },
  {
    group: 'Secrets',
    name: 'JWT_SIGNING_KEYS',
    defaultText: 'none: `JWT_SECRET` signs',
    kind: 'PEM blocks one after another, or a JSON Web Key Set',
    meaning:
      'Ed25519 keys that sign tenant tokens in place of `JWT_SECRET`, so that others can verify them by `/.well-known/jwks.json`. The first signs, all verify. The same on every instance.',
    secret: true,
  },
  {
    group: 'Tenants',
    name: 'TOKEN_TTL',
    default: '30d',
    kind: 'duration | none',
    meaning: 'Life of a tenant token where its creation names none; no longer than `TOKEN_TTL_MAX`.',
  },
  {
    group: 'Tenants',
    name: 'TOKEN_TTL_MAX',
    default: '365d',
    kind: 'duration | none',
    meaning: 'Longest life of a tenant token. `none` allows tokens without expiry, which `TOKEN_TTL=none` needs.',
  },
  {
    group: 'Tenants',
    name: 'MEDIATOR_INVITATION',
    defaultText: 'none',
    kind: 'invitation URL',
    meaning: "The base wallet's default mediator.",
    secret: true,
  },
  {
    group: 'Tenants',
    name: 'MEDIATOR_PICKUP',
    default: 'off',
    kind: 'on | off',
    meaning:
      'With `on`, mediators that are connected from then on are told no address of this gateway: it fetches from them what they hold, by WebSocket or by asking every few seconds. For a gateway that has no public address. The same on every instance.',
  },
  {
    group: 'Tenants',
    name: 'BASE_MEDIATES',
    default: 'off',
    kind: 'on | off',
    meaning:
      'With `on`, the base wallet mediates for agents that the operator invites by createMediatorInvitation, within the keys of `DEFAULT_POLICY`. The same on every instance.',
  },
  {
    group: 'Tenants',
    name: 'DEFAULT_POLICY',
    default: '{}',
    kind: 'JSON object of policy keys',
    meaning:
      'What every tenant is allowed where its own policy says nothing, such as `{"requestsPerMinute": 6000}`. See [Limits](limits.md) for the keys. The same on every instance.',
  },
  {
    group: 'Tenants',
    name: 'ADMIN_API',
    default: 'on',
    kind: 'on | off',
    meaning: 'With `off`, operator keys are not looked at on this instance.',
  },
  {
    group: 'Tenants',
    name: 'SESSIONS_MAX',
    default: '64',
    kind: '1 to 100000',
    meaning: 'Wallets that may be open at once. More wait for their turn.',
  },
  {
    group: 'Tenants',
    name: 'STORES_MAX',
    default: '16',
    kind: '1 to 10000',
    meaning:
      "Stores of tenants' own that may be open at once. With more in use the longest unused is closed, or locked where the tenant has its key. In Postgres each takes up to 3 connections.",
  },
  {
    group: 'Tenants',
    name: 'SESSION_IDLE',
    default: '60s',
    kind: 'duration',
    meaning: 'After this time without use an open wallet is closed.',
  },
  {
    group: 'Tokens of an outside issuer',
    name: 'OIDC_ISSUER',
    defaultText: 'none: only tokens that the gateway made',
    kind: 'http(s) URL',
    meaning:
      'OpenID Connect issuer whose JWT access tokens are taken as tenant tokens, to the letter as its tokens name it in `iss`. See [Tokens](tokens.md).',
  },
  {
    group: 'Tokens of an outside issuer',
    name: 'OIDC_AUDIENCE',
    defaultText: 'none',
    kind: 'text',
    meaning: 'What `aud` of such a token must name. Required with `OIDC_ISSUER`.',
  },
  {
    group: 'Tokens of an outside issuer',
    name: 'OIDC_JWKS_URL',
    defaultText: 'what the issuer says at `/.well-known/openid-configuration`',
    kind: 'http(s) URL',
    meaning: 'Where the keys of the issuer are. A private address must be in `ALLOW_ADDRESSES`.',
  },
  {
    group: 'Tokens of an outside issuer',
    name: 'OIDC_TENANT_CLAIM',
    default: 'tenant',
    kind: 'name of a claim',
    meaning: 'The claim that names the tenant, by its id or by its name. The id counts first.',
  },
  {
    group: 'Tokens of an outside issuer',
    name: 'OIDC_SCOPE_CLAIM',
    default: 'scope',
    kind: 'name of a claim',
    meaning:
      'The claim that holds `tenantry:read`, `tenantry:write` and `tenantry:manage`, in a text or a list. A token without any may do nothing.',
  },
  {
    group: 'Events',
    name: 'EVENT_RETENTION',
    default: '7d',
    kind: 'duration',
    meaning: 'How long events can be replayed.',
  },
  {
    group: 'Events',
    name: 'EVENT_BUFFER',
    default: '1000',
    kind: '1 to 1000000',
    meaning:
      'Events that may wait for one subscriber. One that falls further behind is closed, and goes on from its cursor.',
  },
  {
    group: 'What goes out',
    name: 'OUTBOUND_TIMEOUT',
    default: '10s',
    kind: 'duration',
    meaning: 'Time for one request to a peer, from the connection to the last byte.',
  },
  {
    group: 'What goes out',
    name: 'OUTBOX_GIVE_UP',
    default: '1d',
    kind: 'duration',
    meaning: 'After this time a message that could not be delivered is given up, which a DELIVERY event tells.',
  },
  {
    group: 'What goes out',
    name: 'LOCAL_DELIVERY',
    default: 'on',
    kind: 'on | off',
    meaning:
      'Whether a message for an endpoint of the gateway itself is taken at once, without a request. With `off` it goes by `PUBLIC_URL` like any other, for whoever looks at all messages there.',
  },
  {
    group: 'What goes out',
    name: 'ALLOW_ADDRESSES',
    defaultText: 'none',
    kind: 'comma list of hosts, addresses or CIDR ranges',
    meaning:
      'What may be reached though it is private. Without it only public addresses and `PUBLIC_URL` are, and loopback while the gateway itself listens on loopback.',
  },
  {
    group: 'What goes out',
    name: 'INDY_NETWORKS',
    default: '[]',
    kind: 'JSON list of networks',
    meaning:
      'Indy ledgers to read from and to write to, each with its `namespace` as in `did:indy`, its `genesis` (a file, or an https URL), for one that is for tests `"isProduction": false`, and the `transactionAuthorAgreement` (`version`, `acceptanceMechanism`) that is accepted for all who write. See [Credentials](credentials.md#indy-ledgers). The same on every instance.',
  },
  {
    group: 'What goes out',
    name: 'CHEQD_NETWORKS',
    default: '[]',
    kind: 'JSON list of networks',
    meaning:
      'cheqd networks to read from, each with its `namespace` as in `did:cheqd` and the URL of its `resolver`, whose word is taken for what the ledger says. See [Credentials](credentials.md#cheqd-networks). The same on every instance.',
  },
  {
    group: 'Limits',
    name: 'MAX_MESSAGE_SIZE',
    default: '1MiB',
    kind: 'size',
    meaning: 'Longest inbound DIDComm message.',
  },
  {
    group: 'Limits',
    name: 'MAX_REQUEST_SIZE',
    default: '1MiB',
    kind: 'size',
    meaning: 'Longest GraphQL request.',
  },
  {
    group: 'Limits',
    name: 'SOCKET_OPERATIONS_MAX',
    default: '1000',
    kind: '1 to 1000000',
    meaning: 'Operations that may be under way at once on one WebSocket.',
  },
  {
    group: 'Limits',
    name: 'GRAPHQL_SOCKETS_MAX',
    default: '10000',
    kind: '1 to 1000000',
    meaning: 'WebSockets for GraphQL that may be open at once.',
  },
  {
    group: 'Limits',
    name: 'GRAPHQL_SOCKET_IDLE',
    default: '60s',
    kind: 'duration',
    meaning:
      'After this time without an operation a WebSocket for GraphQL that was opened without credentials is closed.',
  },
  {
    group: 'Limits',
    name: 'FAILED_ATTEMPTS_MAX',
    default: '100',
    kind: '1 to 1000000',
    meaning:
      'Keys and tokens that do not hold which one address may send in a minute. Beyond it that address has to wait; what has held lately is still taken from there. Behind a proxy set `TRUST_PROXY`, or all share one address.',
  },
  {
    group: 'Limits',
    name: 'DIDCOMM_SOCKETS_MAX',
    default: '10000',
    kind: '1 to 1000000',
    meaning: 'WebSockets for DIDComm that may be open at once.',
  },
  {
    group: 'Limits',
    name: 'DIDCOMM_SOCKET_IDLE',
    default: '60s',
    kind: 'duration',
    meaning:
      'After this time without a message a WebSocket for DIDComm is closed. One that answers may go back by is asked instead whether its peer lives.',
  },
  {
    group: 'Limits',
    name: 'QUERY_DEPTH_MAX',
    default: '12',
    kind: '1 to 100',
    meaning: 'How deep a query may nest.',
  },
  {
    group: 'Limits',
    name: 'QUERY_COST_MAX',
    default: '5000',
    kind: '1 to 10000000',
    meaning: 'How much a query may ask for: a field costs 1, a list what its page size multiplies it by.',
  },
  {
    group: 'Browsers and tools',
    name: 'INTROSPECTION',
    default: 'on',
    kind: 'on | off',
    meaning: 'Whether the schema can be read through the API. The explorer page needs it.',
  },
  {
    group: 'Browsers and tools',
    name: 'STUDIO',
    default: 'on',
    kind: 'on | off',
    meaning: 'Whether Apollo Studio may call from the browser (CORS for `https://studio.apollographql.com`).',
  },
  {
    group: 'Browsers and tools',
    name: 'CORS_ORIGINS',
    defaultText: 'none',
    kind: 'comma list of origins',
    meaning: 'Other web origins that may call from the browser.',
  },
  {
    group: 'Operation',
    name: 'LOG_LEVEL',
    default: 'info',
    kind: 'trace | debug | info | warn | error | fatal | silent',
    meaning: 'What is logged, to standard error.',
  },
  {
    group: 'Operation',
    name: 'LOG_FORMAT',
    defaultText: '`pretty` on a terminal, else `json`',
    kind: 'pretty | json',
    meaning: 'How a log line looks.',
  },
  {
    group: 'Operation',
    name: 'AUDIT_RETENTION',
    default: '365d',
    kind: 'duration | none',
    meaning: 'How long the audit log is kept. With `none` it is kept for ever.',
  },
  {
    group: 'Operation',
    name: 'METRICS_PER_TENANT',
    default: 'off',
    kind: 'on | off',
    meaning:
      'Whether metrics have series of each tenant, by its id. `/metrics` asks for no credentials: keep it from the public.',
  },
  {
    group: 'Operation',
    name: 'WORKERS',
    default: '1',
    kind: '1 to 64 | auto',
    meaning:
      'Gateway processes behind the one port; `auto` is as many as there are processors. More than one needs `DATABASE_URL` and `REDIS_URL`. One that ends is started again; SIGHUP renews them one by one.',
  },
  {
    group: 'Operation',
    name: 'INSTANCE_ID',
    defaultText: 'random',
    kind: '1 to 64 of `A-Z a-z 0-9 . _ -`',
    meaning: 'Names this process among those that share a store. Two must not have the same.',
  },
] as const satisfies readonly Setting[]

export type SettingName = (typeof settingList)[number]['name']

export const settings: readonly (Setting & { name: SettingName })[] = settingList

/** `PUBLIC_URL` → `--public-url` */
export function flagName(name: string): string {
  return `--${name.toLowerCase().replaceAll('_', '-')}`
}

/** `PUBLIC_URL` → `publicUrl`, as commander names an option and the config file a key. */
export function fileKey(name: string): string {
  return name.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
