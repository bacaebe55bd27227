import { DefinitionError, readDefinition } from '../agent/exchanges/presentation-definition.js'
import { badInput, conflict } from '../lib/errors.js'
import { newId } from '../lib/ids.js'

/** What is asked for where the definition says nothing of it. */
const FORMAT = { di_vc: { proof_type: ['DataIntegrityProof'], cryptosuite: ['anoncreds-2023'] } }

/**
 * Checks a presentation definition, and gives it an id and the format where it has none.
 * @throws BAD_USER_INPUT with the place at fault
 */
export function checkDefinition(definition: unknown, field: string): Record<string, unknown> {
  try {
    return complete(definition)
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error
    throw badInput(`This is not a presentation definition that can be asked: see ${error.message}.`, field)
  }
}

/** Takes what a prover has proposed as the definition to ask. @throws CONFLICT where it is none */
export function checkProposedDefinition(proposed: unknown): Record<string, unknown> {
  try {
    return complete(proposed)
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error
    throw conflict('What is proposed cannot be asked as it is. Give a request of your own, or decline it.')
  }
}

function complete(definition: unknown): Record<string, unknown> {
  const given = typeof definition === 'object' && definition !== null ? definition : {}
  const whole = { id: newId(), format: FORMAT, ...given }
  readDefinition(whole)
  return whole
}
