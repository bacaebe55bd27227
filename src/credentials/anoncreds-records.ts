import {
  AnonCredsCredentialDefinitionPrivateRecord,
  AnonCredsCredentialDefinitionPrivateRepository,
  AnonCredsCredentialDefinitionRecord,
  AnonCredsCredentialDefinitionRepository,
  AnonCredsKeyCorrectnessProofRecord,
  AnonCredsKeyCorrectnessProofRepository,
  type AnonCredsSchema,
  AnonCredsSchemaRecord,
  AnonCredsSchemaRepository,
} from '@credo-ts/anoncreds'
import type { WalletAgent } from '../agent/wallet-agent.js'
import type { Result } from '../anoncreds/index.js'
import { conflict } from '../lib/errors.js'
import type { Unit } from '../storage/unit.js'
import { recordIn } from '../tenants/wallet-reader.js'
import type { AnoncredsSchemaType, CredentialDefinitionType } from './anoncreds.type.js'
import { DEFINITION_RECORD, definitionView, REGISTRY_SIZE, SCHEMA_RECORD, schemaView } from './anoncreds.view.js'

export type MadeDefinition = Result<'createCredentialDefinition'>
/** How it is published: as a resource of a did:webvh, or on a ledger. */
type Method = 'webvh' | 'indy'

/** @throws CONFLICT where name and version are used */
export async function assertNewSchema(unit: Unit, { issuerId, name, version }: AnonCredsSchema): Promise<void> {
  const known = { issuerId, schemaName: name, schemaVersion: version }
  if ((await unit.query(SCHEMA_RECORD, known)).length > 0) {
    throw conflict('This issuer has a schema of this name and version. Take another version.', 'input.version')
  }
}

export async function keepSchema(
  { context }: WalletAgent,
  unit: Unit,
  { id, schema, method }: { id: string; schema: AnonCredsSchema; method: Method },
): Promise<AnoncredsSchemaType> {
  const record = new AnonCredsSchemaRecord({ schemaId: id, schema, methodName: method })
  await context.resolve(AnonCredsSchemaRepository).save(context, record)
  return schemaView(await recordIn(unit, SCHEMA_RECORD, record.id, 'schema'))
}

/** @throws CONFLICT where the tag is used */
export async function assertNewDefinition(
  unit: Unit,
  { issuerDid, schemaId, tag }: { issuerDid: string; schemaId: string; tag: string },
): Promise<void> {
  if ((await unit.query(DEFINITION_RECORD, { issuerId: issuerDid, schemaId, tag })).length > 0) {
    throw conflict('This issuer has a credential definition of this schema and tag. Take another tag.', 'input.tag')
  }
}

/** Keeps a definition with its keys; `size`: the places of each of its registries. */
export async function keepDefinition(
  { context }: WalletAgent,
  unit: Unit,
  { id, made, size, method }: { id: string; made: MadeDefinition; size: number; method: Method },
): Promise<CredentialDefinitionType> {
  const record = new AnonCredsCredentialDefinitionRecord({
    credentialDefinitionId: id,
    credentialDefinition: made.credentialDefinition,
    methodName: method,
  })
  record.metadata.set(REGISTRY_SIZE, { size })
  await context.resolve(AnonCredsCredentialDefinitionRepository).save(context, record)
  const secret = new AnonCredsCredentialDefinitionPrivateRecord({
    credentialDefinitionId: id,
    value: made.credentialDefinitionPrivate,
  })
  await context.resolve(AnonCredsCredentialDefinitionPrivateRepository).save(context, secret)
  const proof = new AnonCredsKeyCorrectnessProofRecord({ credentialDefinitionId: id, value: made.keyCorrectnessProof })
  await context.resolve(AnonCredsKeyCorrectnessProofRepository).save(context, proof)
  return definitionView(await recordIn(unit, DEFINITION_RECORD, record.id, 'credential definition'))
}
