import { readFile, rm } from 'node:fs/promises'
import type { AnonCredsCredentialDefinition } from '@credo-ts/anoncreds'
import { signResource } from '../agent/attested-resource.js'
import type { AgentPorts } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import type { AnonCredsWorkers, Result } from '../anoncreds/index.js'
import { newId } from '../lib/ids.js'
import type { Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { keepRegistry } from './registry-records.js'
import type { PublishedRegistry } from './revocation-registries.js'

/** What a registry is made for. */
export interface RegistryOrder {
  credentialDefinitionId: string
  credentialDefinition: AnonCredsCredentialDefinition
  size: number
}

export const STATUS_LIST_TYPE = 'anonCredsStatusList'

/** Makes revocation registries. It takes a second for a thousand places, with nothing held meanwhile. */
export interface RegistryMaker {
  make(tenantId: string, order: RegistryOrder): Promise<void>
}

/** As resources of a did:webvh: tails file, definition and first status list are published, in that order. */
export class HostedRegistryMaker implements RegistryMaker {
  constructor(
    private readonly sessions: Sessions,
    private readonly ports: AgentPorts,
    private readonly workers: AnonCredsWorkers,
    private readonly publicUrl: () => string,
  ) {}

  async make(tenantId: string, order: RegistryOrder): Promise<void> {
    const { credentialDefinition: definition, credentialDefinitionId: definitionId, size } = order
    const made = await this.workers.call(tenantId, 'createRevocationRegistryDefinition', {
      definition,
      definitionId,
      issuerId: definition.issuerId,
      tag: newId(),
      size,
      tailsFolder: await this.workers.tailsFolder(),
    })
    const { value } = made.revocationRegistryDefinition
    const file = value.tailsLocation
    try {
      const bytes = await readFile(file)
      value.tailsLocation = `${this.publicUrl()}/tails/${value.tailsHash}`
      // The unit may run again: it is to publish the same then, as what is served by then stands in the way of another list.
      const timestamp = Math.floor(Date.now() / 1000)
      const drafted = { ...made, bytes, timestamp }
      await this.sessions.transact(tenantId, (agent, unit) => this.publish(agent, unit, order, drafted))
    } finally {
      await rm(file, { force: true })
    }
  }

  private async publish(
    agent: WalletAgent,
    unit: Unit,
    { credentialDefinition, credentialDefinitionId }: RegistryOrder,
    drafted: Result<'createRevocationRegistryDefinition'> & { bytes: Uint8Array; timestamp: number },
  ): Promise<void> {
    const { revocationRegistryDefinition: definition, revocationRegistryDefinitionPrivate, bytes, timestamp } = drafted
    const { context } = agent
    const issuerDid = definition.issuerId
    const metadata = { resourceType: 'anonCredsRevocRegDef', resourceName: definition.tag }
    const bare = await signResource(context, { issuerDid, content: { ...definition }, metadata })
    const registryId = bare.resourceId
    const list = await this.workers.call(context.contextCorrelationId, 'createRevocationStatusList', {
      definition: credentialDefinition,
      registryId,
      registry: definition,
      registryPrivate: revocationRegistryDefinitionPrivate,
      issuerId: issuerDid,
      timestamp,
    })
    const listed = await signStatusList(context, list)
    const links = [{ id: listed.resourceId, type: STATUS_LIST_TYPE, timestamp: list.timestamp }]
    const linked = await signResource(context, { issuerDid, content: { ...definition }, metadata, links })
    this.ports.publish(unit, { kind: 'TAILS', hash: definition.value.tailsHash, bytes })
    this.ports.publish(unit, listed)
    this.ports.publish(unit, linked)

    await keepRegistry(agent, unit, {
      id: registryId,
      credentialDefinitionId,
      secret: revocationRegistryDefinitionPrivate,
      published: { definition, metadata, list },
    })
  }
}

/** A status list as a resource of its issuer. */
export function signStatusList(context: WalletAgent['context'], list: PublishedRegistry['list']) {
  const metadata = { resourceType: STATUS_LIST_TYPE, resourceName: `${list.timestamp}` }
  return signResource(context, { issuerDid: list.issuerId, content: { ...list }, metadata })
}
