import type { RecordJson, RecordObserver } from '../agent/ports.js'
import type { AnoncredsSchemaType, CredentialDefinitionType } from './anoncreds.type.js'

export const SCHEMA_RECORD = 'AnonCredsSchemaRecord'
export const DEFINITION_RECORD = 'AnonCredsCredentialDefinitionRecord'

/** Metadata of a definition's record: how many places each of its registries gets. */
export const REGISTRY_SIZE = 'tenantry/registry-size'

interface Schema {
  issuerId: string
  name: string
  version: string
  attrNames: string[]
}

interface Definition {
  issuerId: string
  schemaId: string
  tag: string
  value: { revocation?: unknown }
}

/** A stored schema record as the API shows it. */
export function schemaView(record: RecordJson): AnoncredsSchemaType {
  const { issuerId, name, version, attrNames } = record['schema'] as Schema
  return { id: String(record['schemaId']), issuerDid: issuerId, name, version, attributes: attrNames }
}

/** A stored credential definition record as the API shows it. */
export function definitionView(record: RecordJson): CredentialDefinitionType {
  const { issuerId, schemaId, tag, value } = record['credentialDefinition'] as Definition
  return {
    id: String(record['credentialDefinitionId']),
    schemaId,
    issuerDid: issuerId,
    tag,
    revocable: value.revocation !== undefined && value.revocation !== null,
  }
}

/** Lists what a tenant has published. */
export const anoncredsObservers = (): RecordObserver[] => [
  { type: SCHEMA_RECORD, list: () => 'schemas' },
  { type: DEFINITION_RECORD, list: () => 'credential-definitions' },
]
