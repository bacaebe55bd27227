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
import { listIssuedBy } from './issuing-lists.js'

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
/** A time that has just passed may still get a list: until then what was found counts no longer than this. */
const SETTLED_MS = 60_000
const UNSETTLED_MS = 5000
/** Most of what is kept, in characters of JSON. */
const KEPT = 64 * 2 ** 20

/** AnonCreds objects of Indy ledgers: what is not at hand is read with no unit waiting for it. */
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
    const own = listIssuedBy(registryId)
    if (own) return { revocationStatusList: own, resolutionMetadata: {}, revocationStatusListMetadata: {} }
    const name = `${registryId} ${timestamp}`
    const found = this.find(name, () => this.readList(registryId, timestamp), ttlAt(timestamp))
    if (!found) return { ...NOT_FOUND, revocationStatusListMetadata: {} }
    return {
      revocationStatusList: found.object,
      resolutionMetadata: {},
      revocationStatusListMetadata: metadataOf(found),
    }
  }

  /** Whoever uses a list names it by its time, at which there may have been another as that was last asked for. */
  private async readList(registryId: string, timestamp: number) {
    const found = await this.reader.statusList(registryId, timestamp)
    const { timestamp: time } = found?.object ?? {}
    if (time !== undefined) this.keep(`${registryId} ${time}`, found, ttlAt(time))
    return found
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
    this.keep(name, found, found ? ttl : MISSING_MS)
  }

  private keep(name: string, found: Found<object> | undefined, ttl: number): void {
    this.known.set(name, { found }, { ttl, size: found ? JSON.stringify(found.object).length : 1 })
  }

  // What tenants write is written with the records that belong to it: see the features.
  registerSchema = refuse
  registerCredentialDefinition = refuse
  registerRevocationRegistryDefinition = refuse
  registerRevocationStatusList = refuse
}

const NOT_FOUND = { resolutionMetadata: { error: 'notFound', message: 'is in no ledger that answers' } } as const

/** How long a list that was found for a time (seconds) counts. */
const ttlAt = (timestamp: number) => (timestamp * 1000 < Date.now() - SETTLED_MS ? DAY_MS : UNSETTLED_MS)

const metadataOf = ({ network }: Found<object>) => ({ didIndyNamespace: network.namespace })

const refuse = (): never => {
  throw new Error('AnonCreds objects are published by the features that make them')
}
