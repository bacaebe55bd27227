import {
  type AnonCredsProofRequest,
  isUnqualifiedCredentialDefinitionId,
  isUnqualifiedIndyDid,
  isUnqualifiedRevocationRegistryId,
  isUnqualifiedSchemaId,
} from '@credo-ts/anoncreds'

/** Whether a request restricts by the identifiers of Indy before DIDs: then the proof is to use them too. */
export function usesUnqualifiedIdentifiers(request: AnonCredsProofRequest): boolean {
  const requested = [...Object.values(request.requested_attributes), ...Object.values(request.requested_predicates)]
  const holds = (is: (id: string) => boolean, ...ids: (string | undefined)[]) => ids.some((id) => id && is(id))
  return requested
    .flatMap(({ restrictions = [] }) => restrictions)
    .some(
      (of) =>
        holds(isUnqualifiedCredentialDefinitionId, of.cred_def_id) ||
        holds(isUnqualifiedSchemaId, of.schema_id) ||
        holds(isUnqualifiedRevocationRegistryId, of.rev_reg_id) ||
        holds(isUnqualifiedIndyDid, of.issuer_did, of.issuer_id, of.schema_issuer_did, of.schema_issuer_id),
    )
}
