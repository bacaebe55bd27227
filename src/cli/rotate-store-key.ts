import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Session } from '@openwallet-foundation/askar-shared'
import { Command } from 'commander'
import { loadAskar } from '../askar/index.js'
import type { Config } from '../config/config.js'
import { ConfigError } from '../config/config-error.js'
import { readSecretFile } from '../config/env.js'
import { replaceSecret, writeSecret } from '../config/secret-file.js'
import { checkStoreKey, knownStoreKeys, nextStoreKey, storeKeyFiles } from '../config/store-keys.js'
import { base58Encode } from '../lib/base58.js'
import { Problem } from '../lib/problem.js'
import { sqlitePlaces } from '../storage/backup/places.js'
import { Progress } from './progress.js'
import { addSettingsOptions, settingsOf } from './settings-options.js'

/**
 * `tenantry rotate-store-key`: a new key for the shared store. It is written down before the store is changed, and takes
 * the place of the old one after it was proven; whatever cuts that off, the next run goes on, and a start finds the key.
 */
export function rotateStoreKeyCommand(): Command {
  const command = new Command('rotate-store-key')
    .description('put the store under a new key, while no gateway runs; run it again if it was cut off')
    .option(
      '--new-store-key-file <path>',
      'file that holds the new key (NEW_STORE_KEY_FILE, or the key: NEW_STORE_KEY)',
    )
  return addSettingsOptions(command, ['DATA_DIR', 'DATABASE_URL', 'STORE_KEY']).action(() => rotate(command))
}

async function rotate(command: Command): Promise<void> {
  const { raw, config } = settingsOf(command)
  const files = storeKeyFiles(config)
  const [oldKey] = knownStoreKeys(raw, config)
  if (oldKey === undefined) throw new Problem(`There is no store key: neither STORE_KEY nor ${files.current}.`)
  const newKey = chooseKey(command, config, oldKey, raw.STORE_KEY !== undefined)
  if (nextStoreKey(config) === newKey) print(`The new key is in ${files.next}`)

  await loadAskar({ binding: config.askarBinding })
  const { rotateKey } = await import('../storage/rotate-key.js')
  const { database, assertUnused } = await openDatabase(config)
  try {
    let verifying: Progress | undefined
    await rotateKey({
      database,
      oldKey,
      newKey,
      assertUnused,
      told: {
        rekeying: () => print('Changing the key'),
        verifying(total) {
          print('Verifying')
          const progress = new Progress('Wallets', total)
          verifying = progress
          return (profiles) => progress.add(profiles)
        },
      },
    })
    verifying?.end()
  } finally {
    await database.close()
  }

  if (raw.STORE_KEY !== undefined) {
    print('The store is under the new key.')
    if (nextStoreKey(config) === undefined) print('Give it to every gateway as STORE_KEY before you start one.')
    else print(`Give every gateway what is in ${files.next} as STORE_KEY before you start one, then remove the file.`)
    print('Keep the former key as long as you keep backups that were made before.')
    return
  }
  print('Putting it in place')
  const former = `${files.current}.${new Date().toISOString().replaceAll(/[:.]/g, '')}`
  replaceSecret(files.current, files.next, former)
  print(`The store is under the new key, which is in ${files.current}.`)
  print(`The former key is in ${former}: remove it when you keep no more backups that were made before.`)
}

/** The new key: that of a rotation which was cut off, else a given one, else one made now. It is on disk, or given again. */
function chooseKey(command: Command, config: Config, oldKey: string, oldIsGiven: boolean): string {
  const begun = nextStoreKey(config)
  const given = givenKey(command)
  if (begun !== undefined) {
    if (given !== undefined && given !== begun) {
      throw new Problem(`A rotation to another key, in ${storeKeyFiles(config).next}, was cut off. Finish it first.`)
    }
    // Finished but for the file, which whoever gives the key was asked to remove.
    if (begun === oldKey) throw new Problem(`STORE_KEY is the key in ${storeKeyFiles(config).next}: remove that file.`)
    return begun
  }
  if (given === oldKey) throw new ConfigError('NEW_STORE_KEY', 'is the key that the store has, choose another')
  const key = given ?? base58Encode(randomBytes(32))
  if (given === undefined || !oldIsGiven) writeSecret(storeKeyFiles(config).next, key)
  return key
}

function givenKey(command: Command): string | undefined {
  const { newStoreKeyFile } = command.opts<{ newStoreKeyFile?: string }>()
  const path = newStoreKeyFile ?? process.env['NEW_STORE_KEY_FILE']
  const key = path ? readSecretFile('NEW_STORE_KEY', path) : process.env['NEW_STORE_KEY']
  return key ? checkStoreKey(key, 'NEW_STORE_KEY') : undefined
}

async function openDatabase(config: Config) {
  const { postgresDatabase, sqliteDatabase } = await import('../storage/database.js')
  const { namedConnections, otherConnections } = await import('../storage/connections.js')
  const advice = 'Stop every gateway first: a running one would seal keys of new wallets by the old key.'
  if (config.databaseUrl === undefined) {
    const { file } = sqlitePlaces(config)
    if (!existsSync(file)) throw new Problem(`There is no store: ${file} is missing. Check DATA_DIR.`)
    // Its lock keeps gateways out.
    return { database: sqliteDatabase(file, 2), assertUnused: async () => {} }
  }
  const url = namedConnections(config.databaseUrl, 'tenantry rotate-store-key')
  const { INSTANCES } = await import('../relay/recovery.js')
  const assertUnused = async (base: Session) => {
    const instances = await base.fetchAll({ category: INSTANCES })
    const living = instances.filter(({ value }) => JSON.parse(value as string) > Date.now())
    if (living.length > 0) {
      const names = living.map(({ name }) => name.split('/')[0]).join(', ')
      throw new Problem(`Gateways run on this store (${names}). ${advice} One that crashed counts for 12 more seconds.`)
    }
    const others = await otherConnections(url)
    if (others.length > 0) throw new Problem(`Others are connected to this database: ${others.join('; ')}. ${advice}`)
  }
  return { database: postgresDatabase(url, 2), assertUnused }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
