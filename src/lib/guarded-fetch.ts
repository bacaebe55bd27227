import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { LRUCache } from 'lru-cache'
import { type Dispatcher, Pool } from 'undici'
import { WebSocket } from 'ws'
import { AddressList, isLoopbackAddress, isPublicAddress, parseAddress } from './addresses.js'
import { peerUnreachable } from './errors.js'
import { type Names, names } from './names.js'

export interface GuardedFetchOptions {
  /** The gateway's own URL, once it is known: its host and port are reached wherever they are. */
  ownUrl?: () => string | undefined
  /** Hosts, addresses and CIDR ranges that are reached though they are not public. */
  allow?: readonly string[]
  /** Whether loopback is reached: right only while the gateway itself listens on loopback. */
  allowLoopback?: boolean
  /** Time for a whole request with its redirects, in milliseconds; 10 s unless given. */
  timeoutMs?: number
  /** Longest body of an answer, in bytes; 1 MiB unless given. */
  maxBytes?: number
  /** Name servers; those of the system unless given. */
  nameServers?: readonly string[]
}

export interface GuardedRequest {
  method?: 'GET' | 'HEAD' | 'POST'
  headers?: Record<string, string>
  body?: string | Uint8Array
  timeoutMs?: number
  maxBytes?: number
  /** How many redirects a GET or HEAD follows; 5 unless given. A POST follows none: its 3xx is the answer. */
  maxRedirects?: number
  signal?: AbortSignal
}

export interface GuardedResponse {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** Whole, as it came: no content encoding is asked for or undone. */
  body: Buffer
  /** Where the answer came from, after redirects. */
  url: string
}

export interface GuardedFetch {
  /**
   * @throws GatewayError PEER_UNREACHABLE for whatever keeps the answer from coming: an address that is refused, a
   *   connection that fails, a limit that is passed. One text for all; the cause is for the log.
   * @throws the signal's reason when it is aborted
   */
  fetch(url: string, request?: GuardedRequest): Promise<GuardedResponse>
  /**
   * Opens a WebSocket. No redirect is followed; whatever keeps it from opening, it closes.
   * @throws where the URL is none that may be reached
   */
  socket(url: string, limits: { maxBytes: number }): WebSocket
  /** Ends idle connections and waits for what is under way. */
  close(): Promise<void>
}

/** That the guard lets nothing go to a host. */
export class AddressRefused extends Error {
  constructor(readonly host: string) {
    super('address is not allowed')
    this.name = 'AddressRefused'
  }
}

const maxOrigins = 256
const connectionsPerOrigin = 32
const maxHeaderBytes = 16 * 1024
const redirectStatuses = new Set([301, 302, 303, 307, 308])
const protocols = ['http:', 'https:']
const socketProtocols = ['ws:', 'wss:']
const credentialHeaders = new Set(['authorization', 'cookie'])

/**
 * The one way out: peers' endpoints, did:web documents, invitations by short URL.
 *
 * Addresses are checked after resolution, for the very socket that connects, so a name that resolves to something else
 * a moment later gains nothing. Each hop of a redirect is checked again.
 */
export function createGuardedFetch(options: GuardedFetchOptions = {}): GuardedFetch {
  const guard = new AddressGuard(options)
  const { timeoutMs = 10_000 } = options
  const pools = new OriginPools(guard, timeoutMs)
  return {
    fetch: (url, request = {}) => fetchGuarded(guard, pools, url, { ...defined(options), ...defined(request) }),
    socket(url, { maxBytes }) {
      const { href, origin } = guard.checkUrl(url, socketProtocols)
      const limits = { maxPayload: maxBytes, handshakeTimeout: timeoutMs, perMessageDeflate: false }
      return new WebSocket(href, { ...limits, lookup: guard.lookupFor(origin) })
    },
    close: () => pools.close(),
  }
}

type Limits = Pick<GuardedFetchOptions, 'timeoutMs' | 'maxBytes'>

async function fetchGuarded(
  guard: AddressGuard,
  pools: OriginPools,
  url: string,
  request: GuardedRequest & Limits,
): Promise<GuardedResponse> {
  request.signal?.throwIfAborted()
  // Not AbortSignal.any: what it makes stays reachable from a signal that outlives the request.
  const abort = new AbortController()
  const onAbort = () => abort.abort(request.signal?.reason)
  const timer = setTimeout(() => abort.abort(new Error('time limit passed')), request.timeoutMs ?? 10_000)
  request.signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await followRedirects(guard, pools, url, { ...request, signal: abort.signal })
  } catch (error) {
    request.signal?.throwIfAborted()
    throw peerUnreachable(error)
  } finally {
    clearTimeout(timer)
    request.signal?.removeEventListener('abort', onAbort)
  }
}

