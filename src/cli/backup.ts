import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Command } from 'commander'
import type { Config } from '../config/config.js'
import type { RawSettings } from '../config/env.js'
import { Problem } from '../lib/problem.js'
import { version } from '../lib/version.js'
import { Archive, type Manifest, rowsIn, writeArchive } from '../storage/backup/archive.js'
import { openSource } from '../storage/backup/places.js'
import { Progress } from './progress.js'
import { addSettingsOptions, settingsOf } from './settings-options.js'

/** `tenantry backup --out FILE`: the whole store in one file, while gateways go on. Needs no key, and holds none. */
export function backupCommand(): Command {
  const command = new Command('backup')
    .description('write the whole store into one file, while gateways run on it; it stays encrypted')
    .requiredOption('--out <file>', 'the file to make')
  return addSettingsOptions(command, ['DATA_DIR', 'DATABASE_URL', 'STORE_KEY']).action(() => backup(command))
}

async function backup(command: Command): Promise<void> {
  const { raw, config } = settingsOf(command)
  const out = resolve(command.opts<{ out: string }>().out)
  if (existsSync(out)) throw new Problem(`${out} is there already. Name another file.`)
  const began = Date.now()
  const draft = `${out}.${process.pid}.part`
  const removeDraft = () => rmSync(draft, { force: true })
  const giveUp = () => {
    removeDraft()
    process.exit(130)
  }
  process.once('SIGINT', giveUp).once('SIGTERM', giveUp)
  try {
    const sha256 = await write(draft, config)
    const read = await openArchive(draft, 'Reading it back')
    if (read.sha256 !== sha256) throw new Problem('The file does not read as it was written. Look at the disk.')
    putInPlace(draft, out)
    tell(out, read, raw, config, Date.now() - began)
  } finally {
    removeDraft()
    process.off('SIGINT', giveUp).off('SIGTERM', giveUp)
  }
}

/** @returns the archive's digest */
async function write(file: string, config: Config): Promise<string> {
  const source = await openSource(config)
  try {
    const { kind, stores } = source
    const manifest = { kind, stores, createdAt: new Date().toISOString(), version }
    const progress = new Progress('Writing', rowsIn(manifest))
    const read: typeof source.read = (store, table) => source.read(store, table)
    const sha256 = await writeArchive(file, manifest, read, (rows) => progress.add(rows))
    progress.end()
    return sha256
  } catch (error) {
    throw new Problem(`The backup failed, nothing of it is left: ${(error as Error).message}`)
  } finally {
    await source.close()
  }
}

/** Reads an archive once from end to end, showing how far it is. */
export async function openArchive(file: string, task: string): Promise<Archive> {
  let progress: Progress | undefined
  const archive = await Archive.open(file, (manifest) => {
    const checking = new Progress(task, rowsIn(manifest))
    progress = checking
    return (rows) => checking.add(rows)
  })
  progress?.end()
  return archive
}

/** Its name says that it is whole, also after a power cut. */
function putInPlace(draft: string, file: string): void {
  renameSync(draft, file)
  const folder = openSync(dirname(file), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

export function describe({ kind, stores, createdAt, version: by }: Manifest): string {
  const own = stores.length - 1
  const tenants = own === 0 ? '' : ` and ${own} of tenants' own`
  return `the shared store${tenants} (${kind}), ${rowsIn({ stores })} rows, of ${createdAt}, by ${by}`
}

function tell(file: string, archive: Archive, raw: RawSettings, config: Config, ms: number): void {
  const megabytes = (statSync(file).size / 1e6).toFixed(1)
  const secrets = (['STORE_KEY', 'JWT_SECRET', 'OPERATOR_API_KEYS'] as const).map((name) => {
    const place = raw[name] ? `given by ${raw[name].source}` : `in ${config.dataDir}/secrets`
    return `  ${name}, ${place}`
  })
  const lines = [
    `Backed up ${describe(archive.manifest)}: ${megabytes} MB in ${(ms / 1000).toFixed(1)} s`,
    `File:   ${file}`,
    `SHA-256 within: ${archive.sha256}`,
    'Not in it, and to be kept apart from it:',
    ...secrets,
    'Without the store key nobody can read this backup.',
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}
