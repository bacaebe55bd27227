import { type ResourceLink, signResource } from '../agent/attested-resource.js'
import type { AgentPorts } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import type { AnonCredsWorkers } from '../anoncreds/index.js'
import type { Hosting } from '../hosting/hosting.js'
import { notFound } from '../lib/errors.js'
import { until } from '../lib/until.js'
import type { Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { registryKeys } from './registry-keys.js'
import { STATUS_LIST_TYPE, signStatusList } from './registry-maker.js'
import { type PublishedRegistry, revocationRegistries } from './revocation-registries.js'
import { indexOf, noteRevoked, notRevoked, type StatusLists } from './revoked-exchanges.js'

/** Status lists as resources of a did:webvh that the gateway hosts. */
export class HostedStatusLists implements StatusLists {
  constructor(
    private readonly sessions: Sessions,
    private readonly ports: AgentPorts,
    private readonly workers: AnonCredsWorkers,
    private readonly hosting: Hosting,
  ) {}

  async revoke(tenantId: string, registryId: string, begin: () => readonly string[]): Promise<number> {
    // Whoever comes until a list can be of another second than the last, or while the wallet is in other work, is in
    // the same list.
    await until(lastOf(await this.linksOf(registryId)) + 1)
    return this.sessions.transact(tenantId, (agent, unit) => this.publish(agent, unit, registryId, begin()))
  }

  /** @returns the time of the list that has them all */
  private async publish(
    agent: WalletAgent,
    unit: Unit,
    registryId: string,
    exchangeIds: readonly string[],
  ): Promise<number> {
    const fresh = await notRevoked(agent, exchangeIds)
    const published = await revocationRegistries.published(unit, registryId)
    if (!published) throw notFound('revocation registry')
    if (fresh.length === 0) return published.list.timestamp
    const list = await this.listWith(agent, unit, registryId, published, fresh.map(indexOf))
    await noteRevoked(agent, fresh)
    return list.timestamp
  }

  /** Publishes a list in which these are revoked as well. @returns it, or the last one where that has them already */
  private async listWith(
    { context }: WalletAgent,
    unit: Unit,
    registryId: string,
    { definition, metadata, list: own }: PublishedRegistry,
    asked: readonly number[],
  ): Promise<PublishedRegistry['list']> {
    const links = await this.linksOf(registryId)
    const served = await this.servedBeyond(own, links)
    const revoked = [...new Set([...asked, ...served])].filter((index) => own.revocationList[index] !== 1)
    if (revoked.length === 0) return own
    const keys = await registryKeys(context, registryId, definition)
    const last = Math.max(own.timestamp, lastOf(links))
    const list = await this.workers.call(context.contextCorrelationId, 'updateRevocationStatusList', {
      statusList: own,
      timestamp: Math.max(Math.floor(Date.now() / 1000), last + 1),
      change: { ...keys, revoked },
    })
    const listed = await signStatusList(context, list)
    const link: ResourceLink = { id: listed.resourceId, type: STATUS_LIST_TYPE, timestamp: list.timestamp }
    const content = { ...definition }
    this.ports.publish(unit, listed)
    this.ports.publish(
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

  /** The lists of a registry as they are served now: what an attempt has published that came to nothing stays there. */
  private async linksOf(registryId: string): Promise<ResourceLink[]> {
    const body = await this.served(registryId)
    return body ? ((JSON.parse(body) as { links?: ResourceLink[] }).links ?? []) : []
  }

  private served(resourceId: string): Promise<string | undefined> {
    const [did = '', id = ''] = resourceId.split('/resources/')
    return this.hosting.resource(this.hosting.pathOf(did) ?? '', id)
  }
}

const lastOf = (links: readonly ResourceLink[]) => Math.max(0, ...links.map(({ timestamp = 0 }) => timestamp))
