import {
  AnonCredsRevocationRegistryDefinitionPrivateRecord,
  AnonCredsRevocationRegistryDefinitionPrivateRepository,
  AnonCredsRevocationRegistryDefinitionRecord,
  AnonCredsRevocationRegistryDefinitionRepository,
  AnonCredsRevocationRegistryState,
} from '@credo-ts/anoncreds'
import type { WalletAgent } from '../agent/wallet-agent.js'
import type { Unit } from '../storage/unit.js'
import { type PublishedRegistry, revocationRegistries } from './revocation-registries.js'

export interface MadeRegistry {
  id: string
  credentialDefinitionId: string
  /** Its private part, which only the issuer has. */
  secret: Record<string, unknown>
  published: PublishedRegistry
}

/** Keeps a registry that is published, for credentials to be issued by. */
export async function keepRegistry(
  { context }: WalletAgent,
  unit: Unit,
  { id, credentialDefinitionId, secret, published }: MadeRegistry,
): Promise<void> {
  const record = new AnonCredsRevocationRegistryDefinitionRecord({
    revocationRegistryDefinitionId: id,
    revocationRegistryDefinition: published.definition,
  })
  await context.resolve(AnonCredsRevocationRegistryDefinitionRepository).save(context, record)
  const privateRecord = new AnonCredsRevocationRegistryDefinitionPrivateRecord({
    revocationRegistryDefinitionId: id,
    credentialDefinitionId,
    value: secret,
    state: AnonCredsRevocationRegistryState.Active,
  })
  await context.resolve(AnonCredsRevocationRegistryDefinitionPrivateRepository).save(context, privateRecord)
  const number = await revocationRegistries.nextNumber(unit, credentialDefinitionId)
  revocationRegistries.add(unit, id, credentialDefinitionId, number, published)
}
