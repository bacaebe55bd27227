import { type AgentContext, DidResolverService } from '@credo-ts/core'
import { LRUCache } from 'lru-cache'
import type { Hosting } from '../hosting/hosting.js'
import type { GuardedFetch, GuardedResponse } from '../lib/guarded-fetch.js'
import { LARGEST_REGISTRY } from './anoncreds/ledger-reader.js'
import { InvalidResource, type ResourceContent, verifyResource } from './attested-resource.js'
import type { OutsideDidResolver } from './did-resolvers.js'
import { placeUrl } from './did-web.js'
import { noteNeed, workBegan } from './outside-needs.js'

/** A resource as it was fetched; null where that was in vain. */
interface Fetched {
  body: unknown
  /** When it was asked for, and until when it holds for whoever comes (ms since the epoch). */
  at: number
  freshUntil: number
  /** By which its host is asked whether it still holds (RFC 9110, ETag). */
  etag?: string | undefined
  /** Bytes. */
  size: number
  /** What it was found to hold, or why it does not, and the keys of its DID that this was found by. */
  checked?: { keys: string } & Verdict
}

type Verdict = { content: ResourceContent } | { error: InvalidResource }

const ID = /^(did:webvh:[^/?#]+)\/resources\/(z[1-9A-HJ-NP-Za-km-z]{1,64})$/
/**
 * Most of what is kept, in bytes; of one resource without what a status list has for each credential, and a registry for each
 * list; and of these.
 */
const KEPT_BYTES = 64 * 2 ** 20
const RESOURCE_BYTES = 256 * 2 ** 10
const STATUSES_BYTES = 3 * LARGEST_REGISTRY
const LINKS_BYTES = 4 * 2 ** 20
const DAY_MS = 24 * 60 * 60_000
/** Longest that a registry, to which links are added as credentials are revoked, is used unasked; what was not found may come. */
const CHANGING_MS = 5000

/**
 * Attested resources (schemas, definitions, registries, status lists) by their id: those hosted here from the store as
 * they are now, those of others by the guarded fetch, never inside a unit of work: see {@link noteNeed}.
 */
export class OutsideResources {
  private readonly known = new LRUCache<string, Fetched>({ max: 10_000, maxSize: KEPT_BYTES })
  private readonly underway = new Map<string, { at: number; done: Promise<void> }>()

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
    const began = workBegan() ?? Date.now() - CHANGING_MS
    const known = this.known.get(id)
    const fetched = known && (known.at >= began || known.freshUntil > Date.now()) ? known : undefined
    if (!fetched) noteNeed(id, () => this.prepare(id, began))
    const { didDocument } = await context.resolve(DidResolverService).resolve(context, did)
    if (!fetched?.body || !didDocument) throw missing()
    const keys = JSON.stringify([didDocument.assertionMethod, didDocument.verificationMethod])
    if (fetched.checked?.keys !== keys) fetched.checked = { keys, ...verdictOn(fetched.body, id, didDocument) }
    if ('content' in fetched.checked) return fetched.checked.content
    // Keys may have been rotated since: with both as they are now it may hold.
    const isOld = Date.now() - fetched.at >= CHANGING_MS && this.known.delete(id)
    const isDidOld = this.dids.forgetBefore(did, Math.max(fetched.at, Date.now() - CHANGING_MS))
    if (isOld || isDidOld) return this.ofOthers(context, did, id)
    throw fetched.checked.error
  }

  /** Fetches a resource, or joins who has asked for it since a time (ms since the epoch); resolves in any case. */
  private async prepare(id: string, since: number): Promise<void> {
    const underway = this.underway.get(id)
    if (underway && underway.at >= since) return underway.done
    const own = { at: Date.now(), done: this.renew(id) }
    this.underway.set(id, own)
    await own.done
    if (this.underway.get(id) === own) this.underway.delete(id)
  }

  private async renew(id: string): Promise<void> {
    const at = Date.now()
    const known = this.known.get(id)
    try {
      const { status, headers, body } = await this.ask(id, known?.etag)
      if (status === 304 && known) return this.keep(id, { ...known, at, freshUntil: at + usableFor(headers) })
      if (status !== 200) throw missing()
      const fetched: unknown = JSON.parse(checkedText(body))
      const freshUntil = at + (isChanging(fetched) ? usableFor(headers) : DAY_MS)
      const etag = typeof headers['etag'] === 'string' ? headers['etag'] : undefined
      this.keep(id, { body: fetched, at, freshUntil, etag, size: Math.max(1, body.length) })
    } catch {
      this.keep(id, { body: null, at, freshUntil: at + CHANGING_MS, size: 1 })
    }
  }

  /** What came of a later request stays. */
  private keep(id: string, fetched: Fetched): void {
    if ((this.known.get(id)?.at ?? 0) <= fetched.at) this.known.set(id, fetched, { ttl: DAY_MS, size: fetched.size })
  }

  private ask(id: string, etag: string | undefined): Promise<GuardedResponse> {
    const [did = '', ...rest] = id.split('/')
    // Beside the log, except that of a DID without a path: its log alone lies under `.well-known` (did:webvh, `#files`).
    const place = placeUrl(did.split(':').slice(3))?.replace(/\/\.well-known$/, '')
    return this.fetch.fetch(`${place}/${rest.join('/')}`, {
      headers: { accept: 'application/json', ...(etag === undefined ? {} : { 'if-none-match': etag }) },
      maxBytes: RESOURCE_BYTES + STATUSES_BYTES + LINKS_BYTES,
    })
  }
}

function verdictOn(...resource: Parameters<typeof verifyResource>): Verdict {
  try {
    return { content: verifyResource(...resource) }
  } catch (error) {
    // What cannot be checked, as it is nested too deep, does not hold either.
    return { error: error instanceof InvalidResource ? error : missing(error) }
  }
}

/** Text that takes little time to read and check. Only a status list may be long, by its zeros and ones, and a registry, by its links. */
function checkedText(body: Buffer): string {
  const text = body.toString()
  if (body.length <= RESOURCE_BYTES) return text
  const lengthOf = (part: RegExp, most: number) => Math.min(part.exec(text)?.[0].length ?? 0, most)
  const excused = lengthOf(STATUSES, STATUSES_BYTES) + lengthOf(LINKS, LINKS_BYTES)
  if (body.length - excused > RESOURCE_BYTES) throw missing()
  return text
}

const STATUSES = /"revocationList"\s*:\s*\[[01,\s]*\]/
const MEMBER = /\s*"[^"\\{}[\]]*"\s*:\s*(?:"[^"\\{}[\]]*"|\d+)\s*/.source
/** No link is shorter than its id, or has many members: such lists take longer to check than their length tells. */
const LINKS = new RegExp(
  `"links"\\s*:\\s*\\[(?:\\{(?=[^{}[\\]]{120,1000}\\})${MEMBER}(?:,${MEMBER}){0,5}\\}|[,\\s])*\\]`,
)

const missing = (cause?: unknown) => new InvalidResource('A resource of a DID cannot be found', { cause })

/** Whether links may still be added: a registry has its first with its first list. */
function isChanging(body: unknown): boolean {
  const { links, content } = body as { links?: unknown; content?: object | null }
  return links !== undefined || (typeof content === 'object' && content !== null && 'revocDefType' in content)
}

/** How long an answer of a registry's host may be used without asking again (ms; RFC 9111). */
function usableFor({ 'cache-control': control = '', age = '0' }: GuardedResponse['headers']): number {
  const said = [control].flat().join(',').toLowerCase()
  if (/(^|[\s,])no-(cache|store)/.test(said)) return 0
  const [, seconds] = /(?:^|[\s,])max-age="?(\d+)/.exec(said) ?? []
  if (seconds === undefined) return CHANGING_MS
  return Math.min(CHANGING_MS, Math.max(0, Number(seconds) - Number(age)) * 1000)
}
