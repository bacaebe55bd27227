import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where agents to be tried with are kept: they are large, and not for the checkout. */
export const interopCache =
  process.env['TENANTRY_INTEROP_CACHE'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tenantry-interop')
