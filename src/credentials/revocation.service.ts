import {
  AnonCredsCredentialDefinitionRepository,
  AnonCredsCredentialMetadataKey,
  AnonCredsRevocationRegistryDefinitionPrivateRepository,
} from '@credo-ts/anoncreds'
import type { AgentContext } from '@credo-ts/core'
import {
  type DidCommCredentialExchangeRecord,
  DidCommCredentialExchangeRepository,
  DidCommCredentialState,
} from '@credo-ts/didcomm'
import { type ResourceLink, signResource } from '../agent/attested-resource.js'
import {
  isRevocable,
  NoPlaceError,
  type RevocationPlace,
  type RevocationPort,
} from '../agent/exchanges/credential-format.js'
import { keepNotes } from '../agent/exchanges/notes.js'
import { takeStep } from '../agent/exchanges/steps.js'
import type { AgentPorts, RecordJson } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import type { AnonCredsWorkers } from '../anoncreds/index.js'
import type { Hosting } from '../hosting/hosting.js'
import { conflict, isGatewayError, notFound } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import { StoreError } from '../storage/profile.js'
import type { Profiles } from '../storage/profiles.js'
import { currentUnit, type Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordOf, type WalletReader } from '../tenants/wallet-reader.js'
import { DEFINITION_RECORD, definitionView, REGISTRY_SIZE } from './anoncreds.view.js'
import type { CredentialExchangeType } from './credential-exchange.type.js'
import { anoncredsOf, credentialExchangeView, WAITING } from './credential-exchange.view.js'
import { type RegistryMaker, STATUS_LIST_TYPE, signStatusList } from './registry-maker.js'
import { revocationRegistries } from './revocation-registries.js'

const EXCHANGE_RECORD = 'CredentialRecord'
/** Registries of a definition that are kept ready: one is used, one takes its place. */
const READY = 2
const RETRY_MS = 5000

export interface RevocationOptions {
  sessions: Sessions
  profiles: Profiles
  reader: WalletReader
  ports: AgentPorts
  workers: AnonCredsWorkers
  maker: RegistryMaker
  hosting: Hosting
  /** Notes that a crash would leave registries unmade, and exchanges waiting. */
  mark: (tenantId: string) => Promise<void>
  logger: Logger
}

/** Revocation registries: made ahead, their places given out, and status lists published as credentials are revoked. */
export class RevocationService implements RevocationPort {
  /** Definitions whose registries are being made, by tenant. */
  private readonly providing = new Map<string, Map<string, Promise<void>>>()
  private readonly revoking = new Map<string, { exchangeIds: Set<string>; running: Promise<void> }>()
  private stopped = false

  constructor(private readonly options: RevocationOptions) {}

  async takePlace(context: AgentContext, definitionId: string): Promise<RevocationPlace | undefined> {
    const unit = unitOf(context)
    const place = await revocationRegistries.take(unit, definitionId)
    if ((await revocationRegistries.open(unit, definitionId)) < READY) {
      await this.announce(context.contextCorrelationId)
      this.provide(context.contextCorrelationId, definitionId)
    }
    return place
  }

  async hasPlace(context: AgentContext, definitionId: string): Promise<boolean> {
    if (!(await isRevocable(context, definitionId))) return true
    if ((await revocationRegistries.open(unitOf(context), definitionId)) > 0) return true
    // Whoever waits is found again, also after a crash.
    await this.announce(context.contextCorrelationId)
    this.provide(context.contextCorrelationId, definitionId)
    return false
  }

  /** Whether a request can be answered now. */
  async mayIssue(context: AgentContext, record: DidCommCredentialExchangeRecord): Promise<boolean> {
    const { credentialDefinitionId } = record.metadata.get(AnonCredsCredentialMetadataKey) ?? {}
    return !credentialDefinitionId || this.hasPlace(context, credentialDefinitionId)
  }

  /** To be awaited before a commit that leaves registries to be made. */
  announce(tenantId: string): Promise<void> {
    return this.options.mark(tenantId)
  }

  isBusy(tenantId: string): boolean {
    return this.providing.has(tenantId)
  }

  /** Has registries made, and then what waits for them issued; one at a time for each definition. */
  provide(tenantId: string, definitionId: string): void {
    const definitions = this.providing.get(tenantId) ?? new Map<string, Promise<void>>()
    if (definitions.has(definitionId) || this.stopped) return
    this.providing.set(tenantId, definitions)
    const done = this.provideAll(tenantId, definitionId).finally(() => {
      definitions.delete(definitionId)
      if (definitions.size === 0) this.providing.delete(tenantId)
    })
    definitions.set(definitionId, done)
  }

