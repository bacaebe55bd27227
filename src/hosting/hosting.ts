import { conflict, notFound } from '../lib/errors.js'
import { jsonHash } from '../lib/multibase.js'
import { ConflictError } from '../storage/errors.js'
import { type Profile } from '../storage/profile.js'
import type { Collector, Unit } from '../storage/unit.js'
import { didBase, pathIn } from './address.js'
import type { HostedDid, Json, Publication, SignedResource } from './publication.js'
import { Tails } from './tails.js'

export const DIDS = 'hosted-did'
export const RESOURCES = 'hosted-resource'
export const INVITATIONS = 'hosted-invitation'

/**
 * What the gateway serves to the public for its tenants: DIDs by their path, their resources, tails files, invitations. It lies
 * in the base wallet, so any instance serves it. A path belongs to one tenant.
 */
export class Hosting {
  readonly tails: Tails

  constructor(
    private readonly base: Profile,
    private readonly publicUrl: () => string,
    /** First parts of paths that are the gateway's own. */
    private readonly reserved: ReadonlySet<string>,
    /** Whether there is a tenant that is not being deleted, as a unit of the base wallet sees it. */
    private readonly lives: (unit: Unit, tenantId: string) => Promise<boolean>,
  ) {
    this.tails = new Tails(base)
  }

  /** Whether the gateway itself answers under this path. */
  isReserved(path: string): boolean {
    return this.reserved.has(path.split('/')[0] ?? '')
  }

  /** What DIDs hosted here have between their method (and SCID) and their path. @throws CONFLICT see {@link didBase} */
  get didBase(): string {
    return didBase(this.publicUrl())
  }

  /** The path of a DID that would be hosted here; undefined where it lies elsewhere. */
  pathOf(did: string): string | undefined {
    try {
      return pathIn(this.didBase, did)
    } catch {
      return undefined
    }
  }

  /** The DID at a path, from the store. */
  async at(path: string): Promise<HostedDid | undefined> {
    const entry = await this.base.fetch(DIDS, path)
    return entry && (JSON.parse(entry.value) as HostedDid)
  }

  /** A resource by path and id, from the store, as text. */
  async resource(path: string, id: string): Promise<string | undefined> {
    return (await this.base.fetch(RESOURCES, `${path}/${id}`))?.value
  }

  /** The whole URL of an invitation by its short id, from the store. */
  async invitation(id: string): Promise<string | undefined> {
    return (await this.base.fetch(INVITATIONS, id))?.value
  }

  /** All resources of a path. */
  async resources(path: string): Promise<SignedResource[]> {
    const entries = await this.base.query(RESOURCES, { path })
    return entries.map(({ name, value }) => ({
      id: name.slice(path.length + 1),
      body: JSON.parse(value) as SignedResource['body'],
    }))
  }

  /**
   * Publishes what a tenant's unit of work has made: it is there before the unit commits, and so before anyone can learn
   * of it. What a crash leaves behind can be replaced, and goes with the tenant.
   */
  readonly collector: Collector<Publication> = {
    prepare: async (publications, tenantId) => {
      try {
        await this.base.transact(async (unit) => {
          // Whatever is published before a deletion begins is withdrawn by it; from then on nothing is.
          if (!(await this.lives(unit, tenantId))) throw notFound('tenant')
          for (const publication of publications) await this.publish(unit, tenantId, publication)
        })
      } catch (error) {
        // It is the tenant's unit that has to run again.
        throw error instanceof OutdatedError ? new ConflictError() : error
      }
    },
  }

  /** Publishes in a unit of the base wallet. @throws CONFLICT for a DID whose path another has */
  async publish(unit: Unit, tenantId: string, publication: Publication): Promise<void> {
    if (publication.kind === 'TAILS') return this.tails.publish(unit, tenantId, publication)
    if (publication.kind === 'INVITATION') return putInvitation(unit, tenantId, publication)
    const path = this.pathOf(publication.did)
    if (path === undefined) throw new Error('This DID is not hosted here')
    const entry = await unit.fetch(DIDS, path)
    const stored = entry && (JSON.parse(entry.value) as HostedDid)
    if (publication.kind === 'RESOURCE') {
      if (stored?.did !== publication.did || stored.tenantId !== tenantId) throw conflict('This DID is not hosted.')
      if (stored.deactivated) throw conflict('This DID is deactivated.')
      // Signed before the keys were rotated: the unit that has signed it comes too late as well, and runs again.
      if (stored.version > publication.version) return
      return put(unit, tenantId, path, publication)
    }
    if (stored) {
      const isIts = stored.tenantId === tenantId && [publication.did, publication.replaces].includes(stored.did)
      if (!isIts) throw pathTaken()
      if (stored.did === publication.did && stored.version >= publication.version) return
    }
    const { did, version, document, log, witnessed, metadata = {}, deactivated = false, resources = [] } = publication
    const value: HostedDid = { did, tenantId, version, document, log, witnessed, metadata, deactivated }
    const next = { category: DIDS, name: path, value: JSON.stringify(value), tags: { tenant: tenantId } }
    if (!(await unit.replace(next))) unit.insert(next)
    for (const resource of resources) await put(unit, tenantId, path, resource)
  }

  /** Withdraws all that a tenant has published. */
  async withdrawAll(tenantId: string): Promise<void> {
    await this.base.transact(async (unit) => {
      unit.clear(DIDS, { tenant: tenantId })
      unit.clear(RESOURCES, { tenant: tenantId })
      unit.clear(INVITATIONS, { tenant: tenantId })
      await this.tails.withdrawAll(unit, tenantId)
    })
  }
}

async function putInvitation(unit: Unit, tenantId: string, { id, url }: { id: string; url?: string }): Promise<void> {
  if (url === undefined) return void (await unit.remove(INVITATIONS, id))
  const entry = { category: INVITATIONS, name: id, value: url, tags: { tenant: tenantId } }
  if (await unit.fetchUnlikely(INVITATIONS, id)) await unit.replace(entry)
  else unit.insert(entry)
}

export const pathTaken = () => conflict('This path is taken. Choose another.', 'input.options.path')

/** What is to be published was made of what was served before another instance published. */
class OutdatedError extends Error {}

/**
 * A resource is what its content is; the proof around it may change, and links may come to it. What is served with fewer
 * was read before another instance has added one: whoever publishes it has to look again.
 */
async function put(unit: Unit, tenantId: string, path: string, { id, body }: SignedResource): Promise<void> {
  if (id !== `z${jsonHash(body.content)}`) throw new Error('A resource is not what its id says')
  const name = `${path}/${id}`
  const stored = await unit.fetch(RESOURCES, name)
  if (stored && !beginsWith(linksOf(body), linksOf(JSON.parse(stored.value)))) throw new OutdatedError()
  const entry = { category: RESOURCES, name, value: JSON.stringify(body), tags: { tenant: tenantId, path } }
  if (!(await unit.replace(entry))) unit.insert(entry)
}

const linksOf = (body: Json): unknown[] => (Array.isArray(body['links']) ? body['links'] : [])

const beginsWith = (links: unknown[], first: unknown[]) =>
  JSON.stringify(links.slice(0, first.length)) === JSON.stringify(first)
