import type { GuardedFetch } from '../lib/guarded-fetch.js'
import type { OutsideResolution } from './did-resolvers.js'

/** Resolves did:web (W3C CCG) by the guarded fetch. Plain http is for localhost only. */
export function didWebResolver(fetch: GuardedFetch): (did: string) => Promise<OutsideResolution> {
  return async (did) => {
    const url = documentUrl(did)
    if (!url) return { error: 'invalidDid' }
    const { status, body } = await fetch.fetch(url, { headers: { accept: 'application/did+json, application/json' } })
    if (status !== 200) return { error: 'notFound' }
    const document: unknown = JSON.parse(body.toString())
    const isIts = typeof document === 'object' && document !== null && (document as { id?: unknown }).id === did
    return isIts ? { document: document as Record<string, unknown> } : { error: 'invalidDidDocument' }
  }
}

function documentUrl(did: string): string | undefined {
  const [host, ...path] = did.split(':').slice(2).map(decodeURIComponent)
  if (!host || path.some((part) => part === '' || part === '..' || part.includes('/'))) return undefined
  const scheme = /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(host) ? 'http' : 'https'
  const url = `${scheme}://${host}/${path.length > 0 ? path.map(encodeURIComponent).join('/') : '.well-known'}/did.json`
  return URL.canParse(url) ? url : undefined
}