  /** Takes up what a crash, a lock or a suspension has left. */
  async goOn(tenantId: string): Promise<void> {
    for (const entry of await this.options.profiles.of(tenantId).query(DEFINITION_RECORD, {})) {
      const { id, revocable } = definitionView(recordOf(entry))
      if (revocable) this.provide(tenantId, id)
    }
  }

  /** Waits for what is being made. */
  async stop(): Promise<void> {
    this.stopped = true
    await Promise.all([...this.providing.values()].flatMap((definitions) => [...definitions.values()]))
  }

  /**
   * Revokes what an exchange has issued; those that come while a list is being made share the next.
   * @throws NOT_FOUND, CONFLICT where it has issued nothing that can be revoked
   */
  async revoke(tenantId: string, exchangeId: string): Promise<CredentialExchangeType> {
    const record = await this.options.reader.find(tenantId, EXCHANGE_RECORD, exchangeId)
    if (!record) throw notFound('credential exchange')
    const { revocationRegistryId } = assertRevocable(record)
    if (!credentialExchangeView(record).revoked) await this.revokeWithOthers(tenantId, revocationRegistryId, exchangeId)
    const revoked = await this.options.reader.find(tenantId, EXCHANGE_RECORD, exchangeId)
    if (!revoked) throw notFound('credential exchange')
    return credentialExchangeView(revoked)
  }

  private async revokeWithOthers(tenantId: string, registryId: string, exchangeId: string): Promise<void> {
    const key = `${tenantId}/${registryId}`
    const next = this.revoking.get(key)
    if (next) {
      next.exchangeIds.add(exchangeId)
      return next.running
    }
    const exchangeIds = new Set([exchangeId])
    const running = (async () => {
      // Whoever comes in this turn of the event loop, or while the wallet is in other work, is in the same list.
      await new Promise((resolve) => setImmediate(resolve))
      await this.options.sessions.transact(tenantId, (agent, unit) => {
        if (this.revoking.get(key)?.exchangeIds === exchangeIds) this.revoking.delete(key)
        return this.publishList(agent, unit, registryId, [...exchangeIds])
      })
    })()
    this.revoking.set(key, { exchangeIds, running })
    return running
  }

  private async publishList(
    agent: WalletAgent,
    unit: Unit,
    registryId: string,
    exchangeIds: readonly string[],
  ): Promise<void> {
    const { ports, workers } = this.options
    const { context } = agent
    const repository = context.resolve(DidCommCredentialExchangeRepository)
    const records = await Promise.all(exchangeIds.map((id) => repository.getById(context, id)))
    const fresh = records.filter((record) => !credentialExchangeView(jsonOf(record)).revoked)
    const published = await revocationRegistries.published(unit, registryId)
    if (!published) throw notFound('revocation registry')
    if (fresh.length === 0) return
    const { definition, metadata } = published
    const links = await this.linksOf(registryId)
    const last = Math.max(published.list.timestamp, ...links.map(({ timestamp = 0 }) => timestamp))
    const { credentialDefinition } = await context
      .resolve(AnonCredsCredentialDefinitionRepository)
      .getByCredentialDefinitionId(context, definition.credDefId)
    const { value: registryPrivate } = await context
      .resolve(AnonCredsRevocationRegistryDefinitionPrivateRepository)
      .getByRevocationRegistryDefinitionId(context, registryId)
    const list = await workers.call(context.contextCorrelationId, 'updateRevocationStatusList', {
      statusList: published.list,
      timestamp: Math.max(Math.floor(Date.now() / 1000), last + 1),
      change: {
        definition: credentialDefinition,
        registry: definition,
        registryPrivate,
        revoked: fresh.map((record) => assertRevocable(jsonOf(record)).index),
      },
    })
    const listed = await signStatusList(context, list)
    const link: ResourceLink = { id: listed.resourceId, type: STATUS_LIST_TYPE, timestamp: list.timestamp }
    const content = { ...definition }
    ports.publish(unit, listed)
    ports.publish(
      unit,
      await signResource(context, { issuerDid: definition.issuerId, content, metadata, links: [...links, link] }),
    )
    await revocationRegistries.keepList(unit, registryId, { definition, metadata, list })
    for (const record of fresh) {
      keepNotes(record, { revoked: true })
      await repository.update(context, record)
      if (record.connectionId) await this.tellHolder(agent, record)
    }
  }