async function followRedirects(
  guard: AddressGuard,
  pools: OriginPools,
  start: string,
  request: GuardedRequest & { signal: AbortSignal },
): Promise<GuardedResponse> {
  const method = request.method ?? 'GET'
  let hopsLeft = method === 'POST' ? 0 : (request.maxRedirects ?? 5)
  let headers = request.headers ?? {}
  let url = guard.checkUrl(start)
  for (;;) {
    const answer = await pools.get(url.origin).request({
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers,
      body: request.body,
      signal: request.signal,
    })
    const location = answer.headers.location
    const isRedirect = method !== 'POST' && redirectStatuses.has(answer.statusCode) && typeof location === 'string'
    if (!isRedirect) {
      const body = method === 'HEAD' ? await discard(answer) : await readBody(answer, request.maxBytes ?? 2 ** 20)
      return { status: answer.statusCode, headers: answer.headers, body, url: url.href }
    }
    await discard(answer)
    if (hopsLeft-- <= 0) throw new Error('too many redirects')
    const next = guard.checkUrl(new URL(location, url).href)
    if (url.protocol === 'https:' && next.protocol === 'http:') throw new Error('redirect from https to http')
    if (next.origin !== url.origin) headers = withoutCredentials(headers)
    url = next
  }
}

async function readBody({ headers, body }: Dispatcher.ResponseData, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  // The body is destroyed when the loop is left by the error, which ends the connection.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes || Number(headers['content-length']) > maxBytes) throw new Error('answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** Reads a little that is left, so that the connection can be used again; drops the connection if it is much. */
async function discard({ body }: Dispatcher.ResponseData): Promise<Buffer> {
  await body.dump({ limit: maxHeaderBytes })
  return Buffer.alloc(0)
}

function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !credentialHeaders.has(name.toLowerCase())))
}

function defined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}

/** Says what may be reached. */
class AddressGuard {
  readonly #allowed: AddressList
  readonly #ownUrl: () => string | undefined
  readonly #allowLoopback: boolean
  readonly #names: Names

  constructor({ ownUrl = () => undefined, allow = [], allowLoopback = false, nameServers }: GuardedFetchOptions) {
    this.#allowed = new AddressList(allow)
    this.#ownUrl = ownUrl
    this.#allowLoopback = allowLoopback
    this.#names = names({
      isNamed: (name) => this.#allowed.hasHost(name) || this.#isOwnHost(name),
      mayBePrivate: allowLoopback || allow.length > 0,
      ...(nameServers && { servers: nameServers }),
    })
  }

  /**
   * The URL parser has turned 0x7f.1, 2130706433 and the like into plain addresses. A literal address never comes to
   * the lookup below, so it is checked here.
   */
  checkUrl(text: string, allowed = protocols): URL {
    const url = new URL(text)
    if (!allowed.includes(url.protocol)) throw new Error('the protocol is not allowed')
    if (url.username !== '' || url.password !== '') throw new Error('credentials in the URL')
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    if (isIP(host) && !this.#mayReach(url.origin, host, host)) throw new AddressRefused(host)
    return url
  }

  /** Resolves names for sockets to one origin, and gives only addresses that may be reached. */
  lookupFor(origin: string): LookupFunction {
    return (hostname, options, callback) => {
      this.#addressesOf(origin, hostname).then(
        (addresses) => {
          const [first] = addresses
          if (options.all || !first) callback(null, addresses)
          else callback(null, first.address, first.family)
        },
        (error) => callback(error, ''),
      )
    }
  }

  /** @throws AddressRefused where it has none that may be reached */
  async #addressesOf(origin: string, hostname: string): Promise<LookupAddress[]> {
    const addresses = await this.#names(hostname)
    const open = addresses.filter(({ address }) => this.#mayReach(origin, hostname, address))
    if (open.length === 0) throw new AddressRefused(hostname)
    return open
  }

  #mayReach(origin: string, host: string, address: string): boolean {
    const bytes = parseAddress(address)
    if (!bytes) return false
    if (this.#allowed.hasHost(host) || this.#allowed.hasAddress(bytes) || this.#isOwn(origin)) return true
    return isPublicAddress(bytes) || (this.#allowLoopback && isLoopbackAddress(bytes))
  }

  #isOwnHost(name: string): boolean {
    const url = this.#ownUrl()
    return url !== undefined && new URL(url).hostname === name
  }

  #isOwn(origin: string): boolean {
    const url = this.#ownUrl()
    return url !== undefined && new URL(url).origin === origin.replace(/^ws/, 'http')
  }
}

/** Keep-alive connections per origin. An origin has its own few, so one that hangs holds up no other. */
class OriginPools {
  readonly #pools: LRUCache<string, Pool>
  readonly #closing = new Set<Promise<void>>()
  #closed = false

  constructor(guard: AddressGuard, timeoutMs: number) {
    this.#pools = new LRUCache<string, Pool>({
      max: maxOrigins,
      memoMethod: (origin) =>
        new Pool(origin, {
          connections: connectionsPerOrigin,
          connect: { lookup: guard.lookupFor(origin), timeout: timeoutMs },
          maxHeaderSize: maxHeaderBytes,
          keepAliveTimeout: 10_000,
          keepAliveMaxTimeout: 60_000,
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
        }),
      dispose: (pool) => this.#retire(pool),
    })
  }

  get(origin: string): Pool {
    if (this.#closed) throw new Error('closed')
    return this.#pools.memo(origin)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#pools.clear()
    await Promise.all(this.#closing)
  }

  #retire(pool: Pool): void {
    const closed: Promise<void> = pool.close().finally(() => this.#closing.delete(closed))
    this.#closing.add(closed)
  }
}
