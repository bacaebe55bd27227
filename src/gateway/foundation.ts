import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.js'
import type { Secrets } from '../config/secrets.js'
import { isLoopbackHost } from '../lib/addresses.js'
import { createGuardedFetch } from '../lib/guarded-fetch.js'
import { newId } from '../lib/ids.js'
import type { Logger } from '../lib/logger.js'
import { silentBus } from '../redis/bus.js'
import { connectInstances } from '../redis/instances.js'
import { Recovery } from '../relay/recovery.js'
import { Metrics } from '../server/metrics.js'
import { raiseFormat, readStoreMeta } from '../storage/format.js'
import { postgresSchemas, sqliteFiles } from '../storage/own-databases.js'
import { OwnStores } from '../storage/own-stores.js'
import { Places } from '../storage/places.js'
import { Profiles } from '../storage/profiles.js'
import { WalletStore } from '../storage/store.js'
import { StuckTransactions } from '../storage/stuck-transactions.js'
import { neighboursOf } from '../workers/neighbours.js'
import { PublicUrl } from './public-url.js'

export interface GatewayOptions {
  config: Config
  secrets: Secrets
  logger: Logger
}

export type Foundation = Awaited<ReturnType<typeof layFoundation>>

/** How old what was read of a tenant or a key may be: where Redis tells of changes, and where nothing does (ms). */
const FRESH_MS = { told: 2000, untold: 1000 }

const EARLIER_RUNS =
  'An earlier version runs on this store and could not read what this one writes: it starts once that has stopped'

/** The store, what instances tell each other, and what all work is noted with. */
export async function layFoundation({ config, secrets, logger }: GatewayOptions) {
  if (!config.databaseUrl) mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const location = config.databaseUrl
    ? { databaseUrl: config.databaseUrl }
    : { file: join(config.dataDir, 'wallets.db') }
  const { storeKey: key, nextStoreKey: nextKey } = secrets
  const store = await WalletStore.open({ location, key, nextKey, poolSize: config.poolSize })
  const stuck = new StuckTransactions(store.database, logger)
  stuck.watch()
  const profiles = new Profiles(store)
  const own = new OwnStores(
    store.database.kind === 'sqlite' ? sqliteFiles(join(config.dataDir, 'wallets')) : postgresSchemas(store.database),
  )
  const places = new Places(store, own)
  const { id: storeId } = await readStoreMeta(profiles.base)
  const { shared } = store
  const { instanceId } = config
  const self = `${instanceId}/${newId()}`
  const neighbours = neighboursOf(config.workers)
  const instances = connectInstances(config, storeId, self, logger, neighbours)
  const freshFor = shared ? (instances.bus === silentBus ? FRESH_MS.untold : FRESH_MS.told) : undefined
  const recovery = new Recovery({
    base: profiles.base,
    instanceId,
    self,
    shared,
    liveness: instances.liveness,
    facts: {
      tokens: secrets.fingerprint(storeId),
      operators: config.adminApi ? secrets.operatorFingerprint(storeId) : '',
      publicUrl: config.publicUrl ?? '',
    },
    logger,
  })
  const company = {
    others: () => recovery.others(),
    waiting: (others: string[]) => logger.warn(EARLIER_RUNS, { instanceId: others.join(', ') }),
  }
  await raiseFormat(profiles.base, shared ? company : undefined)
  recovery.live()
  const publicUrl = new PublicUrl(config)
  const fetch = createGuardedFetch({
    ownUrl: () => publicUrl.url,
    allow: config.allowAddresses,
    allowLoopback: isLoopbackHost(config.host),
    timeoutMs: config.outboundTimeoutMs,
  })
  return {
    config,
    secrets,
    logger,
    store,
    stuck,
    storeId,
    shared,
    profiles,
    own,
    places,
    self,
    neighbours,
    ...instances,
    freshFor,
    recovery,
    mark: (tenantId: string) => recovery.mark(tenantId),
    metrics: new Metrics(config.metricsPerTenant),
    publicUrl,
    /** Empty as long as it is not known: nothing is made before the gateway listens. */
    urlNow: () => publicUrl.url ?? '',
    fetch,
  }
}
