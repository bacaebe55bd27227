import {
  type AnonCredsCredentialDefinition,
  AnonCredsCredentialDefinitionRepository,
  type AnonCredsRevocationRegistryDefinition,
  AnonCredsRevocationRegistryDefinitionPrivateRepository,
} from '@credo-ts/anoncreds'
import type { AgentContext } from '@credo-ts/core'

/** What a status list of a registry is computed with. */
export interface RegistryKeys {
  definition: AnonCredsCredentialDefinition
  registry: AnonCredsRevocationRegistryDefinition
  registryPrivate: Record<string, unknown>
}

export async function registryKeys(
  context: AgentContext,
  registryId: string,
  registry: AnonCredsRevocationRegistryDefinition,
): Promise<RegistryKeys> {
  const { credentialDefinition: definition } = await context
    .resolve(AnonCredsCredentialDefinitionRepository)
    .getByCredentialDefinitionId(context, registry.credDefId)
  const { value: registryPrivate } = await context
    .resolve(AnonCredsRevocationRegistryDefinitionPrivateRepository)
    .getByRevocationRegistryDefinitionId(context, registryId)
  return { definition, registry, registryPrivate }
}
