import { chmodSync, existsSync, readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config/config.js'
import type { RawSettings } from '../../config/env.js'
import { nextStoreKey, storeKeyFiles } from '../../config/store-keys.js'
import { sqlitePlaces } from '../../storage/backup/places.js'
import { type Findings, megabytes } from './finding.js'

const SECRETS = ['STORE_KEY', 'JWT_SECRET', 'OPERATOR_API_KEYS'] as const

/** Free space (bytes) that is little, and too little to go on. */
const LITTLE = 1e9
const TOO_LITTLE = 100e6

/** Where secrets come from, who can read them and the stores, and whether the disk has room. */
export function examineFiles(raw: RawSettings, config: Config, found: Findings): void {
  examineSecrets(raw, config, found)
  examineModes(config, found)
  if (!config.databaseUrl && existsSync(config.dataDir)) examineDisk(config, found)
}

function examineSecrets(raw: RawSettings, config: Config, found: Findings): void {
  for (const name of SECRETS) {
    const file = join(config.dataDir, 'secrets', name.toLowerCase().replaceAll('_', '-'))
    const given = raw[name]
    if (given) found.ok('secrets', `${name} is given (${given.source})`)
    else if (name === 'OPERATOR_API_KEYS' && !config.adminApi) continue
    else if (!existsSync(file)) {
      found.warn(
        'secrets',
        `${name} is neither given nor in ${file}`,
        'The next start makes one. Give the one that the store had, if there is one.',
      )
    } else if (config.databaseUrl) {
      found.warn(
        'secrets',
        `${name} is this machine's own, from ${file}`,
        `Give ${name} to every instance: they must share it.`,
      )
    } else found.ok('secrets', `${name} is in ${file}`)
  }
  if (nextStoreKey(config) === undefined) return
  const says = `A rotation of the store key was cut off: ${storeKeyFiles(config).next} is there`
  found.wrong('secrets', says, 'Stop every gateway and run tenantry rotate-store-key again.')
}

/** All that only the gateway's user is to read. */
function examineModes(config: Config, found: Findings): void {
  if (process.platform === 'win32') return
  const folder = join(config.dataDir, 'secrets')
  const secrets = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
  const open = [folder, ...secrets, sqlitePlaces(config).file].filter(
    (path) => existsSync(path) && (statSync(path).mode & 0o077) !== 0,
  )
  for (const path of open) {
    const mode = statSync(path).isDirectory() ? 0o700 : 0o600
    const text = mode.toString(8)
    found.wrong(
      'files',
      `Others on this machine can read ${path}`,
      `Run chmod ${text} ${path}, and ask who may have read it.`,
      {
        does: `chmod ${text} ${path}`,
        run: () => chmodSync(path, mode),
      },
    )
  }
  if (open.length === 0 && existsSync(config.dataDir)) found.ok('files', 'Only this user can read secrets and stores')
}

function examineDisk({ dataDir }: Config, found: Findings): void {
  const { bavail, bsize } = statfsSync(dataDir)
  const free = bavail * bsize
  const says = `${megabytes(free)} are free on the disk of ${dataDir}`
  if (free > LITTLE) return void found.ok('disk', says)
  const advice = 'Make room, or move DATA_DIR: a store that cannot grow refuses everything.'
  if (free > TOO_LITTLE) found.warn('disk', says, advice)
  else found.wrong('disk', says, advice)
}
