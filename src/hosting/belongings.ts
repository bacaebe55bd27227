import { isGatewayError } from '../lib/errors.js'
import type { Entry } from '../storage/entry.js'
import type { Profile } from '../storage/profile.js'
import type { Unit } from '../storage/unit.js'
import { isPath } from './address.js'
import { DIDS, type Hosting, INVITATIONS, RESOURCES } from './hosting.js'
import type { HostedDid, SignedResource } from './publication.js'
import { joinedTails, TAILS_CHUNKS, TAILS_FILES } from './tails.js'

const INVITATION_ID = /^[\w-]{22}$/

/** What a tenant has the gateway serve, as it goes along to another one. */
export class HostedBelongings {
  constructor(
    private readonly base: Profile,
    private readonly hosting: Hosting,
    private readonly publicUrl: () => string,
  ) {}

  /** All of it, as it lies in the base wallet. */
  async *of(tenantId: string): AsyncGenerator<Entry> {
    for (const category of [DIDS, RESOURCES, INVITATIONS]) yield* await this.base.query(category, { tenant: tenantId })
    yield* this.hosting.tails.entriesOf(tenantId)
  }

  /**
   * Serves it here, in the unit that makes the tenant. A DID is bound to its address, so one that was made under another
   * PUBLIC_URL stays where it is, and so does one whose path is taken here.
   * @param from the PUBLIC_URL that it was served under; null where there was none
   * @returns the DIDs that are not served here
   */
  async take(unit: Unit, tenantId: string, from: string | null, entries: readonly Entry[]): Promise<string[]> {
    const left: string[] = []
    const ofKind = (category: string) => entries.filter((entry) => entry.category === category)
    const resources = new Map<unknown, Entry[]>()
    for (const entry of ofKind(RESOURCES)) {
      const path = entry.tags['path']
      resources.set(path, resources.get(path) ?? [])
      resources.get(path)?.push(entry)
    }
    for (const { name: path, value } of ofKind(DIDS)) {
      const hosted = JSON.parse(value) as HostedDid
      if (!(await this.takeDid(unit, tenantId, path, hosted, resources.get(path) ?? []))) left.push(hosted.did)
    }
    for (const { name: id, value } of ofKind(INVITATIONS)) {
      if (!INVITATION_ID.test(id) || (await unit.fetch(INVITATIONS, id))) continue
      const url =
        from !== null && value.startsWith(`${from}?`) ? `${this.publicUrl()}${value.slice(from.length)}` : value
      // Whoever follows a short URL gets to it.
      if (!/^https?:/.test(url) || !new URL(url).searchParams.has('oob')) continue
      await this.hosting.publish(unit, tenantId, { kind: 'INVITATION', id, url })
    }
    const chunks = new Map(ofKind(TAILS_CHUNKS).map(({ name, value }) => [name, value]))
    for (const { name: hash } of ofKind(TAILS_FILES)) {
      await this.hosting.publish(unit, tenantId, { kind: 'TAILS', hash, bytes: joinedTails(hash, chunks) })
    }
    return left
  }

  private async takeDid(
    unit: Unit,
    tenantId: string,
    path: string,
    { did, version, document, log, witnessed, metadata, deactivated }: HostedDid,
    entries: readonly Entry[],
  ): Promise<boolean> {
    if (this.hosting.pathOf(did) !== path || !isPath(path) || this.hosting.isReserved(path)) return false
    const resources = entries.map(({ name, value }) => ({
      id: name.slice(path.length + 1),
      body: JSON.parse(value) as SignedResource['body'],
    }))
    try {
      const publication = { did, version, document, log, witnessed, metadata, deactivated, resources }
      await this.hosting.publish(unit, tenantId, { kind: 'DID', ...publication })
      return true
    } catch (error) {
      if (isGatewayError(error, 'CONFLICT')) return false
      throw error
    }
  }
}
