import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.js'
import { ConfigError } from '../config/config-error.js'
import { findIndyLibrary, isGenesis } from '../indy/index.js'

/**
 * Whether what Indy networks need is on this machine: genesis files, and the native library.
 *
 * @throws ConfigError
 */
export function checkIndyNetworks({ indyNetworks }: Config): void {
  if (indyNetworks.length === 0) return
  for (const { namespace, genesis } of indyNetworks) {
    if (/^https?:/.test(genesis)) continue
    const text = read(genesis)
    if (text === undefined) throw new ConfigError('INDY_NETWORKS', `the genesis file of ${namespace} cannot be read`)
    if (!isGenesis(text)) throw new ConfigError('INDY_NETWORKS', `${namespace}: its file has no genesis transactions`)
  }
  try {
    findIndyLibrary()
  } catch (error) {
    throw new ConfigError('INDY_NETWORKS', (error as Error).message)
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
