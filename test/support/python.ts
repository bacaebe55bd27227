import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const cache = fileURLToPath(new URL('../../../node_modules/.cache/tenantry-python', import.meta.url))
const REMEDY =
  'Install Python 3 with venv and pip (Debian: apt-get install python3-venv), or name an interpreter in PYTHON'

/**
 * A Python with the packages of a requirements file, in a virtual environment that is made once and kept in the cache of
 * `node_modules`.
 *
 * @returns the path of its interpreter
 * @throws {Error} that says what to do, where there is no Python or its packages cannot be had
 */
export async function pythonWith(requirements: string): Promise<string> {
  const system = process.env['PYTHON'] ?? 'python3'
  const { stdout: version } = await run(system, ['-c', 'import sys; print(sys.version, sys.prefix)']).catch((cause) => {
    throw new Error(`These tests need Python, and ${system} does not run. ${REMEDY}.`, { cause })
  })
  const wanted = createHash('sha256')
    .update(version)
    .update(await readFile(requirements))
    .digest('hex')
  const folder = join(cache, wanted.slice(0, 16))
  const python = join(folder, 'bin', 'python')
  const finished = join(folder, 'finished')
  if (existsSync(finished)) return python
  await rm(folder, { recursive: true, force: true })
  await mkdir(cache, { recursive: true })
  try {
    await run(system, ['-m', 'venv', folder])
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input']
    await run(python, ['-m', 'pip', 'install', ...quiet, '--requirement', requirements])
  } catch (cause) {
    throw new Error(`The Python packages of ${requirements} cannot be installed. ${REMEDY}.`, { cause })
  }
  await writeFile(finished, '')
  return python
}
