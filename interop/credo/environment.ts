import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findPython, pythonWith } from '../../test/support/python.js'
import { interopCache } from '../cache.js'

const run = promisify(execFile)
const pins = fileURLToPath(new URL('../../../interop/credo/packages-0.5/', import.meta.url))
const requirements = join(pins, 'requirements.txt')
/** The bindings of Askar that Credo 0.5 has are compiled for each version of Node. */
const COMPILED = ['@2060.io/ffi-napi', '@2060.io/ref-napi']
const MINUTES_MS = 60_000

/** Credo 0.5 as it is installed. */
export interface CredoPackages {
  folder: string
  /** The folder of the Askar library that goes with it. */
  library: string
}

/**
 * Credo 0.5 from npm, and the Askar of its time out of its Python wheel: its own install script fetches from GitHub.
 * @throws {Error} where it cannot be had
 */
export async function credoPackages(): Promise<CredoPackages> {
  const { folder, finished } = await place()
  if (!existsSync(finished)) {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    await copyFile(join(pins, 'package.json'), join(folder, 'package.json'))
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['install', '--ignore-scripts', ...quiet], { cwd: folder, timeout: 6 * MINUTES_MS })
    await run('npm', ['rebuild', ...COMPILED, ...quiet], { cwd: folder, timeout: 3 * MINUTES_MS })
    await writeFile(finished, '')
  }
  return { folder, library: await libraryBeside(await pythonWith(requirements, { cache: interopCache })) }
}

/** The same where it is there already. */
export async function readyCredoPackages(): Promise<CredoPackages | undefined> {
  const { folder, finished } = await place()
  const python = existsSync(finished) && (await findPython(requirements, { cache: interopCache }))
  return python ? { folder, library: await libraryBeside(python) } : undefined
}

async function place() {
  const wanted = createHash('sha256')
    .update(process.version)
    .update(await readFile(join(pins, 'package.json')))
    .digest('hex')
  const folder = join(interopCache, `credo-${wanted.slice(0, 16)}`)
  return { folder, finished: join(folder, 'finished') }
}

async function libraryBeside(python: string): Promise<string> {
  const { stdout } = await run(python, ['-c', 'import sysconfig; print(sysconfig.get_path("platlib"))'])
  return join(stdout.trim(), 'aries_askar')
}
