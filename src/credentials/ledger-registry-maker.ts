import { readFile, rm } from 'node:fs/promises'
import { type AnonCredsRevocationRegistryDefinition, type AnonCredsRevocationStatusList } from '@credo-ts/anoncreds'
import type { IndyReader } from '../agent/anoncreds/indy-reader.js'
import { ensure, type IndyWriter } from '../agent/anoncreds/indy-writer.js'
import { unqualified } from '../agent/anoncreds/unqualified.js'
import type { AgentPorts } from '../agent/ports.js'
import type { AnonCredsWorkers } from '../anoncreds/index.js'
import { LedgerError } from '../indy/index.js'
import { newId } from '../lib/ids.js'
import type { Sessions } from '../tenants/sessions.js'
import { latestList } from './ledger-status-lists.js'
import type { RegistryMaker, RegistryOrder } from './registry-maker.js'
import { keepRegistry } from './registry-records.js'
import { unwritten } from './unwritten.js'

const TYPE = { registry: '113', entry: '114' }

/** A registry that is made, its tails file published, and that may be on the ledger or not. */
interface Draft {
  id: string
  definition: AnonCredsRevocationRegistryDefinition
  definitionPrivate: Record<string, unknown>
  list: AnonCredsRevocationStatusList
}

/**
 * Makes revocation registries on Indy ledgers: the keys are kept and the tails file is published, then the definition and
 * the first entry are written, then the registry is used. Each step may find what the one before a crash has done.
 */
export class LedgerRegistryMaker implements RegistryMaker {
  constructor(
    private readonly sessions: Sessions,
    private readonly ports: AgentPorts,
    private readonly workers: AnonCredsWorkers,
    private readonly publicUrl: () => string,
    private readonly reader: IndyReader,
    private readonly writer: IndyWriter,
  ) {}

  /** @throws CONFLICT, PROTOCOL_ERROR where the ledger refuses, LedgerError where it does not answer */
  async make(tenantId: string, order: RegistryOrder): Promise<void> {
    const name = `registry of ${order.credentialDefinitionId}`
    const draft =
      (await this.sessions.transact(tenantId, (_agent, unit) => unwritten.find<Draft>(unit, name))) ??
      (await this.draft(tenantId, name, order))
    await this.write(tenantId, draft)
    const list = await latestList(this.reader, draft.id)
    if (!list) throw new LedgerError('The ledger does not show yet what it has written')
    await this.sessions.transact(tenantId, async (agent, unit) => {
      if (!(await unwritten.forget(unit, name))) return
      const { id, definition, definitionPrivate } = draft
      await keepRegistry(agent, unit, {
        id,
        credentialDefinitionId: order.credentialDefinitionId,
        secret: definitionPrivate,
        published: { definition, metadata: {}, list },
      })
    })
  }

  private async draft(tenantId: string, name: string, order: RegistryOrder): Promise<Draft> {
    const { credentialDefinition, credentialDefinitionId: definitionId, size } = order
    const { issuerId } = credentialDefinition
    const tag = newId()
    const made = await this.workers.call(tenantId, 'createRevocationRegistryDefinition', {
      definition: credentialDefinition,
      definitionId,
      issuerId,
      tag,
      size,
      tailsFolder: await this.workers.tailsFolder(),
    })
    const { revocationRegistryDefinition: definition, revocationRegistryDefinitionPrivate: definitionPrivate } = made
    const file = definition.value.tailsLocation
    try {
      const bytes = await readFile(file)
      definition.value.tailsLocation = `${this.publicUrl()}/tails/${definition.value.tailsHash}`
      const id = `${definitionId.replace('/CLAIM_DEF/', '/REV_REG_DEF/')}/${tag}`
      const list = await this.workers.call(tenantId, 'createRevocationStatusList', {
        definition: credentialDefinition,
        registryId: id,
        registry: definition,
        registryPrivate: definitionPrivate,
        issuerId,
        timestamp: Math.floor(Date.now() / 1000),
      })
      return await this.sessions.transact(tenantId, async (_agent, unit) => {
        const kept = await unwritten.keep<Draft>(unit, name, { id, definition, definitionPrivate, list })
        if (kept.id === id) this.ports.publish(unit, { kind: 'TAILS', hash: definition.value.tailsHash, bytes })
        return kept
      })
    } finally {
      await rm(file, { force: true })
    }
  }

  private async write(tenantId: string, { id, definition, list }: Draft): Promise<void> {
    const { issuerId, credDefId, revocDefType, tag, value } = definition
    const registryId = unqualified.registryId(id)
    await ensure(
      async () => (await this.reader.registry(id)) !== undefined,
      () =>
        this.writer.write(tenantId, issuerId, {
          type: TYPE.registry,
          id: registryId,
          revocDefType,
          tag,
          credDefId: unqualified.definitionId(credDefId),
          value: { ...value, issuanceType: 'ISSUANCE_BY_DEFAULT' },
        }),
    )
    await ensure(
      async () => (await latestList(this.reader, id)) !== undefined,
      () =>
        this.writer.write(tenantId, issuerId, {
          type: TYPE.entry,
          revocRegDefId: registryId,
          revocDefType,
          value: { accum: list.currentAccumulator },
        }),
    )
  }
}
