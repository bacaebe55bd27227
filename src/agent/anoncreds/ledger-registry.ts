import type {
  AnonCredsRegistry,
  GetCredentialDefinitionReturn,
  GetRevocationRegistryDefinitionReturn,
  GetRevocationStatusListReturn,
  GetSchemaReturn,
} from '@credo-ts/anoncreds'
import type { AgentContext } from '@credo-ts/core'
import { LRUCache } from 'lru-cache'
import type { Logger } from '../../lib/logger.js'
import { noteNeed } from '../outside-needs.js'
import { listIssuedBy } from './issuing-lists.js'
import type { Found, LedgerReader } from './ledger-reader.js'

const DAY_MS = 24 * 60 * 60_000
/** What was not found may come. */
const MISSING_MS = 5000
/** A time that has just passed may still get a list: until then what was found counts no longer than this. */
const SETTLED_MS = 60_000
const UNSETTLED_MS = 5000
/** Most of what is kept, in characters of JSON. */
const KEPT = 64 * 2 ** 20

/** AnonCreds objects of ledgers: what is not at hand is read with no unit waiting for it. */
export abstract class LedgerRegistry implements AnonCredsRegistry {
  abstract readonly methodName: string
  abstract readonly supportedIdentifier: RegExp
  readonly allowsCaching = false
  readonly allowsLocalRecord = false
  private readonly known = new LRUCache<string, { found: Found<object> | undefined }>({ max: 10_000, maxSize: KEPT })

  constructor(
    private readonly reader: LedgerReader,
    private readonly logger: Logger,
  ) {}

  /** Whether what an id names still counts, whatever the ledger has of it. */
  protected async isInForce(_context: AgentContext, _id: string): Promise<boolean> {
    return true
  }

  async getSchema(context: AgentContext, schemaId: string): Promise<GetSchemaReturn> {
    const found = await this.find(context, schemaId, 'schema', () => this.reader.schema(schemaId))
    if (!found) return { ...NOT_FOUND, schemaId, schemaMetadata: {} }
    return { schema: found.object, schemaId, resolutionMetadata: {}, schemaMetadata: { ...found.metadata } }
  }

  async getCredentialDefinition(context: AgentContext, id: string): Promise<GetCredentialDefinitionReturn> {
    const found = await this.find(context, id, 'definition', () => this.reader.definition(id))
    if (!found) return { ...NOT_FOUND, credentialDefinitionId: id, credentialDefinitionMetadata: {} }
    return {
      credentialDefinition: found.object,
      credentialDefinitionId: id,
      credentialDefinitionMetadata: { ...found.metadata },
      resolutionMetadata: {},
    }
  }

  async getRevocationRegistryDefinition(
    context: AgentContext,
    id: string,
  ): Promise<GetRevocationRegistryDefinitionReturn> {
    const found = await this.find(context, id, 'registry', () => this.reader.registry(id))
    const named = { revocationRegistryDefinitionId: id }
    if (!found) return { ...NOT_FOUND, ...named, revocationRegistryDefinitionMetadata: {} }
    return {
      ...named,
      revocationRegistryDefinition: found.object,
      revocationRegistryDefinitionMetadata: { ...found.metadata },
      resolutionMetadata: {},
    }
  }

  async getRevocationStatusList(
    context: AgentContext,
    registryId: string,
    timestamp: number,
  ): Promise<GetRevocationStatusListReturn> {
    const own = listIssuedBy(registryId)
    if (own) return { revocationStatusList: own, resolutionMetadata: {}, revocationStatusListMetadata: {} }
    const read = () => this.readList(registryId, timestamp)
    const found = await this.find(context, registryId, listAt(timestamp), read, ttlAt(timestamp))
    if (!found) return { ...NOT_FOUND, revocationStatusListMetadata: {} }
    return {
      revocationStatusList: found.object,
      resolutionMetadata: {},
      revocationStatusListMetadata: { ...found.metadata },
    }
  }

  /** Whoever uses a list names it by its time, at which there may have been another as that was last asked for. */
  private async readList(registryId: string, timestamp: number) {
    const found = await this.reader.statusList(registryId, timestamp)
    const { timestamp: time } = found?.object ?? {}
    if (time !== undefined) this.keep(nameOf(registryId, listAt(time)), found, ttlAt(time))
    return found
  }

  /** What is at hand; a ledger forgets and changes nothing, so it stays true. */
  private async find<T extends object>(
    context: AgentContext,
    id: string,
    kind: string,
    read: () => Promise<Found<T> | undefined>,
    ttl = DAY_MS,
  ): Promise<Found<T> | undefined> {
    const name = nameOf(id, kind)
    const known = this.known.get(name)
    if (!known) noteNeed(name, () => this.prepare(name, read, ttl))
    return (await this.isInForce(context, id)) ? (known?.found as Found<T> | undefined) : undefined
  }

  /** Reads an object; resolves in any case. */
  private async prepare(name: string, read: () => Promise<Found<object> | undefined>, ttl: number): Promise<void> {
    const found = await read().catch((error: unknown) => {
      this.logger.warn('a ledger could not be read', { method: this.methodName, error })
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

/** Not every id tells what it is one of. */
const nameOf = (id: string, kind: string) => `${id} ${kind}`

const listAt = (timestamp: number) => `list ${timestamp}`

/** How long a list that was found for a time (seconds) counts. */
const ttlAt = (timestamp: number) => (timestamp * 1000 < Date.now() - SETTLED_MS ? DAY_MS : UNSETTLED_MS)

const refuse = (): never => {
  throw new Error('AnonCreds objects are published by the features that make them')
}
