import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseConfig, printableConfig, publicUrlOf } from '../../src/config/config.js'
import { ConfigError } from '../../src/config/config-error.js'
import { readSettings, type SettingSources } from '../../src/config/env.js'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenantry-config-'))
})
after(() => rmSync(folder, { recursive: true }))

function load(env: Record<string, string> = {}, rest: Omit<SettingSources, 'env'> = {}) {
  return parseConfig(readSettings({ env, ...rest }))
}

function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

function problem(env: Record<string, string>, rest?: Omit<SettingSources, 'env'>): string {
  try {
    load(env, rest)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    assert.equal(error.message.includes('\n'), false)
    return error.message
  }
  throw new Error('nothing was refused')
}

describe('config', () => {
  test('has a default for everything', () => {
    const { config, warnings } = load()
    assert.equal(config.host, '127.0.0.1')
    assert.equal(config.publicUrl, 'http://127.0.0.1:4000')
    assert.equal(config.databaseUrl, undefined)
    assert.deepEqual(config.redisUrls, [])
    assert.equal(config.tokenTtlMs, 30 * 86_400_000)
    assert.equal(config.sessionIdleMs, 60_000)
    assert.equal(config.maxMessageBytes, 1_048_576)
    assert.equal(config.poolSize, 8)
    assert.equal(config.adminApi, true)
    assert.equal(config.metricsPerTenant, false)
    assert.match(config.instanceId, /^[0-9a-f-]{36}$/)
    assert.deepEqual(warnings, [])
  })

  test('takes Indy networks, with files by their absolute path', () => {
    const { config } = load({ INDY_NETWORKS: '[{"namespace": "sovrin:staging", "genesis": "pool.txn"}]' })
    const genesis = join(process.cwd(), 'pool.txn')
    assert.deepEqual(config.indyNetworks, [{ namespace: 'sovrin:staging', genesis, isProduction: true }])
    assert.deepEqual(load().config.indyNetworks, [])
  })

  test('refuses Indy networks that are none', () => {
    const refused = {
      '{}': /^INDY_NETWORKS: must be a JSON list/,
      sovrin: /^INDY_NETWORKS: must be a JSON list/,
      '[{"namespace": "Sovrin", "genesis": "a"}]': /network 1: namespace must be as in did:indy/,
      '[{"namespace": "a", "genesis": "http://ledger.example"}]': /network 1: genesis must be a file, or an https URL/,
      '[{"namespace": "a"}]': /network 1: needs the genesis/,
      '[{"namespace": "a", "genesis": "a", "seed": "b"}]': /network 1: is no network of/,
      '[{"namespace": "a", "genesis": "a", "transactionAuthorAgreement": {"version": "1"}}]':
        /network 1: transactionAuthorAgreement must have/,
      '[{"namespace": "a", "genesis": "a"}, {"namespace": "a", "genesis": "b"}]':
        /network 2: its namespace is given twice/,
    }
    for (const [value, line] of Object.entries(refused)) assert.match(problem({ INDY_NETWORKS: value }), line)
  })

  test('takes cheqd networks, whose resolvers are asked by TLS, or near', () => {
    const load1 = (resolver: string, env = {}) =>
      load({ CHEQD_NETWORKS: JSON.stringify([{ namespace: 'mainnet', resolver }]), ...env }).config.cheqdNetworks
    const mainnet = { namespace: 'mainnet', resolver: 'https://resolver.example' }
    assert.deepEqual(load1('https://resolver.example/'), [mainnet])
    assert.deepEqual(load1('http://127.0.0.1:8080')[0]?.resolver, 'http://127.0.0.1:8080')
    for (const host of ['resolver', '10.0.0.7', '[fd00::7]:8080']) {
      const ALLOW_ADDRESSES = 'resolver,10.0.0.0/8,fd00::/8'
      assert.deepEqual(load1(`http://${host}`, { ALLOW_ADDRESSES })[0]?.resolver, `http://${host}`)
      assert.throws(
        () => load1(`http://${host}`),
        /^ConfigError: CHEQD_NETWORKS: network 1: resolver must be an https URL/,
      )
    }
    assert.deepEqual(load().config.cheqdNetworks, [])
  })

  test('refuses cheqd networks that are none', () => {
    const refused = {
      mainnet: /^CHEQD_NETWORKS: must be a JSON list/,
      '[{"namespace": "main:net", "resolver": "https://a.example"}]': /network 1: namespace must be as in did:cheqd/,
      '[{"namespace": "mainnet"}]': /network 1: needs the URL of a resolver/,
      '[{"namespace": "mainnet", "resolver": "a.example"}]': /network 1: must be an http or https URL/,
      '[{"namespace": "mainnet", "resolver": "https://a.example?a"}]': /network 1: must be an http or https URL/,
      '[{"namespace": "mainnet", "resolver": "https://a.example", "key": "b"}]': /network 1: is no network of/,
      '[{"namespace": "a", "resolver": "https://a.example"}, {"namespace": "a", "resolver": "https://b.example"}]':
        /network 2: its namespace is given twice/,
    }
    for (const [value, line] of Object.entries(refused)) assert.match(problem({ CHEQD_NETWORKS: value }), line)
  })

  test('cannot be changed', () => {
    const { config } = load({ ALLOW_ADDRESSES: '10.0.0.0/8' })
    assert.throws(() => Object.assign(config, { port: 1 }), TypeError)
    assert.throws(() => (config.allowAddresses as string[]).push('x'), TypeError)
  })

  test('takes a flag before the environment, that before the file, that before the default', () => {
    const configFile = file('order.json', { port: 1, sessionsMax: 2, eventBuffer: 3 })
    const { config } = load({ PORT: '10', SESSIONS_MAX: '20' }, { flags: { port: '100' }, configFile })
    assert.deepEqual([config.port, config.sessionsMax, config.eventBuffer, config.queryDepthMax], [100, 20, 3, 12])
  })

  test('takes an empty text as not given', () => {
    assert.equal(load({ PORT: '', REDIS_URL: '', DATABASE_URL: '' }).config.port, 4000)
  })

  test('reads a config file named by the environment, with numbers, booleans and lists', () => {
    const CONFIG_FILE = file('types.json', {
      port: 0,
      adminApi: false,
      corsOrigins: ['https://a.example', 'http://b:1'],
    })
    const { config } = load({ CONFIG_FILE })
    assert.equal(config.port, 0)
    assert.equal(config.adminApi, false)
    assert.deepEqual(config.corsOrigins, ['https://a.example', 'http://b:1'])
  })

  test('refuses a config file with unknown keys, bad JSON or none at all', () => {
    const unknown = file('unknown.json', { prot: 1 })
    assert.match(problem({}, { configFile: unknown }), /^CONFIG_FILE: no setting is called 'prot'/)
    assert.match(problem({}, { configFile: file('bad.json', '{') }), /^CONFIG_FILE: .* not valid JSON$/)
    assert.match(problem({}, { configFile: file('list.json', []) }), /^CONFIG_FILE: .* one JSON object$/)
    assert.match(problem({ CONFIG_FILE: join(folder, 'missing') }), /^CONFIG_FILE: cannot read the file .*ENOENT/)
    assert.match(problem({}, { configFile: file('nested.json', { port: { a: 1 } }) }), /^PORT: write a text/)
  })

  test('reads secrets from files, without the line end', () => {
    const DATABASE_URL_FILE = file('database', 'postgres://u:p@db/tenantry\n')
    assert.equal(load({ DATABASE_URL_FILE }).config.databaseUrl, 'postgres://u:p@db/tenantry')
    assert.equal(load({}, { flags: { databaseUrlFile: DATABASE_URL_FILE } }).config.poolSize, 10)
    assert.match(problem({ DATABASE_URL_FILE, DATABASE_URL: 'postgres://x/y' }), /^DATABASE_URL: give either/)
    assert.match(problem({ DATABASE_URL_FILE: file('empty', '\n') }), /^DATABASE_URL: the file .* is empty$/)
    assert.match(problem({ DATABASE_URL_FILE: '/nowhere' }), /^DATABASE_URL: cannot read the file \/nowhere/)
  })

  test('leaves the public URL open while the port is, and fills it in afterwards', () => {
    const { config } = load({ PORT: '0', HOST: '::1' })
    assert.equal(config.publicUrl, undefined)
    assert.equal(publicUrlOf(config, 5123), 'http://[::1]:5123')
    assert.equal(publicUrlOf(load({ PORT: '0', PUBLIC_URL: 'https://a.example' }).config, 1), 'https://a.example')
  })

  test('takes the slash from the end of the public URL and keeps its path', () => {
    assert.equal(load({ PUBLIC_URL: 'https://A.example/' }).config.publicUrl, 'https://a.example')
    assert.equal(
      load({ PUBLIC_URL: 'https://a.example:8443/agents//' }).config.publicUrl,
      'https://a.example:8443/agents',
    )
  })

  test('warns where invitations would name an address that peers cannot use', () => {
    const { config, warnings } = load({ HOST: '0.0.0.0' })
    assert.equal(config.publicUrl, 'http://127.0.0.1:4000')
    assert.match(warnings.join(), /^PUBLIC_URL: /)
    assert.deepEqual(load({ HOST: '0.0.0.0', PUBLIC_URL: 'https://a.example' }).warnings, [])
  })

  const wrong: [string, string][] = [
    ['HOST', 'a b'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '1e3'],
    ['PORT', 'http'],
    ['PUBLIC_URL', 'ftp://a.example'],
    ['PUBLIC_URL', 'https://a.example/?x=1'],
    ['PUBLIC_URL', 'https://u:p@a.example'],
    ['PUBLIC_URL', 'a.example'],
    ['DATABASE_URL', 'mysql://a/b'],
    ['DATABASE_URL', 'postgres://a'],
    ['REDIS_URL', 'http://a'],
    ['REDIS_URL', 'redis://a,b'],
    ['ASKAR_BINDING', 'ffi'],
    ['POOL_SIZE', '1'],
    ['TOKEN_TTL', '30'],
    ['TOKEN_TTL', '366d'],
    ['TOKEN_TTL', 'none'],
    ['TOKEN_TTL_MAX', '0d'],
    ['OIDC_ISSUER', 'login.example'],
    ['OIDC_JWKS_URL', 'file:///keys'],
    ['MEDIATOR_INVITATION', 'invite me'],
    ['MEDIATOR_INVITATION', 'https://mediator.example?oob=eyJAdHlwZSI6Imh0'],
    ['MEDIATOR_INVITATION', 'https://mediator.example?c_i=bnVsbA'],
    ['DEFAULT_POLICY', '[]'],
    ['DEFAULT_POLICY', '{maxConnections: 5}'],
    ['ADMIN_API', 'yes'],
    ['SESSIONS_MAX', '0'],
    ['SESSION_IDLE', 'none'],
    ['EVENT_RETENTION', '99999999999999d'],
    ['ALLOW_ADDRESSES', '10.0.0.0/33'],
    ['ALLOW_ADDRESSES', 'good.example,bad host'],
    ['MAX_MESSAGE_SIZE', '2TiB'],
    ['QUERY_DEPTH_MAX', '0'],
    ['CORS_ORIGINS', 'https://a.example/path'],
    ['LOG_LEVEL', 'verbose'],
    ['LOG_FORMAT', 'xml'],
    ['INSTANCE_ID', 'a b'],
    ['WORKERS', '0'],
    ['WORKERS', 'many'],
    ['WORKERS', '2'],
  ]
  for (const [name, value] of wrong) {
    test(`refuses ${name}=${value} in one line that names it`, () => {
      assert.ok(problem({ [name]: value }).startsWith(`${name}: `))
    })
  }

  test('tells a wrong value and where it was given, but never a secret', () => {
    assert.equal(
      problem({}, { flags: { port: 'x' } }),
      "PORT: must be a whole number from 0 to 65535, not 'x' (given by --port)",
    )
    assert.equal(problem({ DATABASE_URL: 'mysql://u:MARK@a/b' }).includes('MARK'), false)
  })

  test('takes none for tokens without expiry only where the longest life is none', () => {
    const { config } = load({ TOKEN_TTL: 'none', TOKEN_TTL_MAX: 'none' })
    assert.equal(config.tokenTtlMs, null)
    assert.equal(config.tokenTtlMaxMs, null)
    assert.match(problem({ TOKEN_TTL: '2d', TOKEN_TTL_MAX: '1d' }), /^TOKEN_TTL: must not be longer/)
    assert.match(problem({ TOKEN_TTL: 'none' }), /TOKEN_TTL_MAX=none/)
  })

  test('bounds the life of tokens that is not given by the longest', () => {
    assert.equal(load({ TOKEN_TTL_MAX: '1d' }).config.tokenTtlMs, 24 * 60 * 60_000)
  })

  test('takes an invitation that is within its URL, or behind it', () => {
    const oob = Buffer.from('{"@type":"https://didcomm.org/out-of-band/1.1/invitation"}').toString('base64url')
    for (const url of [`https://mediator.example?oob=${oob}`, 'https://mediator.example/short']) {
      assert.equal(load({ MEDIATOR_INVITATION: url }).config.mediatorInvitation, url)
    }
  })

  test('takes several workers where they have a database and Redis to share', () => {
    const shared = { DATABASE_URL: 'postgres://a/b', REDIS_URL: 'redis://a' }
    assert.equal(load({ ...shared, WORKERS: '3' }).config.workers, 3)
    assert.equal(load({ ...shared, WORKERS: 'auto' }).config.workers, availableParallelism())
    assert.match(problem({ DATABASE_URL: 'postgres://a/b', WORKERS: '2' }), /^WORKERS: more than one needs/)
  })

  test('takes an outside issuer whole, to the letter, and warns where it has no TLS', () => {
    const [issuer, audience] = ['https://login.example/', 'tenantry']
    const { config, warnings } = load({ OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience })
    assert.equal(config.oidcIssuer, issuer)
    assert.deepEqual(warnings, [])
    assert.match(problem({ OIDC_ISSUER: issuer }), /^OIDC_AUDIENCE: must be given/)
    assert.match(problem({ OIDC_AUDIENCE: audience }), /^OIDC_ISSUER: must be given/)
    const keys = { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience, OIDC_JWKS_URL: 'http://keys.example' }
    assert.match(load(keys).warnings.join(), /^OIDC_JWKS_URL: has no TLS/)
    const bare = { OIDC_ISSUER: 'http://login.example', OIDC_AUDIENCE: audience }
    assert.match(load(bare).warnings.join(), /^OIDC_ISSUER: has no TLS/)
  })

  test('prints what is in effect without passwords', () => {
    const { config } = load({ DATABASE_URL: 'postgres://u:MARK@a/b', REDIS_URL: 'redis://:MARK@a,redis://:MARK@b' })
    const printed = printableConfig(config)
    assert.equal(JSON.stringify(printed).includes('MARK'), false)
    assert.equal(printed.databaseUrl, '(set)')
    assert.equal(printed.redisUrls, '(set)')
    assert.equal(printed.port, 4000)
    assert.equal('corsOrigins' in printed, false)
  })
})
