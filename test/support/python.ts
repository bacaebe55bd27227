import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const LOCK = new URL('../../../scripts/lib/lock.mjs', import.meta.url).href
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/tenantry-python', import.meta.url))
const REMEDY =
  'Install Python 3 with venv and pip (Debian: apt-get install python3-venv), or name an interpreter in PYTHON'

export interface PythonOptions {
  /** The interpreter to begin with. */
  python?: string
  /** Where environments are kept. */
  cache?: string
}

/**
 * A Python with the packages of a requirements file, in a virtual environment that is made once and kept in a cache, that of
 * `node_modules` by default.
 *
 * @returns the path of its interpreter
 * @throws {Error} that says what to do, where there is no Python or its packages cannot be had
 */
export async function pythonWith(requirements: string, options: PythonOptions = {}): Promise<string> {
  const environment = await environmentOf(requirements, options)
  if (existsSync(environment.finished)) return environment.python
  await mkdir(dirname(environment.folder), { recursive: true })
  const { withLock }: { withLock: (path: string, work: () => Promise<void>) => Promise<void> } = await import(LOCK)
  // Test files that run at once need the same: one makes it.
  await withLock(`${environment.folder}.lock`, () => install(requirements, environment))
  return environment.python
}

async function install(requirements: string, { system, folder, python, finished }: Environment): Promise<void> {
  if (existsSync(finished)) return
  await rm(folder, { recursive: true, force: true })
  try {
    await run(system, ['-m', 'venv', folder])
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input']
    await run(python, ['-m', 'pip', 'install', ...quiet, '--requirement', requirements])
  } catch (cause) {
    throw new Error(`The Python packages of ${requirements} cannot be installed. ${REMEDY}.`, { cause })
  }
  await writeFile(finished, '')
}

/** The same where it was made before; undefined where it was not, or there is no such interpreter. */
export async function findPython(requirements: string, options: PythonOptions = {}): Promise<string | undefined> {
  const found = await environmentOf(requirements, options).catch(() => undefined)
  return found && existsSync(found.finished) ? found.python : undefined
}

type Environment = Awaited<ReturnType<typeof environmentOf>>

async function environmentOf(requirements: string, { python: chosen, cache = CACHE }: PythonOptions) {
  const system = chosen ?? process.env['PYTHON'] ?? 'python3'
  const { stdout: version } = await run(system, ['-c', 'import sys; print(sys.version, sys.prefix)']).catch((cause) => {
    throw new Error(`These tests need Python, and ${system} does not run. ${REMEDY}.`, { cause })
  })
  const wanted = createHash('sha256')
    .update(version)
    .update(await readFile(requirements))
    .digest('hex')
  const folder = join(cache, wanted.slice(0, 16))
  return { system, folder, python: join(folder, 'bin', 'python'), finished: join(folder, 'finished') }
}
