import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { installWithApt } from './apt.mjs'
import { inRoot } from './paths.mjs'
import { progress } from './progress.mjs'
import { runNpm, tail } from './run.mjs'

const PACKAGES = ['@2060.io/ref-napi', '@2060.io/ffi-napi']

/**
 * Builds the native part of `askar-nodejs`' binding, which the gateway uses only as a fallback by configuration:
 * the tests hold it and ours to the same contract. Takes a C++ toolchain; without one the tests still run, and
 * those of the fallback fail.
 */
export async function ensureFallbackBinding() {
  if (PACKAGES.every(isBuilt)) return
  let result = await progress(`fallback binding: npm rebuild ${PACKAGES.join(' ')}`, rebuild)
  if (!result.ok && (await installWithApt(['g++', 'make', 'python3']))) {
    result = await progress('fallback binding: once more', rebuild)
  }
  if (result.ok && PACKAGES.every(isBuilt)) return
  console.error(
    `\n  !! ${PACKAGES.join(' and ')} could not be built, so the tests of the fallback binding will fail.\n` +
      '  !! It takes python3, make and a C++ compiler (Debian: apt-get install g++ make python3).\n' +
      `${tail(result.output)}\n`,
  )
}

/** Asks the loader that the packages use themselves whether it finds a build for this Node and platform. */
function isBuilt(name) {
  try {
    const load = createRequire(inRoot('package.json'))
    load('node-gyp-build').path(inRoot('node_modules', ...name.split('/')))
    return true
  } catch {
    return false
  }
}

function rebuild() {
  const headers = dirname(dirname(process.execPath))
  const env = { ...process.env }
  // Node's own distribution brings its headers along: nothing to download then.
  if (existsSync(join(headers, 'include', 'node', 'node.h'))) env.npm_config_nodedir ??= headers
  return runNpm(['rebuild', '--ignore-scripts=false', ...PACKAGES], env)
}
