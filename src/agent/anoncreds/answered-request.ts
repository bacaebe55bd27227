import type {
  AnonCredsCredentialDefinition,
  AnonCredsNonRevokedInterval,
  AnonCredsProof,
  AnonCredsProofRequest,
  AnonCredsProofRequestRestriction,
  AnonCredsRequestedPredicate,
  AnonCredsRevocationRegistryDefinition,
  AnonCredsSchema,
} from '@credo-ts/anoncreds'

/** What a presentation refers to, by id, as it is published. */
export interface Referred {
  schemas: Record<string, AnonCredsSchema>
  definitions: Record<string, AnonCredsCredentialDefinition>
  registries: Record<string, AnonCredsRevocationRegistryDefinition>
}

/** A thing that was asked, and the sub-proof that answers it. */
interface Answer {
  index: number
  names: string[]
  revealed: boolean
  restrictions?: AnonCredsProofRequestRestriction[] | undefined
  interval?: AnonCredsNonRevokedInterval | undefined
  predicate?: AnonCredsRequestedPredicate
}

interface Shown {
  sub_proof_index: number
}

interface SubProof {
  primary_proof: { ge_proofs: { predicate: { attr_name: string; p_type: string; value: number } }[] }
  non_revoc_proof?: unknown
}

const PREDICATE_TYPES = { '>=': 'GE', '>': 'GT', '<=': 'LE', '<': 'LT' } as const

/**
 * Whether a presentation answers what was asked. The library checks that the parts of a presentation hold. Which part
 * answers what, and by which registry, it takes from the presentation, so from the prover; and that is checked here:
 *
 * 1. each attribute is answered once: by a revealed value, by one that is not told, or by the prover's own word, which
 *    is for attributes without restrictions only. Else one could pass the restrictions, and another be read;
 * 2. the sub-proof has the predicate that was asked, and not an easier one;
 * 3. a definition is one of the schema that is named with it;
 * 4. a restriction by value is one of a value that is revealed;
 * 5. what had to be not revoked is shown so, by a registry of the same definition and issuer: anyone can publish a
 *    registry of their own in which nothing is revoked.
 */
export function answersRequest(proof: AnonCredsProof, request: AnonCredsProofRequest, referred: Referred): boolean {
  const proofs = proof.proof.proofs as SubProof[]
  if (proofs.length !== proof.identifiers.length) return false
  const answers = answersOf(proof, request)
  return answers?.every((answer) => holds(answer, proof, proofs, referred)) ?? false
}

/** Whether a presentation names no more credentials than there are things asked: what it names is fetched. */
export function namesNoMore({ identifiers }: AnonCredsProof, request: AnonCredsProofRequest): boolean {
  const { requested_attributes: attributes, requested_predicates: predicates } = request
  return identifiers.length <= Object.keys(attributes).length + Object.keys(predicates).length
}

/** @returns undefined where not each thing is answered once, in a way that it can be */
function answersOf({ requested_proof: given }: AnonCredsProof, request: AnonCredsProofRequest): Answer[] | undefined {
  const { revealed_attrs: single = {}, revealed_attr_groups: groups = {}, unrevealed_attrs: hidden = {} } = given
  const { self_attested_attrs: claimed = {}, predicates = {} } = given
  const answers: Answer[] = []
  const count = [single, groups, hidden, claimed].reduce((sum, part) => sum + Object.keys(part).length, 0)
  if (count !== Object.keys(request.requested_attributes).length) return undefined
  for (const [referent, { name, names, restrictions, non_revoked }] of Object.entries(request.requested_attributes)) {
    const interval = non_revoked ?? request.non_revoked
    const asked = { names: names ?? [name ?? ''], restrictions, interval }
    const shown: Shown | undefined = names ? own(groups, referent) : own(single, referent)
    const index = (shown ?? own(hidden, referent))?.sub_proof_index
    if (index !== undefined) answers.push({ ...asked, index, revealed: shown !== undefined })
    else if (own(claimed, referent) === undefined || (restrictions?.length ?? 0) > 0) return undefined
  }
  if (Object.keys(predicates).length !== Object.keys(request.requested_predicates).length) return undefined
  for (const [referent, predicate] of Object.entries(request.requested_predicates)) {
    const index = own(predicates, referent)?.sub_proof_index
    if (index === undefined) return undefined
    const { name, restrictions, non_revoked } = predicate
    const interval = non_revoked ?? request.non_revoked
    answers.push({ index, names: [name], revealed: false, restrictions, interval, predicate })
  }
  return answers
}

function holds(answer: Answer, { identifiers }: AnonCredsProof, proofs: SubProof[], referred: Referred): boolean {
  const { index, names, revealed, restrictions = [], interval, predicate } = answer
  const [identifier, sub] = [identifiers[index], proofs[index]]
  if (!identifier || !sub) return false
  const definition = own(referred.definitions, identifier.cred_def_id)
  const schema = own(referred.schemas, identifier.schema_id)
  if (!definition || !schema || definition.schemaId !== identifier.schema_id) return false
  const attributes = new Set(schema.attrNames.map(common))
  if (!names.every((name) => attributes.has(common(name)))) return false
  if (predicate && !provesPredicate(sub, predicate)) return false
  const byValue = names.map((name) => `attr::${name}::value`)
  if (!revealed && restrictions.some((one) => byValue.some((tag) => tag in one))) return false
  const { rev_reg_id: registryId, timestamp, cred_def_id: definitionId } = identifier
  if (registryId && timestamp) {
    const registry = own(referred.registries, registryId)
    if (registry?.credDefId !== definitionId || registry.issuerId !== definition.issuerId) return false
    return sub.non_revoc_proof != null
  }
  return !interval || definition.value.revocation === undefined
}

const provesPredicate = ({ primary_proof }: SubProof, { name, p_type, p_value }: AnonCredsRequestedPredicate) =>
  primary_proof.ge_proofs.some(
    ({ predicate }) =>
      common(predicate.attr_name) === common(name) &&
      predicate.p_type === PREDICATE_TYPES[p_type] &&
      predicate.value === p_value,
  )

/** AnonCreds takes names that differ by case or spaces only for the same. */
export const common = (name: string) => name.replaceAll(' ', '').toLowerCase()

const own = <T>(of: Record<string, T>, key: string): T | undefined => (Object.hasOwn(of, key) ? of[key] : undefined)
