import type { Config } from '../../config/config.js'
import type { RawSettings } from '../../config/env.js'
import { namedConnections } from '../../storage/connections.js'
import { examineFiles } from './files.js'
import { codeOf, Findings } from './finding.js'
import { PostgresServer } from './postgres.js'
import { examineRedis } from './redis.js'
import { examineRoutes } from './routes.js'
import { examineSqliteFile, OpenedStore } from './store.js'
import { Wallets } from './tenants.js'
import { examineWaysIn } from './ways-in.js'

/** How many wallets are opened unless all are asked for. */
const WALLETS_MAX = 1000

/** Looks at everything that a gateway with these settings needs, and changes none of it. */
export async function examine(
  raw: RawSettings,
  config: Config,
  { all }: { all: boolean },
): Promise<{ found: Findings; close: () => Promise<void> }> {
  const found = new Findings()
  examineFiles(raw, config, found)
  const postgres = config.databaseUrl
    ? await PostgresServer.reach(namedConnections(config.databaseUrl, 'tenantry doctor'), found)
    : undefined
  const sqlite = config.databaseUrl ? { exists: false, inUse: false } : await examineSqliteFile(config, found)
  const isThere = postgres ? await postgres.examine(found) : sqlite.exists
  const store = isThere ? await OpenedStore.open(raw, config, found) : undefined
  if (store) {
    try {
      const wallets = await Wallets.read(store, postgres !== undefined)
      wallets.examineInstances(found)
      await wallets.examinePlaces(found)
      const isAlone = postgres ? wallets.living?.length === 0 : !sqlite.inUse
      await examineRoutes(wallets, found, { canWrite: isAlone, most: all ? Number.POSITIVE_INFINITY : WALLETS_MAX })
      await wallets.examineUnfinished(found, sqlite.inUse)
      await postgres?.examineConnections(Math.max(wallets.living?.length ?? 0, 1), wallets.hasOwnStores, config, found)
    } catch (error) {
      found.wrong(
        'store',
        `What is in the store could not be read (${codeOf(error)})`,
        'Look at the disk and the database; where the store is damaged, restore a backup.',
      )
    }
  }
  await examineRedis(config, found)
  await examineWaysIn(config, store?.meta?.id, found)
  const close = async () => {
    await store?.close()
    await postgres?.close()
  }
  return { found, close }
}
