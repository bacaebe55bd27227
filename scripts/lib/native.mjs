import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from './failure.mjs'
import { anoncreds, askar, indyVdr } from './native-pins.mjs'
import { inRoot } from './paths.mjs'
import { progress } from './progress.mjs'
import { run, runNode, tail } from './run.mjs'
import { sha256 } from './stamp.mjs'
import { expectSum, libraryFromWheel } from './wheel.mjs'

const PIP_TIMEOUT_MS = 180_000
const INSTALL_SCRIPT_TIMEOUT_MS = 20_000

/** The folder of the checkout where the native libraries lie. */
export const nativeFolder = inRoot('native')

/**
 * Makes sure that the native libraries are there.
 * @param {{ indy: boolean }} which whether Indy networks are to be read
 */
export async function ensureNativeLibraries({ indy }) {
  for (const pin of [askar, anoncreds, ...(indy ? [indyVdr] : [])]) await ensureLibrary(pin)
}

/**
 * Makes sure that a native library is there: what its variable says, else `native/` of the checkout, else it is
 * fetched into that.
 *
 * The wheel comes before the install script of the wrapper's package: it comes from the kind of index that
 * networks mirror, in one request through the user's pip settings, and fails at once where there is none. The
 * script fetches a release from GitHub, knows no proxy, and where that is shut off it can hang until its time is up.
 */
async function ensureLibrary(pin) {
  const named = process.env[pin.variable]
  if (named) return expectNamed(named, pin)
  const build = buildOf(pin, process.platform, process.arch)
  const file = join(nativeFolder, build.library)
  if (existsSync(file) && sha256(readFileSync(file)) === build.librarySum) return
  const library = await progress(`native library: ${pin.name} ${pin.version}`, () => fetchLibrary(pin, build))
  mkdirSync(nativeFolder, { recursive: true })
  // Moved into place whole: a gateway that starts meanwhile loads the old file or the new one.
  writeFileSync(`${file}.part`, library, { mode: 0o755 })
  renameSync(`${file}.part`, file)
}

function expectNamed(folder, pin) {
  const names = [...new Set(Object.values(pin.builds).map((build) => build.library))]
  if (names.some((name) => existsSync(join(folder, name)))) return
  throw new Failure(
    `${pin.variable} is ${folder}, and there is no ${names.join(' or ')} in it.`,
    'Let it name the folder of the library, or unset it to have the library fetched.',
  )
}

/**
 * @param pin one of native-pins.mjs
 * @param {string} platform `process.platform`
 * @param {string} arch `process.arch`
 * @throws {Failure} when there is no library for it
 */
export function buildOf(pin, platform, arch) {
  const build = pin.builds[`${platform}-${arch}`]
  if (build) return build
  throw new Failure(
    `There is no build of ${pin.name} ${pin.version} for ${platform}-${arch}, only for ${Object.keys(pin.builds).join(', ')}.`,
    `Build it from source (${pin.source}) and start by: ${ownFolder(pin)}`,
  )
}

const ownFolder = (pin) => `${pin.variable}=<folder of the library> npm start`

async function fetchLibrary(pin, build) {
  refuseMusl(pin)
  const wheel = await downloadWheel(pin, build)
  if (wheel.bytes) return libraryFromWheel(wheel.bytes, pin.distribution, build)
  const release = pin.wrapper ? await runInstallScript(pin, build) : {}
  if (release.bytes) {
    expectSum(`${build.library} of the install script of ${pin.wrapper}`, release.bytes, build.librarySum)
    return release.bytes
  }
  const problems = [
    `by pip: ${wheel.problem}`,
    ...(release.problem ? [`by its install script: ${release.problem}`] : []),
  ]
  throw new Failure(
    [`The native library of ${pin.name} could not be had.`, ...problems].join('\n  '),
    `Install Python's pip (Debian: apt-get install python3-pip) with an index reachable, or start by: ${ownFolder(pin)}`,
  )
}

/** The builds are linked against glibc: on Alpine they would fail only later, when loaded, with a worse message. */
function refuseMusl(pin) {
  if (process.platform !== 'linux' || process.report.getReport().header.glibcVersionRuntime) return
  throw new Failure(
    `This system has musl instead of glibc, and there is no build of ${pin.name} for it.`,
    `Use an image with glibc (node:20-slim instead of node:20-alpine), or start with a build of your own: ${ownFolder(pin)}`,
  )
}

/** @returns {Promise<{ bytes?: Buffer, problem?: string }>} */
async function downloadWheel(pin, build) {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-wheel-'))
  const what = ['--no-deps', '--only-binary=:all:', '--platform', build.tag, '--dest', folder]
  const wanted = `${pin.distribution}==${pin.version}`
  const args = ['download', '--quiet', '--disable-pip-version-check', ...what, wanted]
  let problem = 'neither python3 nor pip is on the PATH'
  try {
    for (const [command, ...before] of [['python3', '-m', 'pip'], ['pip3'], ['pip'], ['py', '-m', 'pip']]) {
      const result = await run(command, [...before, ...args], { timeoutMs: PIP_TIMEOUT_MS })
      const [wheel] = readdirSync(folder).filter((name) => name.endsWith('.whl'))
      if (result.ok && wheel) return { bytes: readFileSync(join(folder, wheel)) }
      if (!result.output.includes('ENOENT')) problem = `${[command, ...before].join(' ')}: ${tail(result.output, 4)}`
    }
    return { problem }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @returns {Promise<{ bytes?: Buffer, problem?: string }>} */
async function runInstallScript(pin, build) {
  const own = inRoot('node_modules', ...pin.wrapper.split('/'))
  const file = join(own, 'native', build.library)
  const timeoutMs = INSTALL_SCRIPT_TIMEOUT_MS
  const result = await runNode(join(own, 'scripts', 'install.js'), [], { cwd: own, timeoutMs })
  if (result.ok && existsSync(file)) return { bytes: readFileSync(file) }
  return { problem: tail(result.output, 4) || 'it put no library in place' }
}
