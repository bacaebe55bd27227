import { type Request, type RequestHandler, type Response, Router } from 'express'
import { isPath } from '../hosting/address.js'
import type { Hosting } from '../hosting/hosting.js'
import { sha256 } from '../lib/ids.js'
import { drained } from './drained.js'

/** What stands at the end of a hosted path. Nothing of it is ever decoded: what is encoded is not hosted. */
const FILE = /^\/([a-z0-9._/-]+)\/(did\.jsonl|did-witness\.json|did\.json)(?:\?.*)?$/
const RESOURCE = /^\/([a-z0-9._/-]+)\/resources\/(z[1-9A-HJ-NP-Za-km-z]{1,64})(?:\?.*)?$/
const TAILS = /^\/tails\/([1-9A-HJ-NP-Za-km-z]{40,50})(?:\?.*)?$/

/** Keys are rotated and lists get links, so everything but tails files is asked for again; the ETag makes that cheap. */
const CHANGING = { 'cache-control': 'no-cache' }
const FOR_EVER = { 'cache-control': 'public, max-age=31536000, immutable' }

interface Document {
  type: string
  body: string
}

/** What tenants have published: DIDs, their resources, tails files. For everyone, so also for pages of any origin. */
export function hosted(hosting: Hosting): Router {
  const router = Router()
  const serve: RequestHandler = async (req, res, next) => {
    if (req.method !== 'GET' && req.method !== 'HEAD' && req.method !== 'OPTIONS') return next()
    const find = finderFor(hosting, req.url)
    const hash = TAILS.exec(req.url)?.[1]
    if (!find && !hash) return next()
    res.set('access-control-allow-origin', '*')
    if (req.method === 'OPTIONS') return void preflight(res)
    if (hash) return sendTails(hosting, hash, req, res, next)
    const document = await find?.()
    if (!document) return next()
    res.set({ ...CHANGING, 'content-type': document.type })
    if (isKnown(req, res, sha256(document.body).toString('base64url'))) return
    res.send(Buffer.from(document.body))
  }
  router.use(serve)
  return router
}

/** How to find what a URL names; undefined where it can be nothing that is hosted. */
function finderFor(hosting: Hosting, url: string): (() => Promise<Document | undefined>) | undefined {
  const [, path = '', name = ''] = FILE.exec(url) ?? RESOURCE.exec(url) ?? []
  if (!isPath(path) || hosting.isReserved(path)) return undefined
  if (name.startsWith('z')) {
    return async () => {
      const body = await hosting.resource(path, name)
      return body === undefined ? undefined : { type: 'application/json', body }
    }
  }
  return async () => {
    const { log, witnessed, document, did, deactivated } = (await hosting.at(path)) ?? {}
    if (name === 'did.jsonl' && log) {
      return { type: 'text/jsonl', body: log.map((entry) => `${JSON.stringify(entry)}\n`).join('') }
    }
    if (name === 'did-witness.json') {
      return witnessed && { type: 'application/json', body: JSON.stringify(witnessed) }
    }
    const isWeb = did?.startsWith('did:web:') && !deactivated
    return name === 'did.json' && isWeb ? { type: 'application/did+json', body: JSON.stringify(document) } : undefined
  }
}

async function sendTails(hosting: Hosting, hash: string, req: Request, res: Response, next: () => void): Promise<void> {
  const size = await hosting.tails.size(hash)
  if (size === undefined) return next()
  res.set({ ...FOR_EVER, 'content-type': 'application/octet-stream' })
  if (isKnown(req, res, hash)) return
  res.set('content-length', String(size))
  if (req.method === 'HEAD') return void res.end()
  try {
    for await (const chunk of hosting.tails.read(hash, size)) {
      if (res.destroyed) return
      if (!res.write(chunk)) await drained(res)
    }
    res.end()
  } catch {
    // The headers are out: only a cut tells that it is not whole.
    res.destroy()
  }
}

/**
 * Answers 304 where the client has what is served. Express would not where the request says `no-cache`, as each
 * conditional one of `fetch` does; that is for caches between (RFC 9111, 5.2.1.4).
 */
function isKnown(req: Request, res: Response, hash: string): boolean {
  const etag = `"${hash}"`
  res.set({ etag })
  const known = (req.headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  if (!known.includes(etag) && !known.includes('*')) return false
  res.status(304).end()
  return true
}

function preflight(res: Response): void {
  res.set({
    'access-control-allow-methods': 'GET, HEAD',
    'access-control-allow-headers': '*',
    'access-control-max-age': '86400',
  })
  res.status(204).end()
}
