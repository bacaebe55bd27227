import { fileURLToPath } from 'node:url'
import { findPython, pythonWith } from '../../test/support/python.js'
import { interopCache } from '../cache.js'

const requirements = fileURLToPath(new URL('../../../interop/acapy/requirements.txt', import.meta.url))
/** ACA-Py needs this version. */
const options = { python: process.env['ACAPY_PYTHON'] ?? 'python3.11', cache: interopCache }

/**
 * The Python that has ACA-Py; made where it is missing.
 * @throws {Error} that says what to do, where it cannot be had
 */
export const acapyPython = (): Promise<string> => pythonWith(requirements, options)

/** The same where it is there already. */
export const readyAcapyPython = (): Promise<string | undefined> => findPython(requirements, options)
