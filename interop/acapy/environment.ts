import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findPython, pythonWith } from '../../test/support/python.js'

const requirements = fileURLToPath(new URL('../../../interop/acapy/requirements.txt', import.meta.url))
/** ACA-Py needs this version, and 225 MB, which are not for the checkout. */
const options = {
  python: process.env['ACAPY_PYTHON'] ?? 'python3.11',
  cache:
    process.env['TENANTRY_INTEROP_CACHE'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tenantry-interop'),
}

/**
 * The Python that has ACA-Py; made where it is missing.
 * @throws {Error} that says what to do, where it cannot be had
 */
export const acapyPython = (): Promise<string> => pythonWith(requirements, options)

/** The same where it is there already. */
export const readyAcapyPython = (): Promise<string | undefined> => findPython(requirements, options)
