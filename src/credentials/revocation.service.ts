import { AnonCredsCredentialDefinitionRepository, AnonCredsCredentialMetadataKey } from '@credo-ts/anoncreds'
import type { AgentContext } from '@credo-ts/core'
import { type DidCommCredentialExchangeRecord, DidCommCredentialState } from '@credo-ts/didcomm'
import { isLedgerDid } from '../agent/anoncreds/indy-writer.js'
import { issueAt } from '../agent/anoncreds/issuing-lists.js'
import {
  isRevocable,
  NoPlaceError,
  type RevocationPlace,
  type RevocationPort,
} from '../agent/exchanges/credential-format.js'
import { keepNotes } from '../agent/exchanges/notes.js'
import { needsOf } from '../agent/outside-needs.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { conflict, isGatewayError, notFound } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import { OneAtATime } from '../lib/one-at-a-time.js'
import { until } from '../lib/until.js'
import { StoreError } from '../storage/errors.js'
import type { Profiles } from '../storage/profiles.js'
import { currentUnit, type Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordOf, type WalletReader } from '../tenants/wallet-reader.js'
import { DEFINITION_RECORD, definitionView, REGISTRY_SIZE } from './anoncreds.view.js'
import type { CredentialExchangeType } from './credential-exchange.type.js'
import { credentialExchangeView, WAITING } from './credential-exchange.view.js'
import { assertIssuer } from './issuer-did.js'
import type { RegistryMaker, RegistryOrder } from './registry-maker.js'
import { revocationRegistries } from './revocation-registries.js'
import { assertRevocable, type StatusLists } from './revoked-exchanges.js'

const EXCHANGE_RECORD = 'CredentialRecord'
/** Registries of a definition that are kept ready: one is used, one takes its place. */
const READY = 2
const RETRY_MS = 5000

/** Where registries are made, and their lists published. */
export interface PublishingWay {
  maker: RegistryMaker
  lists: StatusLists
}

export interface RevocationOptions {
  sessions: Sessions
  profiles: Profiles
  reader: WalletReader
  hosted: PublishingWay
  /** Where there are any. */
  ledger: PublishingWay | undefined
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
    if (place && isLedgerDid(definitionId)) {
      const published = await revocationRegistries.published(unit, place.revocationRegistryId)
      if (published) issueAt(unit, definitionId, { list: published.list, index: place.index })
    }
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
    const end = () => this.revoking.get(key)?.exchangeIds === exchangeIds && this.revoking.delete(key)
    const begin = () => {
      end()
      return [...exchangeIds]
    }
    const running = (async () => {
      const inForce = await this.wayOf(registryId).lists.revoke(tenantId, registryId, begin)
      // Another instance was as quick. Nobody may ask, and be told by the list before, once this is answered.
      await until(inForce)
    })().finally(end)
    this.revoking.set(key, { exchangeIds, running })
    return running
  }

  /** Where what belongs to a DID is published. @throws CONFLICT for a ledger where there is none any more */
  private wayOf(id: string): PublishingWay {
    const { hosted, ledger } = this.options
    if (!isLedgerDid(id)) return hosted
    if (!ledger) throw conflict('The gateway has no ledgers. Have the operator name them in INDY_NETWORKS.')
    return ledger
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
        const isRefused = isGatewayError(error, 'CONFLICT') || isGatewayError(error, 'PROTOCOL_ERROR')
        if (isRefused) this.options.logger.warn('A revocation registry cannot be made', { tenantId, error })
        if (isGatewayError(error) && !isGatewayError(error, 'RATE_LIMITED')) break
        this.options.logger.warn('A revocation registry could not be made; trying again', { tenantId, error })
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    if (!this.stopped) this.unfinished.delete(work)
  }

  /** @returns whether there are enough */
  private async provideNext(tenantId: string, definitionId: string): Promise<boolean> {
    const { sessions } = this.options
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
    await this.wayOf(definitionId).maker.make(tenantId, order)
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
        if (!isItsOwn(error)) throw error
        logger.warn('What waited for a revocation registry could not be issued', { tenantId, error })
        await this.giveUp(tenantId, id)
      }
    }
  }

  private async waiting(tenantId: string, definitionId: string): Promise<string[]> {
    const entries = await this.options.profiles.of(tenantId).query(EXCHANGE_RECORD, { [WAITING]: definitionId })
    return entries.map(({ name }) => name)
  }

  /** Whatever comes of it, the others that wait are gone on with. */
  private async giveUp(tenantId: string, id: string): Promise<void> {
    try {
      await this.options.sessions.transact(tenantId, (agent, unit) => abandon(agent, unit, id))
    } catch (error) {
      if (!isItsOwn(error)) throw error
      this.options.logger.warn('An exchange that cannot be gone on with could not be ended', { tenantId, error })
    }
  }
}

/** Whether an error is one of the exchange that it came with: of the store or the wallet, it is one of all. */
const isItsOwn = (error: unknown) =>
  !(error instanceof StoreError) && (!isGatewayError(error) || error.code === 'PROTOCOL_ERROR')

/** Ends an exchange that cannot be gone on with, and tells the holder, where there still is a way to. */
async function abandon(agent: WalletAgent, unit: Unit, id: string): Promise<void> {
  const record = await agent.credentials.findById(id)
  if (record?.state !== DidCommCredentialState.RequestReceived) return
  record.errorMessage = 'The credential cannot be issued.'
  record.state = DidCommCredentialState.Abandoned
  keepNotes(record, { waiting: false })
  await agent.credentials.update(record)
  if (!record.connectionId) return
  const before = unit.savepoint()
  try {
    await agent.credentials.sendProblemReport({ credentialExchangeRecordId: id, description: record.errorMessage })
  } catch (error) {
    if (unit.broken || needsOf(unit).length > 0) throw error
    unit.restore(before)
  }
}

const tenantOf = (work: string) => work.slice(0, work.indexOf(' '))

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
