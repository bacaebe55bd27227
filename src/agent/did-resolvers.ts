import {
  type AgentContext,
  DidDocument,
  type DidResolutionResult,
  type DidResolver,
  JsonTransformer,
  JwkDidResolver,
  KeyDidResolver,
  PeerDidResolver,
} from '@credo-ts/core'
import { LRUCache } from 'lru-cache'
import { noteNeed } from './outside-needs.js'
import { assertPlain, isPlainDid, isPlainPeerDid } from './plain-json.js'

/** A DID document, or why there is none. */
export type OutsideResolution =
  | { document: Record<string, unknown>; metadata?: Record<string, unknown> }
  | { document: null; metadata: Record<string, unknown> }
  | { error: string }

const invalid = (): DidResolutionResult => ({
  didDocument: null,
  didDocumentMetadata: {},
  didResolutionMetadata: { error: 'invalidDid' },
})

/** To decode a key takes the square of its length. */
export class PlainKeyDidResolver extends KeyDidResolver {
  override async resolve(context: AgentContext, did: string): Promise<DidResolutionResult> {
    return isPlainDid(did) ? super.resolve(context, did) : invalid()
  }
}

export class PlainJwkDidResolver extends JwkDidResolver {
  override async resolve(context: AgentContext, did: string): Promise<DidResolutionResult> {
    return isPlainDid(did) ? super.resolve(context, did) : invalid()
  }
}

/**
 * did:peer documents are a function of the DID (variants 0, 2 and the long form of 4): resolved once, for all wallets.
 * The short form of 4 and variant 1 depend on what a wallet has stored, and are not kept.
 */
export class CachedPeerDidResolver extends PeerDidResolver {
  private readonly documents = new LRUCache<string, DidDocument>({ max: 1000 })

  override async resolve(context: AgentContext, did: string): Promise<DidResolutionResult> {
    const known = this.documents.get(did)
    if (known) {
      return {
        didDocument: known,
        didDocumentMetadata: {},
        didResolutionMetadata: { contentType: 'application/did+ld+json' },
      }
    }
    if (!isPlainPeerDid(did)) return invalid()
    const result = await super.resolve(context, did)
    if (result.didDocument && isSelfContained(did)) this.documents.set(did, result.didDocument)
    return result
  }
}

const isSelfContained = (did: string) => /^did:peer:(0|2|4[^:]*:)/.test(did)

const FOUND_MS = 5 * 60_000
const MISSING_MS = 30_000
/** Of all documents that are kept, together. */
const KEPT_CHARS = 32 * 2 ** 20
/** Longer DIDs of these methods are nobody's. */
const DID_MAX = 2048

/** Where DIDs of methods that need the network are found. */
export interface OutsideDids {
  /** By method. */
  methods: Record<string, (did: string) => Promise<OutsideResolution>>
  /** DIDs that this gateway hosts, from the store as they are now; undefined for those that lie elsewhere. */
  own(did: string): Promise<OutsideResolution | undefined>
}

/** DID methods that need the network: see {@link noteNeed}. */
export class OutsideDidResolver implements DidResolver {
  readonly allowsCaching = false
  readonly allowsLocalDidRecord = true
  readonly supportedMethods: string[]
  private readonly known = new LRUCache<string, { found: OutsideResolution; at: number }>({
    max: 1000,
    maxSize: KEPT_CHARS,
    sizeCalculation: ({ found }, did) => did.length + JSON.stringify(found).length,
  })

  constructor(private readonly outside: OutsideDids) {
    this.supportedMethods = Object.keys(outside.methods)
  }

  async resolve(_context: AgentContext, did: string): Promise<DidResolutionResult> {
    if (did.length > DID_MAX) return invalid()
    const own = await this.outside.own(did)
    const found = own ? plain(own) : this.known.get(did)?.found
    if (!found) noteNeed(did, () => this.prepare(did))
    if (!found || 'error' in found) {
      const error = found?.error ?? 'notFound'
      return { didDocument: null, didDocumentMetadata: {}, didResolutionMetadata: { error } }
    }
    const { document, metadata: didDocumentMetadata = {} } = found
    if (!document) return { didDocument: null, didDocumentMetadata, didResolutionMetadata: {} }
    const didResolutionMetadata = { contentType: 'application/did+json' }
    try {
      return {
        didDocument: JsonTransformer.fromJSON(document, DidDocument),
        didDocumentMetadata,
        didResolutionMetadata,
      }
    } catch {
      const error = 'invalidDidDocument'
      return { didDocument: null, didDocumentMetadata: {}, didResolutionMetadata: { error } }
    }
  }

  /**
   * Forgets a document that was fetched before a time (ms since the epoch).
   * @returns whether it was
   */
  forgetBefore(did: string, time: number): boolean {
    const known = this.known.get(did)
    return known !== undefined && known.at < time && this.known.delete(did)
  }

  /** Fetches a document; resolves in any case. */
  private async prepare(did: string): Promise<void> {
    const method = this.outside.methods[did.split(':')[1] ?? '']
    const resolution = plain((await method?.(did).catch(() => undefined)) ?? { error: 'notFound' })
    this.known.set(did, { found: resolution, at: Date.now() }, { ttl: 'error' in resolution ? MISSING_MS : FOUND_MS })
  }
}

/** What was resolved, without a document that takes too long to read. */
function plain(resolution: OutsideResolution): OutsideResolution {
  if ('error' in resolution) return resolution
  try {
    assertPlain(resolution.document)
    return resolution
  } catch {
    return { error: 'invalidDidDocument' }
  }
}
