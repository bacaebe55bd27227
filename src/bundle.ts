import { existsSync, readFileSync } from 'node:fs'
import { createRequire, Module } from 'node:module'
import { dirname } from 'node:path'
import { Script } from 'node:vm'

/** Where the build keeps what the V8 of this Node has compiled of a file. */
export const cacheOf = (file: string) => `${file}.${process.version}.cache`

/**
 * The program that the build has put into one file. What V8 compiled at the build lies beside it; V8 takes it only where
 * its own version and flags are those of the build, and else compiles anew.
 */
export function loadBundle(file: string): Script {
  const cache = cacheOf(file)
  const cachedData = existsSync(cache) ? readFileSync(cache) : undefined
  return new Script(Module.wrap(readFileSync(file, 'utf8')), {
    filename: file,
    ...(cachedData && { cachedData }),
  })
}

/** Runs the program of {@link loadBundle}. */
export function runBundle(file: string): Script {
  const script = loadBundle(file)
  const module = { exports: {} }
  script.runInThisContext().call(module.exports, module.exports, createRequire(file), module, file, dirname(file))
  return script
}
