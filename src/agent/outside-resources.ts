import { type AgentContext, DidResolverService } from '@credo-ts/core'
import { LRUCache } from 'lru-cache'
import type { Hosting } from '../hosting/hosting.js'
import type { GuardedFetch } from '../lib/guarded-fetch.js'
import { InvalidResource, type ResourceContent, verifyResource } from './attested-resource.js'
import type { OutsideDidResolver } from './did-resolvers.js'
import { placeUrl } from './did-web.js'
import { noteNeed } from './outside-needs.js'

/** A resource as it was fetched; null where that was in vain. */
interface Fetched {
  body: unknown
  at: number
  /** What it was found to hold, and the keys of its DID that this was found by. */
  checked?: { keys: string; content: ResourceContent }
}

const ID = /^(did:webvh:[^/?#]+)\/resources\/(z[1-9A-HJ-NP-Za-km-z]{1,64})$/
/** Most of what is kept, and of one resource, in bytes. */
const KEPT_BYTES = 64 * 2 ** 20
const RESOURCE_BYTES = 8 * 2 ** 20
const DAY_MS = 24 * 60 * 60_000
/** Links are added to a registry as credentials are revoked, and what was not found may come. */
const CHANGING_MS = 5000

/**
 * Attested resources (schemas, definitions, registries, status lists) by their id: those hosted here from the store as
 * they are now, those of others by the guarded fetch, never inside a unit of work: see {@link noteNeed}.
 */
export class OutsideResources {
  private readonly known = new LRUCache<string, Fetched>({ max: 10_000, maxSize: KEPT_BYTES })

  constructor(
    private readonly fetch: GuardedFetch,
    private readonly hosting: Hosting,
    private readonly dids: OutsideDidResolver,
  ) {}

  /**
   * What a resource holds, once it is known to be its DID's.
   * @throws InvalidResource where there is none, none at hand yet, or one that does not hold
   */
  async get(context: AgentContext, id: string): Promise<ResourceContent> {
    const [, did, hash] = ID.exec(id) ?? []
    if (!did || !hash) throw new InvalidResource('This is no id of a resource')
    const path = this.hosting.pathOf(did)
    return path === undefined ? this.ofOthers(context, did, id) : this.own(path, did, hash)
  }

  /** What is served here was made and signed here. */
  private async own(path: string, did: string, hash: string): Promise<ResourceContent> {
    const [hosted, text] = [await this.hosting.at(path), await this.hosting.resource(path, hash)]
    if (text === undefined || hosted?.did !== did || hosted.deactivated) throw missing()
    const { content, metadata, links = [] } = JSON.parse(text) as ResourceContent
    return { content, metadata, links }
  }

  private async ofOthers(context: AgentContext, did: string, id: string): Promise<ResourceContent> {
    const fetched = this.known.get(id)
    if (!fetched) noteNeed(id, () => this.prepare(id))
    const { didDocument } = await context.resolve(DidResolverService).resolve(context, did)
    if (!fetched?.body || !didDocument) throw missing()
    const keys = JSON.stringify([didDocument.assertionMethod, didDocument.verificationMethod])
    if (fetched.checked?.keys === keys) return fetched.checked.content
    try {
      const content = verifyResource(fetched.body, id, didDocument)
      fetched.checked = { keys, content }
      return content
    } catch (error) {
      // Keys may have been rotated since: with both as they are now it may hold.
      const isOld = Date.now() - fetched.at >= CHANGING_MS && this.known.delete(id)
      const isDidOld = this.dids.forgetBefore(did, Math.max(fetched.at, Date.now() - CHANGING_MS))
      if (isOld || isDidOld) return this.ofOthers(context, did, id)
      throw error
    }
  }

  /** Fetches a resource; resolves in any case. */
  private async prepare(id: string): Promise<void> {
    const { body, size } = await this.load(id).catch(() => ({ body: null, size: 1 }))
    const ttl = body && !isChanging(body) ? DAY_MS : CHANGING_MS
    this.known.set(id, { body, at: Date.now() }, { ttl, size })
  }

  private async load(id: string): Promise<{ body: unknown; size: number }> {
    const [did = '', ...rest] = id.split('/')
    // Beside the log, except that of a DID without a path: its log alone lies under `.well-known` (did:webvh, `#files`).
    const place = placeUrl(did.split(':').slice(3))?.replace(/\/\.well-known$/, '')
    const { status, body } = await this.fetch.fetch(`${place}/${rest.join('/')}`, {
      headers: { accept: 'application/json' },
      maxBytes: RESOURCE_BYTES,
    })
    return status === 200 ? { body: JSON.parse(body.toString()), size: body.length } : { body: null, size: 1 }
  }
}

const missing = () => new InvalidResource('A resource of a DID cannot be found')

/** Whether links may still be added: a registry has its first with its first list. */
function isChanging(body: unknown): boolean {
  const { links, content } = body as { links?: unknown; content?: object | null }
  return links !== undefined || (typeof content === 'object' && content !== null && 'revocDefType' in content)
}
