import type {
  AnonCredsCredentialDefinition,
  AnonCredsRegistry,
  AnonCredsRevocationRegistryDefinition,
  AnonCredsRevocationStatusList,
  AnonCredsSchema,
  GetCredentialDefinitionReturn,
  GetRevocationRegistryDefinitionReturn,
  GetRevocationStatusListReturn,
  GetSchemaReturn,
} from '@credo-ts/anoncreds'
import type { AgentContext } from '@credo-ts/core'
import { InvalidResource, type ResourceContent } from '../attested-resource.js'
import type { OutsideResources } from '../outside-resources.js'
import { areAttributeNames } from './attribute-names.js'

const NOT_FOUND = {
  resolutionMetadata: { error: 'notFound', message: 'cannot be resolved, or does not hold' },
} as const

/**
 * AnonCreds objects as attested resources of did:webvh, read as stock agents write them. Beyond what those check, each
 * object has to name the DID that it is a resource of as its issuer, and a status list its registry; and a time before a
 * registry's first list has none.
 */
export class WebvhRegistry implements AnonCredsRegistry {
  readonly methodName = 'webvh'
  readonly supportedIdentifier = /^did:webvh:/
  readonly allowsCaching = false
  readonly allowsLocalRecord = false

  constructor(private readonly resources: OutsideResources) {}

  async getSchema(context: AgentContext, schemaId: string): Promise<GetSchemaReturn> {
    const schema = await this.content<AnonCredsSchema>(context, schemaId)
    if (!schema || !areAttributeNames(schema.attrNames)) return { ...NOT_FOUND, schemaId, schemaMetadata: {} }
    return { schema, schemaId, resolutionMetadata: {}, schemaMetadata: {} }
  }

  async getCredentialDefinition(context: AgentContext, id: string): Promise<GetCredentialDefinitionReturn> {
    const found = await this.content<AnonCredsCredentialDefinition>(context, id)
    const named = { credentialDefinitionId: id, credentialDefinitionMetadata: {} }
    if (found?.type !== 'CL' || !found.value?.primary) return { ...NOT_FOUND, ...named }
    return { ...named, credentialDefinition: found, resolutionMetadata: {} }
  }

  async getRevocationRegistryDefinition(
    context: AgentContext,
    id: string,
  ): Promise<GetRevocationRegistryDefinitionReturn> {
    const found = await this.content<AnonCredsRevocationRegistryDefinition>(context, id)
    const named = { revocationRegistryDefinitionId: id, revocationRegistryDefinitionMetadata: {} }
    if (found?.revocDefType !== 'CL_ACCUM' || !found.value?.tailsHash) return { ...NOT_FOUND, ...named }
    return { ...named, revocationRegistryDefinition: found, resolutionMetadata: {} }
  }

  /** The last list that was published up to a time (seconds). */
  async getRevocationStatusList(
    context: AgentContext,
    registryId: string,
    timestamp: number,
  ): Promise<GetRevocationStatusListReturn> {
    const missing = { ...NOT_FOUND, revocationStatusListMetadata: {} }
    const registry = await this.find(context, registryId)
    const link = registry?.links
      .filter((one) => one.timestamp !== undefined && one.timestamp <= timestamp)
      .reduce<{ id: string; timestamp: number } | undefined>(
        (latest, { id, timestamp: at = 0 }) => (!latest || at > latest.timestamp ? { id, timestamp: at } : latest),
        undefined,
      )
    if (!link || didOf(link.id) !== didOf(registryId)) return missing
    const list = await this.content<AnonCredsRevocationStatusList>(context, link.id)
    const holds =
      list?.revRegDefId === registryId && list.timestamp === link.timestamp && Array.isArray(list.revocationList)
    return holds ? { revocationStatusList: list, resolutionMetadata: {}, revocationStatusListMetadata: {} } : missing
  }

  private async find(context: AgentContext, id: string): Promise<ResourceContent | undefined> {
    try {
      return await this.resources.get(context, id)
    } catch (error) {
      if (error instanceof InvalidResource) return undefined
      throw error
    }
  }

  /** The content of a resource whose issuer is the DID that it belongs to. */
  private async content<T extends { issuerId: string }>(context: AgentContext, id: string): Promise<T | undefined> {
    const resource = await this.find(context, id)
    const content = resource?.content as T | undefined
    return content?.issuerId === didOf(id) ? content : undefined
  }

  // What the gateway publishes is published with the records that belong to it: see the features.
  registerSchema = refuse
  registerCredentialDefinition = refuse
  registerRevocationRegistryDefinition = refuse
  registerRevocationStatusList = refuse
}

const didOf = (id: string) => id.slice(0, id.indexOf('/'))

const refuse = (): never => {
  throw new Error('AnonCreds objects are published by the features that make them')
}
