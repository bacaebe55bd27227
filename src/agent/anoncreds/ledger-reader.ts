import type {
  AnonCredsCredentialDefinition,
  AnonCredsRevocationRegistryDefinition,
  AnonCredsRevocationStatusList,
  AnonCredsSchema,
} from '@credo-ts/anoncreds'

/** An object, and what Credo wants to know beside it. */
export interface Found<T> {
  object: T
  metadata?: Record<string, unknown>
}

/**
 * Reads the AnonCreds objects of ledgers, by their ids. Everything here waits for the network, gives undefined where a
 * ledger has none, and throws where that cannot be told, or what it says does not hold.
 */
export interface LedgerReader {
  schema(id: string): Promise<Found<AnonCredsSchema> | undefined>
  definition(id: string): Promise<Found<AnonCredsCredentialDefinition> | undefined>
  registry(id: string): Promise<Found<AnonCredsRevocationRegistryDefinition> | undefined>
  /** Which credentials were revoked at a time (seconds). */
  statusList(registryId: string, timestamp: number): Promise<Found<AnonCredsRevocationStatusList> | undefined>
}

/** Whoever may write can say that a registry is of any size; a list of it is laid out in memory. */
export const LARGEST_REGISTRY = 2 ** 20
