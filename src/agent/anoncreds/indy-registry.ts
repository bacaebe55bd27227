import {
  type AnonCredsRegistry,
  didIndyCredentialDefinitionIdRegex,
  didIndyRegex,
  didIndyRevocationRegistryIdRegex,
  didIndySchemaIdRegex,
  type GetCredentialDefinitionReturn,
  type GetRevocationRegistryDefinitionReturn,
  type GetRevocationStatusListReturn,
  type GetSchemaReturn,
  unqualifiedCredentialDefinitionIdRegex,
  unqualifiedRevocationRegistryIdRegex,
  unqualifiedSchemaIdRegex,
} from '@credo-ts/anoncreds'
import type { AgentContext } from '@credo-ts/core'
import { LRUCache } from 'lru-cache'
import type { Logger } from '../../lib/logger.js'
import { noteNeed } from '../outside-needs.js'
import type { Found, IndyReader } from './indy-reader.js'

const IDENTIFIERS = [
  didIndyRegex,
  didIndySchemaIdRegex,
  didIndyCredentialDefinitionIdRegex,
  didIndyRevocationRegistryIdRegex,
  unqualifiedSchemaIdRegex,
  unqualifiedCredentialDefinitionIdRegex,
  unqualifiedRevocationRegistryIdRegex,
]

const DAY_MS = 24 * 60 * 60_000
/** What was not found may come. */
const MISSING_MS = 5000
/** A time that has just passed may still get a list. */
const SETTLED_MS = 60_000
/** Most of what is kept, in characters of JSON. */
const KEPT = 64 * 2 ** 20

/** AnonCreds objects of Indy ledgers, for reading: what is not at hand is read with no unit waiting for it. */
export class IndyRegistry implements AnonCredsRegistry {
  readonly methodName = 'indy'
  readonly supportedIdentifier = new RegExp(IDENTIFIERS.map(({ source }) => source).join('|'))
  readonly allowsCaching = false
  readonly allowsLocalRecord = false
  private readonly known = new LRUCache<string, { found: Found<object> | undefined }>({ max: 10_000, maxSize: KEPT })

  constructor(
    private readonly reader: IndyReader,
    private readonly logger: Logger,
  ) {}

  async getSchema(_context: AgentContext, schemaId: string): Promise<GetSchemaReturn> {
    const found = this.find(schemaId, () => this.reader.schema(schemaId))
    if (!found) return { ...NOT_FOUND, schemaId, schemaMetadata: {} }
    const schemaMetadata = { ...metadataOf(found), indyLedgerSeqNo: found.sequence }
    return { schema: found.object, schemaId, resolutionMetadata: {}, schemaMetadata }
  }

  async getCredentialDefinition(_context: AgentContext, id: string): Promise<GetCredentialDefinitionReturn> {
    const found = this.find(id, () => this.reader.definition(id))
    if (!found) return { ...NOT_FOUND, credentialDefinitionId: id, credentialDefinitionMetadata: {} }
    return {
      credentialDefinition: found.object,
      credentialDefinitionId: id,
      credentialDefinitionMetadata: metadataOf(found),
      resolutionMetadata: {},
    }
  }

  async getRevocationRegistryDefinition(
    _context: AgentContext,
    id: string,
  ): Promise<GetRevocationRegistryDefinitionReturn> {
    const found = this.find(id, () => this.reader.registry(id))
    const named = { revocationRegistryDefinitionId: id }
    if (!found) return { ...NOT_FOUND, ...named, revocationRegistryDefinitionMetadata: {} }
    return {
      ...named,
      revocationRegistryDefinition: found.object,
      revocationRegistryDefinitionMetadata: metadataOf(found),
      resolutionMetadata: {},
    }
  }

  async getRevocationStatusList(
    _context: AgentContext,
    registryId: string,
    timestamp: number,
  ): Promise<GetRevocationStatusListReturn> {
    const settled = timestamp * 1000 < Date.now() - SETTLED_MS
    const name = `${registryId} ${timestamp}`
    const found = this.find(name, () => this.reader.statusList(registryId, timestamp), settled ? DAY_MS : SETTLED_MS)
    if (!found) return { ...NOT_FOUND, revocationStatusListMetadata: {} }
    return {
      revocationStatusList: found.object,
      resolutionMetadata: {},
      revocationStatusListMetadata: metadataOf(found),
    }
  }

  /** What is at hand; a ledger forgets and changes nothing, so it stays true. */
  private find<T extends object>(
    name: string,
    read: () => Promise<Found<T> | undefined>,
    ttl = DAY_MS,
  ): Found<T> | undefined {
    const known = this.known.get(name)
    if (!known) noteNeed(name, () => this.prepare(name, read, ttl))
    return known?.found as Found<T> | undefined
  }

  /** Reads an object; resolves in any case. */
  private async prepare(name: string, read: () => Promise<Found<object> | undefined>, ttl: number): Promise<void> {
    const found = await read().catch((error: unknown) => {
      this.logger.warn('an Indy ledger could not be read', { error })
      return undefined
    })
    const size = found ? JSON.stringify(found.object).length : 1
    this.known.set(name, { found }, { ttl: found ? ttl : MISSING_MS, size })
  }

  // This gateway reads ledgers, and writes to none.
  registerSchema = refuse
  registerCredentialDefinition = refuse
  registerRevocationRegistryDefinition = refuse
  registerRevocationStatusList = refuse
}

const NOT_FOUND = { resolutionMetadata: { error: 'notFound', message: 'is in no ledger that answers' } } as const

const metadataOf = ({ network }: Found<object>) => ({ didIndyNamespace: network.namespace })

const refuse = (): never => {
  throw new Error('Indy ledgers are only read')
}
