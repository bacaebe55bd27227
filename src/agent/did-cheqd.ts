import { z } from 'zod'
import { type CheqdResolvers, parseCheqdId } from './cheqd-resolvers.js'
import type { OutsideResolution } from './did-resolvers.js'

const resolution = z.object({
  didDocument: z.looseObject({ id: z.string(), service: z.array(z.looseObject({})).optional() }).nullish(),
  // Not the list of all its resources, which can be long.
  didDocumentMetadata: z.object({
    deactivated: z.boolean().optional(),
    created: z.string().optional(),
    updated: z.string().optional(),
    versionId: z.string().optional(),
    previousVersionId: z.string().optional(),
    nextVersionId: z.string().optional(),
  }),
})

/** Resolves did:cheqd by the resolvers that are configured. */
export function didCheqdResolver(resolvers: CheqdResolvers): (did: string) => Promise<OutsideResolution> {
  return async (did) => {
    const id = parseCheqdId(did)
    if (!id || id.resourceId) return { error: 'invalidDid' }
    const answer = await resolvers.ask('resolution', id)
    if (answer === undefined) return { error: 'notFound' }
    const { success, data } = resolution.safeParse(answer)
    if (!success || (data.didDocument && data.didDocument.id !== did)) return { error: 'invalidDidDocument' }
    const { didDocument, didDocumentMetadata: metadata } = data
    if (metadata.deactivated) return { document: null, metadata }
    if (!didDocument) return { error: 'notFound' }
    const { service, ...document } = didDocument
    return { document: service ? { ...document, service: service.map(withOneEndpoint) } : document, metadata }
  }
}

/** The ledger has lists of endpoints; a service of DIDComm (Aries RFC 0067) has one. */
function withOneEndpoint(service: Record<string, unknown>): Record<string, unknown> {
  const { type, serviceEndpoint } = service
  if (!Array.isArray(serviceEndpoint)) return service
  return serviceEndpoint.length === 1 || type === 'did-communication'
    ? { ...service, serviceEndpoint: serviceEndpoint[0] }
    : service
}
