import { progress } from './progress.mjs'
import { run, tail } from './run.mjs'

/**
 * Installs system packages where that is ours to do: as root, on a system with apt-get (a container, a CI machine).
 * @param {string[]} packages
 * @returns {Promise<boolean>} whether they are installed; says why not on standard error when it was tried
 */
export async function installWithApt(packages) {
  if (process.getuid?.() !== 0 || !(await run('apt-get', ['--version'])).ok) return false
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return progress(`system packages: apt-get install ${packages.join(' ')}`, async () => {
    await run('apt-get', ['update'], { env })
    const result = await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env })
    if (!result.ok) console.error(`apt-get install failed:\n${tail(result.output, 10)}`)
    return result.ok
  })
}
