import { Failure } from './failure.mjs'

const OLDEST = [20, 19]

/**
 * @param {string} version such as `process.versions.node`
 * @throws {Failure} when it is older than the gateway needs
 */
export function checkNode(version) {
  const [major, minor] = version.split('.').map(Number)
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return
  throw new Failure(`This is Node ${version}; the gateway needs ${OLDEST.join('.')} or newer.`, 'Install Node 24 LTS.')
}
