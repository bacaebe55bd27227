import type { AnonCredsProofRequest } from '@credo-ts/anoncreds'
import type { AnonCredsWorkers, Args, Result } from '../../src/anoncreds/index.js'

const ISSUER_ID = 'did:web:issuer.example'
const SCHEMA_ID = `${ISSUER_ID}/schema`
const DEFINITION_ID = `${ISSUER_ID}/definition`
/** SHA-256 of the text, as a number. */
const ENCODED_ALICE = '27034640024117331033063128044004318218486816931520886405535659934417438781507'
const REGISTRY_ID = `${ISSUER_ID}/registry`

/** A definition without its secret. */
export type PublicDefinition = Omit<Result<'createCredentialDefinition'>, 'credentialDefinitionPrivate'>

/** What an issuer has after it has made a definition with a registry. */
export interface Issuer {
  definition: Result<'createCredentialDefinition'>
  schema: Result<'createSchema'>
  registry: Result<'createRevocationRegistryDefinition'>
  statusList: Result<'createRevocationStatusList'>
}

/** Makes a schema of two attributes, a definition, and a registry of `size`. */
export async function createIssuer(workers: AnonCredsWorkers, tenantId: string, size: number): Promise<Issuer> {
  const schema = await workers.call(tenantId, 'createSchema', {
    issuerId: ISSUER_ID,
    name: 'degree',
    version: '1.0',
    attributeNames: ['name', 'year'],
  })
  const definition = await createDefinition(workers, tenantId, schema)
  const registry = await createRegistry(workers, tenantId, definition, size)
  const statusList = await workers.call(tenantId, 'createRevocationStatusList', {
    definition: definition.credentialDefinition,
    registryId: REGISTRY_ID,
    registry: registry.revocationRegistryDefinition,
    registryPrivate: registry.revocationRegistryDefinitionPrivate,
    issuerId: ISSUER_ID,
    timestamp: 100,
  })
  return { schema, definition, registry, statusList }
}

export function createDefinition(
  workers: AnonCredsWorkers,
  tenantId: string,
  schema: Issuer['schema'],
): Promise<Issuer['definition']> {
  return workers.call(tenantId, 'createCredentialDefinition', {
    schema,
    schemaId: SCHEMA_ID,
    issuerId: ISSUER_ID,
    tag: 'a',
    supportRevocation: true,
  })
}

export async function createRegistry(
  workers: AnonCredsWorkers,
  tenantId: string,
  definition: PublicDefinition,
  size: number,
): Promise<Issuer['registry']> {
  return workers.call(tenantId, 'createRevocationRegistryDefinition', {
    definition: definition.credentialDefinition,
    definitionId: DEFINITION_ID,
    issuerId: ISSUER_ID,
    tag: 'a',
    size,
    tailsFolder: await workers.tailsFolder(),
  })
}

/** What a holder has of one credential. */
export interface Held {
  credential: Result<'legacyToW3c'>
  linkSecret: string
  index: number
}

/** Offer, request, credential, and what the holder makes of it. */
export async function issue(
  workers: AnonCredsWorkers,
  [issuerId, holderId]: [string, string],
  { definition, registry, statusList }: Issuer,
  index: number,
): Promise<Held> {
  const offer = await createOffer(workers, issuerId, definition)
  const linkSecret = await workers.call(holderId, 'createLinkSecret', {})
  const { credentialRequest, credentialRequestMetadata } = await workers.call(holderId, 'createCredentialRequest', {
    offer,
    definition: definition.credentialDefinition,
    linkSecret,
    linkSecretId: 'mine',
  })
  const credential = await workers.call(issuerId, 'createCredential', {
    definition: definition.credentialDefinition,
    definitionPrivate: definition.credentialDefinitionPrivate,
    offer,
    request: credentialRequest,
    raw: { name: 'Alice', year: '2020' },
    encoded: { name: ENCODED_ALICE, year: '2020' },
    revocation: {
      definition: registry.revocationRegistryDefinition,
      definitionPrivate: registry.revocationRegistryDefinitionPrivate,
      statusList,
      index,
    },
  })
  const held = await workers.call(holderId, 'legacyToW3c', {
    credential,
    issuerId: ISSUER_ID,
    processing: {
      requestMetadata: credentialRequestMetadata,
      linkSecret,
      definition: definition.credentialDefinition,
      registry: registry.revocationRegistryDefinition,
    },
  })
  return { credential: held, linkSecret, index }
}

export function createOffer(workers: AnonCredsWorkers, tenantId: string, definition: PublicDefinition) {
  return workers.call(tenantId, 'createCredentialOffer', {
    schemaId: SCHEMA_ID,
    definitionId: DEFINITION_ID,
    keyCorrectnessProof: definition.keyCorrectnessProof,
  })
}

/** Takes the credential of the index back, from the time of 200 on. */
export function revoke(
  workers: AnonCredsWorkers,
  tenantId: string,
  { definition, registry, statusList }: Issuer,
  index: number,
) {
  return workers.call(tenantId, 'updateRevocationStatusList', {
    statusList,
    timestamp: 200,
    change: {
      definition: definition.credentialDefinition,
      registry: registry.revocationRegistryDefinition,
      registryPrivate: registry.revocationRegistryDefinitionPrivate,
      revoked: [index],
    },
  })
}

/** Asks for the name, for a year of at least 2000, and that it is not revoked at the time of the list. */
export function requestOf({ timestamp }: Issuer['statusList']): AnonCredsProofRequest {
  return {
    name: 'a degree',
    version: '1.0',
    nonce: '1234567890',
    requested_attributes: { name: { name: 'name' } },
    requested_predicates: { year: { name: 'year', p_type: '>=', p_value: 2000 } },
    non_revoked: { from: timestamp, to: timestamp },
  }
}

const proves = [
  { entryIndex: 0, referent: 'name', isPredicate: false, reveal: true },
  { entryIndex: 0, referent: 'year', isPredicate: true, reveal: true },
]

/** What a presentation of the one credential is made of. */
export function presenting(
  { schema, definition, registry }: Issuer,
  { credential, linkSecret, index }: Held,
  statusList: Issuer['statusList'],
): Args<'createW3cPresentation'> {
  const nonRevocation = {
    definition: registry.revocationRegistryDefinition,
    statusList,
    index,
    tailsPath: registry.revocationRegistryDefinition.value.tailsLocation,
  }
  return {
    request: requestOf(statusList),
    credentials: [{ credential, timestamp: statusList.timestamp, nonRevocation }],
    proves,
    linkSecret,
    schemas: { [SCHEMA_ID]: schema },
    definitions: { [DEFINITION_ID]: definition.credentialDefinition },
  }
}

/** What a presentation is checked against. */
export function verifying(
  { schema, definition, registry }: Issuer,
  statusList: Issuer['statusList'],
): Omit<Args<'verifyPresentation'>, 'proof'> {
  return {
    request: requestOf(statusList),
    schemas: { [SCHEMA_ID]: schema },
    definitions: { [DEFINITION_ID]: definition.credentialDefinition },
    registries: { [REGISTRY_ID]: registry.revocationRegistryDefinition },
    statusLists: [statusList],
  }
}
