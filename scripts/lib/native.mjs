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
import { askarPins, askarVersion } from './askar-pins.mjs'
import { Failure } from './failure.mjs'
import { inRoot } from './paths.mjs'
import { progress } from './progress.mjs'
import { run, runNode, tail } from './run.mjs'
import { sha256 } from './stamp.mjs'
import { expectSum, libraryFromWheel } from './wheel.mjs'

const PIP_TIMEOUT_MS = 180_000
const INSTALL_SCRIPT_TIMEOUT_MS = 20_000
const OWN_FOLDER = 'LIB_ASKAR_PATH=<folder of the library> npm start'

/** The folder of the checkout where the native library lies. */
export const nativeFolder = inRoot('native')

/**
 * Makes sure that Askar's native library is there: what LIB_ASKAR_PATH says, else `native/` of the checkout, else
 * it is fetched into that.
 *
 * The wheel comes before the install script of the `askar-nodejs` package: it comes from the kind of index that
 * networks mirror, in one request through the user's pip settings, and fails at once where there is none. The
 * script fetches a release from GitHub, knows no proxy, and where that is shut off it can hang until its time is up.
 */
export async function ensureAskar() {
  const named = process.env.LIB_ASKAR_PATH
  if (named) return expectNamed(named)
  const pin = pinOf(process.platform, process.arch)
  const file = join(nativeFolder, pin.library)
  if (existsSync(file) && sha256(readFileSync(file)) === pin.librarySum) return
  const library = await progress(`native library: Askar ${askarVersion}`, () => fetchLibrary(pin))
  mkdirSync(nativeFolder, { recursive: true })
  // Moved into place whole: a gateway that starts meanwhile loads the old file or the new one.
  writeFileSync(`${file}.part`, library, { mode: 0o755 })
  renameSync(`${file}.part`, file)
}

function expectNamed(folder) {
  const names = [...new Set(Object.values(askarPins).map((pin) => pin.library))]
  if (names.some((name) => existsSync(join(folder, name)))) return
  throw new Failure(
    `LIB_ASKAR_PATH is ${folder}, and there is no ${names.join(' or ')} in it.`,
    'Let it name the folder of the library, or unset it to have the library fetched.',
  )
}

/**
 * @param {string} platform `process.platform`
 * @param {string} arch `process.arch`
 * @throws {Failure} when there is no library for it
 */
export function pinOf(platform, arch) {
  const pin = askarPins[`${platform}-${arch}`]
  if (pin) return pin
  throw new Failure(
    `There is no build of Askar ${askarVersion} for ${platform}-${arch}, only for ${Object.keys(askarPins).join(', ')}.`,
    `Build it from source (github.com/openwallet-foundation/askar) and start by: ${OWN_FOLDER}`,
  )
}

async function fetchLibrary(pin) {
  refuseMusl()
  const wheel = await downloadWheel(pin)
  if (wheel.bytes) return libraryFromWheel(wheel.bytes, pin)
  const release = await runInstallScript(pin)
  if (release.bytes) {
    expectSum(`${pin.library} of the askar-nodejs package's own script`, release.bytes, pin.librarySum)
    return release.bytes
  }
  throw new Failure(
    `Askar's native library could not be had.\n  by pip: ${wheel.problem}\n  by its install script: ${release.problem}`,
    `Install Python's pip (Debian: apt-get install python3-pip) with an index reachable, or start by: ${OWN_FOLDER}`,
  )
}

/** The builds are linked against glibc: on Alpine they would fail only later, when loaded, with a worse message. */
function refuseMusl() {
  if (process.platform !== 'linux' || process.report.getReport().header.glibcVersionRuntime) return
  throw new Failure(
    'This system has musl instead of glibc, and there is no build of Askar for it.',
    `Use an image with glibc (node:20-slim instead of node:20-alpine), or start with a build of your own: ${OWN_FOLDER}`,
  )
}

/** @returns {Promise<{ bytes?: Buffer, problem?: string }>} */
async function downloadWheel(pin) {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-wheel-'))
  const what = ['--no-deps', '--only-binary=:all:', '--platform', pin.tag, '--dest', folder]
  const args = ['download', '--quiet', '--disable-pip-version-check', ...what, `aries-askar==${askarVersion}`]
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
async function runInstallScript(pin) {
  const own = inRoot('node_modules', '@openwallet-foundation', 'askar-nodejs')
  const file = join(own, 'native', pin.library)
  const timeoutMs = INSTALL_SCRIPT_TIMEOUT_MS
  const result = await runNode(join(own, 'scripts', 'install.js'), [], { cwd: own, timeoutMs })
  if (result.ok && existsSync(file)) return { bytes: readFileSync(file) }
  return { problem: tail(result.output, 4) || 'it put no library in place' }
}
