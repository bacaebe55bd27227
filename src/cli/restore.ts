import { Command } from 'commander'
import type { Config } from '../config/config.js'
import type { RawSettings } from '../config/env.js'
import { knownStoreKeys } from '../config/store-keys.js'
import { Problem } from '../lib/problem.js'
import { type Archive, partsOf, rowsIn } from '../storage/backup/archive.js'
import { RowReader } from '../storage/backup/copy-rows.js'
import { openTarget } from '../storage/backup/places.js'
import { SHARED } from '../storage/backup/tables.js'
import { keyFits } from '../storage/store-key.js'
import { describe, openArchive } from './backup.js'
import { Progress } from './progress.js'
import { addSettingsOptions, settingsOf } from './settings-options.js'

/**
 * `tenantry restore --from FILE`: into an empty place only, a folder or a database. The file is read from end to end and
 * the key tried before anything is written, and nobody sees a store before it is whole.
 */
export function restoreCommand(): Command {
  const command = new Command('restore')
    .description('make a store of a backup, in an empty DATA_DIR or database; SQLite and Postgres take each other’s')
    .requiredOption('--from <file>', 'the backup')
    .option('--check', 'only read the backup and try the key')
  return addSettingsOptions(command, ['DATA_DIR', 'DATABASE_URL', 'STORE_KEY']).action(() => restore(command))
}

async function restore(command: Command): Promise<void> {
  const { raw, config } = settingsOf(command)
  const { from, check } = command.opts<{ from: string; check?: true }>()
  const archive = await openArchive(from, 'Checking')
  await assertKey(archive, raw, config)
  if (check) {
    print(`This is ${describe(archive.manifest)}. It is whole, and the store key opens it.`)
    return
  }
  const target = await openTarget(config)
  try {
    const progress = new Progress('Restoring', rowsIn(archive.manifest))
    for (const { store, table } of partsOf(archive.manifest)) {
      await target.write(store, table.name, archive.table(store, table.name), (rows) => progress.add(rows))
    }
    progress.end()
    await target.finish()
  } catch (error) {
    await target.abandon()
    if (error instanceof Problem) throw error
    throw new Problem(`The restore failed, nothing of it is left: ${(error as Error).message}`)
  }
  print(`Restored ${describe(archive.manifest)}, to ${config.databaseUrl ? 'the database' : config.dataDir}.`)
  print('Start a gateway on it with the same JWT_SECRET, or tokens no longer hold, and the same PUBLIC_URL.')
  print('Never run it beside the one that it was taken of: each would send and take what is the other’s.')
}

/** @throws Problem where the store key is not at hand: a gateway would make a new one, which opens nothing */
async function assertKey(archive: Archive, raw: RawSettings, config: Config): Promise<void> {
  const keys = knownStoreKeys(raw, config)
  const advice = 'Give the key that the store had: STORE_KEY, or DATA_DIR/secrets/store-key. Nothing was written.'
  if (keys.length === 0) throw new Problem(`There is no store key here. ${advice}`)
  const reader = new RowReader()
  const profileKeys: Buffer[] = []
  for await (const buffer of archive.table(SHARED, 'profiles')) {
    for (const row of reader.push(buffer)) if (row[3]) profileKeys.push(row[3])
  }
  if (!keys.some((key) => profileKeys.every((profileKey) => keyFits(key, profileKey)))) {
    throw new Problem(`The store key here does not open this backup. ${advice}`)
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
