import { existsSync, readFileSync } from 'node:fs'
import { inRoot } from './paths.mjs'

/**
 * The Node that npm's scripts run on: on Linux the one among the packages, which npm puts first on their PATH, else
 * that of this machine, as is the one that runs this.
 * @returns {{ path: string, version: string }} `version`: such as `v24.21.0`
 */
export function runtime() {
  const folder = inRoot('node_modules', `node-${process.platform}-${process.arch}`)
  const path = `${folder}/bin/node`
  if (!existsSync(path)) return own
  return { path, version: `v${JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')).version}` }
}

/** The Node that runs this. */
export const own = { path: process.execPath, version: process.version }
