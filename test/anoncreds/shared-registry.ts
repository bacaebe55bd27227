import type {
  AnonCredsCredentialDefinition,
  AnonCredsRegistry,
  AnonCredsRevocationRegistryDefinition,
  AnonCredsRevocationStatusList,
  AnonCredsSchema,
} from '@credo-ts/anoncreds'

const nothing = { resolutionMetadata: { error: 'notFound' } }

/** A ledger in memory, for all wallets of a process. */
export class SharedRegistry implements AnonCredsRegistry {
  readonly methodName = 'shared'
  readonly supportedIdentifier = /^did:web:/
  readonly #schemas = new Map<string, AnonCredsSchema>()
  readonly #definitions = new Map<string, AnonCredsCredentialDefinition>()
  readonly #registries = new Map<string, AnonCredsRevocationRegistryDefinition>()
  readonly #lists: AnonCredsRevocationStatusList[] = []

  registerSchema: AnonCredsRegistry['registerSchema'] = async (_, { schema }) => {
    const schemaId = `${schema.issuerId}/schema/${schema.name}`
    this.#schemas.set(schemaId, schema)
    return { schemaState: { state: 'finished', schema, schemaId }, registrationMetadata: {}, schemaMetadata: {} }
  }

  getSchema: AnonCredsRegistry['getSchema'] = async (_, schemaId) => {
    const schema = this.#schemas.get(schemaId)
    return { ...(schema ? { schema, resolutionMetadata: {} } : nothing), schemaId, schemaMetadata: {} }
  }

  registerCredentialDefinition: AnonCredsRegistry['registerCredentialDefinition'] = async (_, options) => {
    const { credentialDefinition } = options
    const credentialDefinitionId = `${credentialDefinition.issuerId}/definition/${credentialDefinition.tag}`
    this.#definitions.set(credentialDefinitionId, credentialDefinition)
    return {
      credentialDefinitionState: { state: 'finished', credentialDefinition, credentialDefinitionId },
      registrationMetadata: {},
      credentialDefinitionMetadata: {},
    }
  }

  getCredentialDefinition: AnonCredsRegistry['getCredentialDefinition'] = async (_, credentialDefinitionId) => {
    const credentialDefinition = this.#definitions.get(credentialDefinitionId)
    return {
      ...(credentialDefinition ? { credentialDefinition, resolutionMetadata: {} } : nothing),
      credentialDefinitionId,
      credentialDefinitionMetadata: {},
    }
  }

  registerRevocationRegistryDefinition: AnonCredsRegistry['registerRevocationRegistryDefinition'] = async (
    _,
    options,
  ) => {
    const { revocationRegistryDefinition } = options
    const revocationRegistryDefinitionId = `${revocationRegistryDefinition.credDefId}/${revocationRegistryDefinition.tag}`
    this.#registries.set(revocationRegistryDefinitionId, revocationRegistryDefinition)
    return {
      revocationRegistryDefinitionState: {
        state: 'finished',
        revocationRegistryDefinition,
        revocationRegistryDefinitionId,
      },
      registrationMetadata: {},
      revocationRegistryDefinitionMetadata: {},
    }
  }

  getRevocationRegistryDefinition: AnonCredsRegistry['getRevocationRegistryDefinition'] = async (_, id) => {
    const revocationRegistryDefinition = this.#registries.get(id)
    return {
      ...(revocationRegistryDefinition ? { revocationRegistryDefinition, resolutionMetadata: {} } : nothing),
      revocationRegistryDefinitionId: id,
      revocationRegistryDefinitionMetadata: {},
    }
  }

  registerRevocationStatusList: AnonCredsRegistry['registerRevocationStatusList'] = async (_, options) => {
    const revocationStatusList = options.revocationStatusList as AnonCredsRevocationStatusList
    this.#lists.push(revocationStatusList)
    return {
      revocationStatusListState: { state: 'finished', revocationStatusList },
      registrationMetadata: {},
      revocationStatusListMetadata: {},
    }
  }

  getRevocationStatusList: AnonCredsRegistry['getRevocationStatusList'] = async (_, id, timestamp) => {
    const revocationStatusList = this.#lists.findLast((list) => list.revRegDefId === id && list.timestamp <= timestamp)
    return {
      ...(revocationStatusList ? { revocationStatusList, resolutionMetadata: {} } : nothing),
      revocationStatusListMetadata: {},
    }
  }
}
