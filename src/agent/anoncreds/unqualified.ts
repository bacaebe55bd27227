import {
  type AnonCredsCredentialDefinition,
  type AnonCredsProofRequest,
  type AnonCredsRevocationRegistryDefinition,
  type AnonCredsRevocationStatusList,
  getUnqualifiedCredentialDefinitionId,
  getUnqualifiedRevocationRegistryDefinitionId,
  getUnqualifiedSchemaId,
  isUnqualifiedCredentialDefinitionId,
  isUnqualifiedIndyDid,
  isUnqualifiedRevocationRegistryId,
  isUnqualifiedSchemaId,
  parseIndyCredentialDefinitionId,
  parseIndyDid,
  parseIndyRevocationRegistryId,
  parseIndySchemaId,
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

/** Identifiers of did:indy as Indy had them before DIDs, and objects that have them. */
export const unqualified = {
  did: (did: string) => (isUnqualifiedIndyDid(did) ? did : parseIndyDid(did).namespaceIdentifier),

  schemaId(id: string): string {
    const { namespaceIdentifier, schemaName, schemaVersion } = parseIndySchemaId(id)
    return getUnqualifiedSchemaId(namespaceIdentifier, schemaName, schemaVersion)
  },

  definitionId(id: string): string {
    const { namespaceIdentifier, schemaSeqNo, tag } = parseIndyCredentialDefinitionId(id)
    return getUnqualifiedCredentialDefinitionId(namespaceIdentifier, schemaSeqNo, tag)
  },

  registryId(id: string): string {
    const parsed = parseIndyRevocationRegistryId(id)
    const { namespaceIdentifier, schemaSeqNo, credentialDefinitionTag, revocationRegistryTag } = parsed
    return getUnqualifiedRevocationRegistryDefinitionId(
      namespaceIdentifier,
      schemaSeqNo,
      credentialDefinitionTag,
      revocationRegistryTag,
    )
  },

  definition: (of: AnonCredsCredentialDefinition): AnonCredsCredentialDefinition => ({
    ...of,
    issuerId: unqualified.did(of.issuerId),
    schemaId: unqualified.schemaId(of.schemaId),
  }),

  registry: (of: AnonCredsRevocationRegistryDefinition): AnonCredsRevocationRegistryDefinition => ({
    ...of,
    issuerId: unqualified.did(of.issuerId),
    credDefId: unqualified.definitionId(of.credDefId),
  }),

  list: (of: AnonCredsRevocationStatusList): AnonCredsRevocationStatusList => ({
    ...of,
    issuerId: unqualified.did(of.issuerId),
    revRegDefId: unqualified.registryId(of.revRegDefId),
  }),
}