  private async tellHolder(agent: WalletAgent, record: DidCommCredentialExchangeRecord): Promise<void> {
    const { revocationRegistryId, index } = assertRevocable(jsonOf(record))
    await takeStep('The holder cannot be told.', () =>
      agent.credentials.sendRevocationNotification({
        credentialExchangeRecordId: record.id,
        revocationFormat: 'anoncreds',
        revocationId: `${revocationRegistryId}::${index}`,
      }),
    )
  }

  /** The lists of a registry as they are served now: what an attempt has published that came to nothing stays there. */
  private async linksOf(registryId: string): Promise<ResourceLink[]> {
    const { hosting } = this.options
    const [did = '', id = ''] = registryId.split('/resources/')
    const body = await hosting.resource(hosting.pathOf(did) ?? '', id)
    return body ? ((JSON.parse(body) as { links?: ResourceLink[] }).links ?? []) : []
  }

  private async provideAll(tenantId: string, definitionId: string): Promise<void> {
    const { sessions, maker, logger } = this.options
    for (;;) {
      try {
        const { open, order } = await sessions.transact(tenantId, async ({ context }, unit) => ({
          open: await revocationRegistries.open(unit, definitionId),
          order: await orderOf(context, definitionId),
        }))
        if (open > 0) await this.issueWaiting(tenantId, definitionId)
        if (open >= READY || this.stopped) return
        await maker.make(tenantId, order)
      } catch (error) {
        // One that is locked, suspended or gone is taken up as it goes on.
        if (isGatewayError(error) || this.stopped) return
        logger.warn('A revocation registry could not be made; trying again', { tenantId, error })
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  /** Issues what was agreed to while no registry was ready. */
  private async issueWaiting(tenantId: string, definitionId: string): Promise<void> {
    const { sessions, profiles, logger } = this.options
    for (const { name } of await profiles.of(tenantId).query(EXCHANGE_RECORD, { [WAITING]: definitionId })) {
      try {
        await sessions.transact(tenantId, async (agent) => {
          const record = await agent.credentials.getById(name)
          if (record.state !== DidCommCredentialState.RequestReceived) return
          await agent.credentials.acceptRequest({ credentialExchangeRecordId: name })
        })
      } catch (error) {
        if (isGatewayError(error) || error instanceof StoreError) throw error
        // The next registry is for those that this one had no place for.
        if (error instanceof NoPlaceError) return
        logger.warn('What waited for a revocation registry could not be issued', { tenantId, error })
        await sessions.transact(tenantId, (agent) => abandon(agent, name))
      }
    }
  }
}

/** Ends an exchange whose request does not hold, and tells the holder. */
async function abandon(agent: WalletAgent, id: string): Promise<void> {
  const record = await agent.credentials.getById(id)
  record.errorMessage = 'The request that came does not hold.'
  record.state = DidCommCredentialState.Abandoned
  keepNotes(record, { waiting: false })
  await agent.credentials.update(record)
  if (!record.connectionId) return
  await agent.credentials.sendProblemReport({ credentialExchangeRecordId: id, description: record.errorMessage })
}

function unitOf({ contextCorrelationId }: AgentContext): Unit {
  const unit = currentUnit()
  if (unit?.profile !== contextCorrelationId) throw new Error('Places are taken only in a unit of work of the wallet')
  return unit
}

async function orderOf(context: AgentContext, credentialDefinitionId: string) {
  const record = await context
    .resolve(AnonCredsCredentialDefinitionRepository)
    .getByCredentialDefinitionId(context, credentialDefinitionId)
  const { size } = record.metadata.get<{ size: number }>(REGISTRY_SIZE) ?? { size: 1000 }
  return { credentialDefinitionId, credentialDefinition: record.credentialDefinition, size }
}

const jsonOf = (record: DidCommCredentialExchangeRecord) => ({ ...record.toJSON(), id: record.id }) as RecordJson

/** The place of what an exchange has issued. @throws CONFLICT */
function assertRevocable(record: RecordJson): RevocationPlace {
  const { role, state } = credentialExchangeView(record)
  if (role !== 'ISSUER') throw conflict('Only the issuer of a credential revokes it.')
  if (state !== 'CREDENTIAL_ISSUED' && state !== 'DONE') throw conflict('This exchange has issued nothing yet.')
  const { revocationRegistryId, credentialRevocationId } = anoncredsOf(record)
  if (!revocationRegistryId || credentialRevocationId === undefined) {
    throw conflict('This credential cannot be revoked: its definition is not revocable.')
  }
  return { revocationRegistryId, index: Number(credentialRevocationId) }
}
