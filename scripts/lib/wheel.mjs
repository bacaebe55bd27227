import { Failure } from './failure.mjs'
import { sha256 } from './stamp.mjs'
import { readEntry } from './zip.mjs'

/**
 * The native library out of a wheel, both checked against what is pinned.
 * @param {Buffer} wheel
 * @param {string} distribution the wheel's name at PyPI; the library is in the package of that name
 * @param {{ wheel: string, library: string, librarySum: string }} build see native-pins.mjs
 * @returns {Buffer}
 * @throws {Failure} when either checksum differs
 */
export function libraryFromWheel(wheel, distribution, build) {
  expectSum(`the downloaded wheel of ${distribution}`, wheel, build.wheel)
  const library = readEntry(wheel, `${distribution.replaceAll('-', '_')}/${build.library}`)
  expectSum(build.library, library, build.librarySum)
  return library
}

/**
 * @param {string} what named in the message
 * @param {Buffer} bytes
 * @param {string} expected hex SHA-256
 * @throws {Failure} with both sums when they differ
 */
export function expectSum(what, bytes, expected) {
  const actual = sha256(bytes)
  if (actual === expected) return
  throw new Failure(
    `${what} is not the file that was tested, so it is not used:\n  SHA-256 ${actual}\n  pinned  ${expected}`,
    'A broken download or a changed package index. Try again, with another index if it stays: ' +
      'PIP_INDEX_URL=<index> npm start',
  )
}
