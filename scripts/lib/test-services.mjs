import { Redis } from 'ioredis'
import pg from 'pg'
import { installWithApt } from './apt.mjs'
import { Failure } from './failure.mjs'
import { startPostgres, startRedis } from './private-services.mjs'
import { progress } from './progress.mjs'

const WAIT_MS = 3_000

/** What each service is, where it is looked for, and how one is started. */
const SERVICES = [
  {
    name: 'Postgres',
    variables: ['TEST_DATABASE_URL', 'DATABASE_URL'],
    usual: 'postgres://postgres@127.0.0.1:5432',
    normalize: withoutDatabase,
    probe: probePostgres,
    start: startPostgres,
    system: 'postgresql',
  },
  {
    name: 'Redis',
    variables: ['TEST_REDIS_URL', 'REDIS_URL'],
    usual: 'redis://127.0.0.1:6379',
    normalize: (url) => url,
    probe: probeRedis,
    start: startRedis,
    system: 'redis-server',
  },
]

/**
 * A real Postgres and a real Redis for the tests: what the environment names, else what listens on the usual port
 * and lets us in, else private ones from the machine's binaries, which are installed if that is ours to do.
 * `TENANTRY_TEST_SERVICES=private` goes straight to private ones.
 * @returns {Promise<{ env: { TEST_DATABASE_URL: string, TEST_REDIS_URL: string }, stop: () => Promise<void> }>}
 *   the first URL names a server without a database; `stop` ends what was started here
 * @throws {Failure} when one cannot be had
 */
export async function provideServices() {
  const started = []
  const stop = async () => {
    for (const service of started.splice(0)) await service.stop()
  }
  try {
    const env = {}
    for (const service of SERVICES) env[service.variables[0]] = await provide(service, started)
    return { env, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function provide(service, started) {
  const mayFind = process.env.TENANTRY_TEST_SERVICES !== 'private'
  const found = mayFind ? await find(service) : undefined
  if (found) return found
  const run = await progress(`private ${service.name} for the tests`, service.start)
  const second = run ?? ((await installWithApt([service.system])) ? await service.start() : undefined)
  if (!second) {
    throw new Failure(
      `The tests need ${service.name}: none is named, none answers at ${service.usual}, none is installed.`,
      `Install ${service.system}, or name one: ${service.variables[0]}=${service.usual} npm test`,
    )
  }
  started.push(second)
  return second.url
}

/** A service that is named must answer: to look elsewhere would test something else than was asked for. */
async function find({ name, variables, usual, normalize, probe }) {
  const variable = variables.find((candidate) => process.env[candidate])
  const url = normalize(variable ? process.env[variable] : usual)
  const problem = await probe(url)
  if (!problem) return url
  if (variable) throw new Failure(`${variable} names a ${name} that cannot be used: ${problem}`)
  return undefined
}

function withoutDatabase(url) {
  const server = new URL(url)
  server.pathname = ''
  return server.href
}

/** @returns {Promise<string | undefined>} why it cannot be used */
async function probePostgres(url) {
  const server = new URL(url)
  server.pathname = '/postgres'
  const client = new pg.Client({ connectionString: server.href, connectionTimeoutMillis: WAIT_MS })
  // A server that closes an idle connection must not end this process.
  client.on('error', () => {})
  try {
    await client.connect()
    const role = 'select rolcreatedb or rolsuper as may_create from pg_roles where rolname = current_user'
    const { rows } = await client.query(role)
    return rows[0]?.may_create ? undefined : 'its user may not create databases'
  } catch (error) {
    return error.message || error.code
  } finally {
    await client.end().catch(() => {})
  }
}

/** @returns {Promise<string | undefined>} why it cannot be used */
async function probeRedis(url) {
  const bounds = { connectTimeout: WAIT_MS, commandTimeout: WAIT_MS, maxRetriesPerRequest: 0 }
  const client = new Redis(url, { lazyConnect: true, retryStrategy: null, ...bounds })
  let problem
  client.on('error', (error) => {
    problem = error.message || error.code
  })
  try {
    await client.connect()
    await client.ping()
    return undefined
  } catch (error) {
    return problem ?? error.message
  } finally {
    client.disconnect()
  }
}
