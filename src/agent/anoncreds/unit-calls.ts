import type { AnonCredsWorkers } from '../../anoncreds/index.js'
import { isGatewayError } from '../../lib/errors.js'
import { currentUnit } from '../../storage/unit.js'

/** What the services need of the workers. */
export type AnonCredsCalls = Pick<AnonCredsWorkers, 'call' | 'tailsFolder'>

/**
 * Calls of the library in units of work. One that cannot be made now, as too many wait, says nothing about the message
 * that it was made for: the unit fails as a whole, whoever would make a verdict of it, and the message is sent again.
 */
export function callsInUnits(workers: AnonCredsCalls): AnonCredsCalls {
  return {
    tailsFolder: () => workers.tailsFolder(),
    async call(tenantId, name, args) {
      try {
        return await workers.call(tenantId, name, args)
      } catch (error) {
        const unit = currentUnit()
        if (unit && isGatewayError(error)) unit.broken ??= { cause: error }
        throw error
      }
    },
  }
}
