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
import { OneAtATime } from '../lib/one-at-a-time.js'
import { StoreError } from '../storage/errors.js'
import type { Profiles } from '../storage/profiles.js'
import { currentUnit, type Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordOf, type WalletReader } from '../tenants/wallet-reader.js'
import { DEFINITION_RECORD, definitionView, REGISTRY_SIZE } from './anoncreds.view.js'
import type { CredentialExchangeType } from './credential-exchange.type.js'
import { anoncredsOf, credentialExchangeView, WAITING } from './credential-exchange.view.js'
import { assertIssuer } from './issuer-did.js'
import { type RegistryMaker, type RegistryOrder, STATUS_LIST_TYPE, signStatusList } from './registry-maker.js'
import { type PublishedRegistry, revocationRegistries } from './revocation-registries.js'

const EXCHANGE_RECORD = 'CredentialRecord'
/** Registries of a definition that are kept ready: one is used, one takes its place. */
const READY = 2
const RETRY_MS = 5000
/** The longest that the time of a list is waited for. */
const AHEAD_MS = 3000

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
  private readonly providing = new OneAtATime((work) => this.provideAll(work))
  /** What registries are to be made for and is not done, also where a stop has cut it short. */
  private readonly unfinished = new Set<string>()
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
    return [...this.unfinished].some((work) => tenantOf(work) === tenantId)
  }

  /** Has registries made, and then what waits for them issued; one at a time for each definition. */
  provide(tenantId: string, definitionId: string): void {
    const work = `${tenantId} ${definitionId}`
    this.unfinished.add(work)
    if (!this.stopped) void this.providing.begin(work)
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
    await this.providing.idle()
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
    const begin = () => this.revoking.get(key)?.exchangeIds === exchangeIds && this.revoking.delete(key)
    const running = (async () => {
      // Whoever comes until a list can be of another second than the last, or while the wallet is in other work, is in
      // the same list.
      await until(lastOf(await this.linksOf(registryId)) + 1)
      const timestamp = await this.options.sessions.transact(tenantId, (agent, unit) => {
        begin()
        return this.publishList(agent, unit, registryId, [...exchangeIds])
      })
      // Another instance was as quick. Nobody may ask, and be told by the list before, once this is answered.
      await until(timestamp)
    })().finally(begin)
    this.revoking.set(key, { exchangeIds, running })
    return running
  }

  /** @returns the time of the list that has them all (seconds) */
  private async publishList(
    agent: WalletAgent,
    unit: Unit,
    registryId: string,
    exchangeIds: readonly string[],
  ): Promise<number> {
    const { context } = agent
    const repository = context.resolve(DidCommCredentialExchangeRepository)
    const records = await Promise.all(exchangeIds.map((id) => repository.findById(context, id)))
    // One that was deleted meanwhile keeps none of the others from being revoked.
    const known = records.filter((record) => record !== null)
    const fresh = known.filter((record) => !credentialExchangeView(jsonOf(record)).revoked)
    const published = await revocationRegistries.published(unit, registryId)
    if (!published) throw notFound('revocation registry')
    if (fresh.length === 0) return published.list.timestamp
    const list = await this.listWith(agent, unit, registryId, published, fresh)
    for (const record of fresh) {
      keepNotes(record, { revoked: true })
      await repository.update(context, record)
      if (record.connectionId) await this.tellHolder(agent, record)
    }
    return list.timestamp
  }

  /** Publishes a list in which these are revoked as well. @returns it, or the last one where that has them already */
  private async listWith(
    { context }: WalletAgent,
    unit: Unit,
    registryId: string,
    { definition, metadata, list: own }: PublishedRegistry,
    fresh: readonly DidCommCredentialExchangeRecord[],
  ): Promise<PublishedRegistry['list']> {
    const { ports, workers } = this.options
    const links = await this.linksOf(registryId)
    const asked = fresh.map((record) => assertRevocable(jsonOf(record)).index)
    const served = await this.servedBeyond(own, links)
    const revoked = [...new Set([...asked, ...served])].filter((index) => own.revocationList[index] !== 1)
    if (revoked.length === 0) return own
    const { credentialDefinition } = await context
      .resolve(AnonCredsCredentialDefinitionRepository)
      .getByCredentialDefinitionId(context, definition.credDefId)
    const { value: registryPrivate } = await context
      .resolve(AnonCredsRevocationRegistryDefinitionPrivateRepository)
      .getByRevocationRegistryDefinitionId(context, registryId)
    const last = Math.max(own.timestamp, lastOf(links))
    const list = await workers.call(context.contextCorrelationId, 'updateRevocationStatusList', {
      statusList: own,
      timestamp: Math.max(Math.floor(Date.now() / 1000), last + 1),
      change: { definition: credentialDefinition, registry: definition, registryPrivate, revoked },
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
    return list
  }

  /**
   * What is revoked in the list that is served last, where the wallet has not come to it: another instance is about to
   * commit it, or an attempt came to nothing. Whoever asks was told so, and may have been answered.
   */
  private async servedBeyond(own: PublishedRegistry['list'], links: readonly ResourceLink[]): Promise<number[]> {
    const last = links.at(-1)
    if (!last || (last.timestamp ?? 0) <= own.timestamp) return []
    const { content } = JSON.parse((await this.served(last.id)) ?? '{}') as { content?: PublishedRegistry['list'] }
    return (content?.revocationList ?? []).flatMap((bit, index) => (bit === 1 ? [index] : []))
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
    const body = await this.served(registryId)
    return body ? ((JSON.parse(body) as { links?: ResourceLink[] }).links ?? []) : []
  }

  private served(resourceId: string): Promise<string | undefined> {
    const { hosting } = this.options
    const [did = '', id = ''] = resourceId.split('/resources/')
    return hosting.resource(hosting.pathOf(did) ?? '', id)
  }

  private async provideAll(work: string): Promise<void> {
    const [tenantId, definitionId] = [tenantOf(work), work.slice(work.indexOf(' ') + 1)]
    this.unfinished.add(work)
    while (!this.stopped) {
      try {
        if (await this.provideNext(tenantId, definitionId)) break
      } catch (error) {
        if (this.stopped) return
        // One that is locked, suspended or gone is taken up as it goes on.
        if (isGatewayError(error) && !isGatewayError(error, 'RATE_LIMITED')) break
        this.options.logger.warn('A revocation registry could not be made; trying again', { tenantId, error })
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    if (!this.stopped) this.unfinished.delete(work)
  }

  /** @returns whether there are enough */
  private async provideNext(tenantId: string, definitionId: string): Promise<boolean> {
    const { sessions, maker } = this.options
    const { open, order } = await sessions.transact(tenantId, async (agent, unit) => ({
      open: await revocationRegistries.open(unit, definitionId),
      order: await orderOf(agent, definitionId),
    }))
    if (!order) {
      for (const id of await this.waiting(tenantId, definitionId)) await this.giveUp(tenantId, id)
      return true
    }
    if (open > 0) await this.issueWaiting(tenantId, definitionId)
    if (open >= READY) return true
    await maker.make(tenantId, order)
    return false
  }

  /** Issues what was agreed to while no registry was ready. */
  private async issueWaiting(tenantId: string, definitionId: string): Promise<void> {
    const { sessions, logger } = this.options
    for (const id of await this.waiting(tenantId, definitionId)) {
      try {
        await sessions.transact(tenantId, async (agent) => {
          const record = await agent.credentials.getById(id)
          if (record.state === DidCommCredentialState.RequestReceived) {
            await agent.credentials.acceptRequest({ credentialExchangeRecordId: id })
          } else {
            keepNotes(record, { waiting: false })
            await agent.credentials.update(record)
          }
        })
      } catch (error) {
        // The next registry is for those that this one had no place for.
        if (error instanceof NoPlaceError) return
        const isItsOwn = !(error instanceof StoreError) && (!isGatewayError(error) || error.code === 'PROTOCOL_ERROR')
        if (!isItsOwn) throw error
        logger.warn('What waited for a revocation registry could not be issued', { tenantId, error })
        await this.giveUp(tenantId, id)
      }
    }
  }

  private async waiting(tenantId: string, definitionId: string): Promise<string[]> {
    const entries = await this.options.profiles.of(tenantId).query(EXCHANGE_RECORD, { [WAITING]: definitionId })
    return entries.map(({ name }) => name)
  }

  private giveUp(tenantId: string, id: string): Promise<void> {
    return this.options.sessions.transact(tenantId, (agent) => abandon(agent, id))
  }
}

/** Ends an exchange that cannot be gone on with, and tells the holder. */
async function abandon(agent: WalletAgent, id: string): Promise<void> {
  const record = await agent.credentials.getById(id)
  if (record.state !== DidCommCredentialState.RequestReceived) return
  record.errorMessage = 'The credential cannot be issued.'
  record.state = DidCommCredentialState.Abandoned
  keepNotes(record, { waiting: false })
  await agent.credentials.update(record)
  if (!record.connectionId) return
  await agent.credentials.sendProblemReport({ credentialExchangeRecordId: id, description: record.errorMessage })
}

const tenantOf = (work: string) => work.slice(0, work.indexOf(' '))

const lastOf = (links: readonly ResourceLink[]) => Math.max(0, ...links.map(({ timestamp = 0 }) => timestamp))

/** Waits until a time (seconds) has come; not for long, where clocks differ. */
async function until(seconds: number): Promise<void> {
  const ms = Math.min(seconds * 1000 - Date.now(), AHEAD_MS)
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
}

function unitOf({ contextCorrelationId }: AgentContext): Unit {
  const unit = currentUnit()
  if (unit?.profile !== contextCorrelationId) throw new Error('Places are taken only in a unit of work of the wallet')
  return unit
}

/** What a registry of a definition is made for; undefined where its DID can publish nothing any more. */
async function orderOf(agent: WalletAgent, credentialDefinitionId: string): Promise<RegistryOrder | undefined> {
  const record = await agent.context
    .resolve(AnonCredsCredentialDefinitionRepository)
    .getByCredentialDefinitionId(agent.context, credentialDefinitionId)
  try {
    await assertIssuer(agent, record.credentialDefinition.issuerId)
  } catch (error) {
    if (isGatewayError(error)) return undefined
    throw error
  }
  const { size } = record.metadata.get<{ size: number }>(REGISTRY_SIZE) ?? { size: 1000 }
  return { credentialDefinitionId, credentialDefinition: record.credentialDefinition, size }
}

const jsonOf = (record: DidCommCredentialExchangeRecord) => ({ ...record.toJSON(), id: record.id }) as RecordJson

/** The place of what an exchange has issued, however it went on after that. @throws CONFLICT */
function assertRevocable(record: RecordJson): RevocationPlace {
  const { role, state } = credentialExchangeView(record)
  if (role !== 'ISSUER') throw conflict('Only the issuer of a credential revokes it.')
  const { revocationRegistryId, credentialRevocationId } = anoncredsOf(record)
  if (revocationRegistryId && credentialRevocationId !== undefined) {
    return { revocationRegistryId, index: Number(credentialRevocationId) }
  }
  if (state !== 'CREDENTIAL_ISSUED' && state !== 'DONE') throw conflict('This exchange has issued nothing.')
  throw conflict('This credential cannot be revoked: its definition is not revocable.')
}
