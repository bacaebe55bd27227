import {
  type AnonCredsSchema,
  getUnQualifiedDidIndyDid,
  isIndyDid,
  isUnqualifiedIndyDid,
  W3cAnonCredsCredentialMetadataKey,
} from '@credo-ts/anoncreds'
import { CredoError, type W3cCredentialRecord, type W3cJsonLdVerifiableCredential } from '@credo-ts/core'

/** Where a credential comes from, and what it belongs to. */
export interface Origin {
  linkSecretId: string
  methodName: string
  schema: AnonCredsSchema
  schemaId: string
  definitionId: string
  registryId: string | undefined
  revocationId: string | undefined
}

/** Sets the tags and metadata by which Credo finds and reads an AnonCreds credential. */
export function describe(record: W3cCredentialRecord, credential: W3cJsonLdVerifiableCredential, origin: Origin): void {
  record.setTags({
    anonCredsLinkSecretId: origin.linkSecretId,
    anonCredsMethodName: origin.methodName,
    anonCredsSchemaId: origin.schemaId,
    anonCredsSchemaName: origin.schema.name,
    anonCredsSchemaVersion: origin.schema.version,
    anonCredsSchemaIssuerId: origin.schema.issuerId,
    anonCredsCredentialDefinitionId: origin.definitionId,
    anonCredsRevocationRegistryId: origin.registryId,
    anonCredsCredentialRevocationId: origin.revocationId,
    ...unqualifiedTags(credential.issuerId, origin),
    ...attributeTags(credential),
  })
  record.metadata.set(W3cAnonCredsCredentialMetadataKey, {
    credentialRevocationId: origin.revocationId,
    linkSecretId: origin.linkSecretId,
    methodName: origin.methodName,
  })
}

/** Credentials of Indy ledgers are also found by the identifiers from before DIDs. */
function unqualifiedTags(issuerId: string, { schema, schemaId, definitionId, registryId }: Origin) {
  if (!isIndyDid(issuerId) && !isUnqualifiedIndyDid(issuerId)) return {}
  return {
    anonCredsUnqualifiedIssuerId: getUnQualifiedDidIndyDid(issuerId),
    anonCredsUnqualifiedSchemaId: getUnQualifiedDidIndyDid(schemaId),
    anonCredsUnqualifiedSchemaIssuerId: getUnQualifiedDidIndyDid(schema.issuerId),
    anonCredsUnqualifiedCredentialDefinitionId: getUnQualifiedDidIndyDid(definitionId),
    anonCredsUnqualifiedRevocationRegistryId: registryId ? getUnQualifiedDidIndyDid(registryId) : undefined,
  }
}

function attributeTags({ credentialSubject }: W3cJsonLdVerifiableCredential): Record<string, string | boolean> {
  if (Array.isArray(credentialSubject)) throw new CredoError('Credential subject must be an object, not an array.')
  const tags: Record<string, string | boolean> = {}
  for (const [name, value] of Object.entries(credentialSubject.claims ?? {})) {
    if (typeof value === 'object') throw new CredoError('An attribute of an AnonCreds credential is one value')
    tags[`anonCredsAttr::${name}::value`] = String(value)
    tags[`anonCredsAttr::${name}::marker`] = true
  }
  return tags
}
