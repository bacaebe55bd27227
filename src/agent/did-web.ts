import type { GuardedFetch } from '../lib/guarded-fetch.js'
import type { OutsideResolution } from './did-resolvers.js'

/** Resolves did:web (W3C CCG) by the guarded fetch. Plain http is for localhost only. */
export function didWebResolver(fetch: GuardedFetch): (did: string) => Promise<OutsideResolution> {
  return async (did) => {
    const url = placeUrl(did.split(':').slice(2))
    if (!url) return { error: 'invalidDid' }
    const { status, body } = await fetch.fetch(`${url}/did.json`, {
      headers: { accept: 'application/did+json, application/json' },
    })
    if (status !== 200) return { error: 'notFound' }
    const document: unknown = JSON.parse(body.toString())
    const isIts = typeof document === 'object' && document !== null && (document as { id?: unknown }).id === did
    return isIts ? { document: document as Record<string, unknown> } : { error: 'invalidDidDocument' }
  }
}

/** Where the files of a DID lie, by the parts of it that name its host and path; undefined where they name none. */
export function placeUrl(parts: string[]): string | undefined {
  try {
    const [host, ...path] = parts.map(decodeURIComponent)
    if (!host || /[/?#@\\]/.test(host)) return undefined
    if (path.some((part) => part === '' || part === '.' || part === '..' || part.includes('/'))) return undefined
    const scheme = /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(host) ? 'http' : 'https'
    const url = `${scheme}://${host}/${path.length > 0 ? path.map(encodeURIComponent).join('/') : '.well-known'}`
    return URL.canParse(url) ? url : undefined
  } catch {
    return undefined
  }
}
