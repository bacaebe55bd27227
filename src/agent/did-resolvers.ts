import {
  type AgentContext,
  DidDocument,
  type DidResolutionResult,
  type DidResolver,
  JsonTransformer,
  PeerDidResolver,
} from '@credo-ts/core'
import { LRUCache } from 'lru-cache'
import { currentUnit, type Unit } from '../storage/unit.js'

/** A DID document, or why there is none. */
export type OutsideResolution = { document: Record<string, unknown> } | { error: string }

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
    const result = await super.resolve(context, did)
    if (result.didDocument && isSelfContained(did)) this.documents.set(did, result.didDocument)
    return result
  }
}

const isSelfContained = (did: string) => /^did:peer:(0|2|4[^:]*:)/.test(did)

const outsideNeeds = new WeakMap<Unit, Set<string>>()

/** The DIDs that a unit of work could not resolve without the network. */
export const needsOf = (unit: Unit): string[] => [...(outsideNeeds.get(unit) ?? [])]

const FOUND_MS = 5 * 60_000
const MISSING_MS = 30_000

/**
 * DID methods that need the network. No unit of work waits for it: a DID that is not at hand is noted, the unit is
 * dropped, `prepare` fetches the document with nothing held, and the unit runs again.
 */
export class OutsideDidResolver implements DidResolver {
  readonly allowsCaching = false
  readonly allowsLocalDidRecord = true
  readonly supportedMethods: string[]
  private readonly known = new LRUCache<string, OutsideResolution>({ max: 1000 })

  constructor(private readonly methods: Record<string, (did: string) => Promise<OutsideResolution>>) {
    this.supportedMethods = Object.keys(methods)
  }

  async resolve(_context: AgentContext, did: string): Promise<DidResolutionResult> {
    const known = this.known.get(did)
    if (!known) note(did)
    if (known && 'document' in known) {
      return {
        didDocument: JsonTransformer.fromJSON(known.document, DidDocument),
        didDocumentMetadata: {},
        didResolutionMetadata: { contentType: 'application/did+json' },
      }
    }
    const error = known?.error ?? 'notFound'
    return { didDocument: null, didDocumentMetadata: {}, didResolutionMetadata: { error } }
  }

  /** Fetches a document; resolves in any case. */
  async prepare(did: string): Promise<void> {
    const method = this.methods[did.split(':')[1] ?? '']
    const resolution = (await method?.(did).catch(() => undefined)) ?? { error: 'notFound' }
    this.known.set(did, resolution, { ttl: 'document' in resolution ? FOUND_MS : MISSING_MS })
  }
}

function note(did: string): void {
  const unit = currentUnit()
  if (!unit) return
  const needs = outsideNeeds.get(unit) ?? new Set()
  outsideNeeds.set(unit, needs.add(did))
}
