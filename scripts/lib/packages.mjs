import { existsSync, readFileSync } from 'node:fs'
import { Failure } from './failure.mjs'
import { inRoot } from './paths.mjs'
import { progress } from './progress.mjs'
import { runNpm, tail } from './run.mjs'

/**
 * Whether what is installed is what the lock file says: every package there, in the version and with the checksum
 * of the lock. npm writes its list of what is installed last, so a broken-off install is not in step. Packages that
 * only other platforms need may be missing.
 * @param {{ packages: Record<string, { version?: string, integrity?: string, optional?: boolean }> }} locked
 *   package-lock.json
 * @param {{ packages: Record<string, { version?: string, integrity?: string }> }} installed
 *   node_modules/.package-lock.json
 */
export function isInStep(locked, installed) {
  return Object.entries(locked.packages).every(([path, wanted]) => {
    if (path === '') return true
    const found = installed.packages[path]
    if (!found) return wanted.optional === true
    // What was locked without its package being at hand (another platform's) has no checksum to compare.
    return found.version === wanted.version && (!wanted.integrity || found.integrity === wanted.integrity)
  })
}

/** Installs the packages of package-lock.json unless they are there. No script of any package is run. */
export async function ensurePackages() {
  const list = inRoot('node_modules', '.package-lock.json')
  if (existsSync(list) && isInStep(readJson(inRoot('package-lock.json')), readJson(list))) return
  await progress('packages: npm ci --ignore-scripts', async () => {
    // Building needs the development packages too, whatever NODE_ENV or the user's npm settings leave out.
    const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund']
    const result = await runNpm(args)
    if (!result.ok) {
      throw new Failure(
        `npm ci did not succeed:\n${tail(result.output)}`,
        'Make the npm registry reachable (`npm config get registry` says which one), or put node_modules in place.',
      )
    }
  })
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))
