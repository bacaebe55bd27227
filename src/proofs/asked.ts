import type { WalletAgent } from '../agent/wallet-agent.js'
import { checkDefinition, checkProposedDefinition } from './presentation-definition.js'
import type { ProofFormat } from './proof-exchange.type.js'
import { checkProofRequest, checkProposedRequest, type ProofRequest } from './proof-request.js'
import { type Fitting, select, selectForDescriptors } from './selection.js'

type Format = keyof typeof ProofFormat

/** What is asked or proposed, in one of the formats; how each is said to Credo. */
export interface Asked {
  format: Format
  request: Record<string, unknown>
}

/** @throws BAD_USER_INPUT with the place at fault */
export function checkAsked(format: Format | null | undefined, request: unknown, field: string): Asked {
  return format === 'PRESENTATION_EXCHANGE'
    ? { format, request: checkDefinition(request, field) }
    : { format: 'ANONCREDS', request: { ...checkProofRequest(request, field) } }
}

/** @throws CONFLICT where what was proposed cannot be asked */
export function checkProposed({ format, request }: Asked): Asked {
  return format === 'PRESENTATION_EXCHANGE'
    ? { format, request: checkProposedDefinition(request) }
    : { format, request: { ...checkProposedRequest(request) } }
}

/**
 * As Credo wants it, under a name that the other side sees.
 * @param anoncreds the name that it has for AnonCreds: present proof 1.0 has another one
 */
export function named({ format, request }: Asked, name: string, anoncreds: 'anoncreds' | 'indy' = 'anoncreds'): never {
  return (
    format === 'PRESENTATION_EXCHANGE'
      ? { presentationExchange: { presentationDefinition: { ...request, name } } }
      : { [anoncreds]: { ...request, name } }
  ) as never
}

/** What fits, by referent or descriptor, from what Credo has found. */
export function fittingIn(found: object): Record<string, Fitting[]> {
  if ('presentationExchange' in found) return found.presentationExchange as Record<string, Fitting[]>
  const [{ attributes = {}, predicates = {} } = {}] = Object.values(found as Record<string, Found>)
  return { ...attributes, ...predicates }
}

interface Found {
  attributes?: Record<string, Fitting[]>
  predicates?: Record<string, Fitting[]>
}

/** What answers what. @throws BAD_USER_INPUT for a choice that does not fit, CONFLICT where nothing does */
export function chosen(
  { format, request }: Asked,
  fitting: Record<string, Fitting[]>,
  selection: unknown,
  field: string,
): object {
  return format === 'PRESENTATION_EXCHANGE'
    ? { credentials: selectForDescriptors(fitting, selection, field) }
    : select(request as ProofRequest, fitting, selection, field)
}

/** By the name of the format that the request has: older agents have another one for the same. */
export async function inItsFormat(agent: WalletAgent, id: string, options: object) {
  const { request = {} } = await agent.proofs.getFormatData(id)
  const name = (['anoncreds', 'indy', 'presentationExchange'] as const).find((known) => known in request)
  return { [name ?? 'indy']: options } as never
}
