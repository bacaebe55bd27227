import type { Hosting } from '../hosting/hosting.js'
import type { OutsideResolution } from './did-resolvers.js'

/** Resolves a DID that this gateway hosts, from the store; undefined for those that lie elsewhere. */
export async function resolveHosted(hosting: Hosting, did: string): Promise<OutsideResolution | undefined> {
  const path = hosting.pathOf(did)
  if (path === undefined) return undefined
  const stored = await hosting.at(path)
  if (stored?.did !== did) return { error: 'notFound' }
  const { document, metadata, deactivated } = stored
  return deactivated ? { document: null, metadata: { ...metadata, deactivated } } : { document, metadata }
}
