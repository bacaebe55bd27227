import { z } from 'zod'
import { badInput, conflict } from '../lib/errors.js'
import type { ProofRequest } from './proof-request.js'

/** A credential of the wallet that fits a referent. */
export interface Fitting {
  credentialId: string
  /** Attributes and ids of the credential. */
  credentialInfo: Record<string, unknown>
  revealed?: boolean
  /** The status list that tells whether it is revoked: seconds since the epoch. */
  timestamp?: number
  revoked?: boolean
}

/** What answers a request, as AnonCreds wants it. */
export interface Selected {
  attributes: Record<string, Fitting>
  predicates: Record<string, Fitting>
  selfAttestedAttributes: Record<string, string>
}

const choice = z.union([
  z.string().transform((credentialId) => ({ credentialId, revealed: true })),
  z.strictObject({ credentialId: z.string(), revealed: z.boolean().default(true) }),
  z.strictObject({ selfAttested: z.string().max(1_000_000) }),
])
const choices = z.record(z.string(), choice)

/**
 * Chooses what answers each referent of a request: what the holder names, else the newest credential that is not revoked.
 * @throws BAD_USER_INPUT for a choice that does not fit, CONFLICT where nothing does
 */
export function select(
  { requested_attributes, requested_predicates }: ProofRequest,
  fitting: Record<string, Fitting[]>,
  selection: unknown,
  field: string,
): Selected {
  const { success, data: chosen } = choices.safeParse(selection)
  if (!success)
    throw badInput('Give for each referent a credential id, {credentialId, revealed} or {selfAttested}.', field)
  const asked = new Set([...Object.keys(requested_attributes), ...Object.keys(requested_predicates)])
  if (!Object.keys(chosen).every((referent) => asked.has(referent))) {
    throw badInput('The request has no such referent.', field)
  }
  const selected: Selected = { attributes: {}, predicates: {}, selfAttestedAttributes: {} }
  for (const [referent, { restrictions = [] }] of Object.entries(requested_attributes)) {
    const own = chosen[referent]
    if (own && 'selfAttested' in own) {
      if (restrictions.length > 0) throw badInput('A restricted attribute must be answered by a credential.', field)
      selected.selfAttestedAttributes[referent] = own.selfAttested
    } else {
      selected.attributes[referent] = {
        ...pick(fitting[referent], own?.credentialId, field),
        revealed: own?.revealed ?? true,
      }
    }
  }
  for (const referent of Object.keys(requested_predicates)) {
    const own = chosen[referent]
    if (own && 'selfAttested' in own) throw badInput('A predicate must be answered by a credential.', field)
    selected.predicates[referent] = pick(fitting[referent], own?.credentialId, field)
  }
  return selected
}

/**
 * Chooses which credential answers each input descriptor of a presentation definition.
 * @throws BAD_USER_INPUT for a choice that does not fit, CONFLICT where nothing does
 */
export function selectForDescriptors(
  fitting: Record<string, Fitting[]>,
  selection: unknown,
  field: string,
): Record<string, string> {
  const { success, data: chosen } = z.record(z.string(), z.string()).safeParse(selection)
  if (!success) throw badInput('Give for each input descriptor a credential id.', field)
  if (!Object.keys(chosen).every((id) => Object.hasOwn(fitting, id))) {
    throw badInput('The request has no such input descriptor.', field)
  }
  const picked = Object.entries(fitting).map(([id, some]) => [id, pick(some, chosen[id], field).credentialId])
  return Object.fromEntries(picked)
}

function pick(fitting: Fitting[] = [], credentialId: string | undefined, field: string): Fitting {
  if (credentialId === undefined) {
    const [first] = fitting.filter(({ revoked }) => revoked !== true)
    if (first) return first
    const isRevoked = fitting.length > 0
    throw conflict(
      `${isRevoked ? 'Every credential that answers this request is revoked' : 'No credential of this wallet answers this request'}. Decline it, or get one that does.`,
    )
  }
  const found = fitting.find((candidate) => candidate.credentialId === credentialId)
  if (!found) throw badInput('This credential does not fit. credentialsForProof tells which do.', field)
  if (found.revoked) throw badInput('This credential is revoked.', field)
  return found
}
