import { isLoopbackHost, parseAddress } from '../lib/addresses.js'
import { conflict } from '../lib/errors.js'

/** A part of a path. `localhost` in any place makes stock resolvers leave TLS away. */
const SEGMENT = /^(?!.*localhost)[a-z0-9][a-z0-9._-]{0,63}$/
const SEGMENTS_MAX = 4
const PREFIX = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

/** Whether a path can be one of a hosted DID: 1 to 4 parts in lower case, so that nothing has to be decoded. */
export function isPath(path: string): boolean {
  const segments = path.split('/')
  return segments.length <= SEGMENTS_MAX && segments.every((segment) => SEGMENT.test(segment))
}

/**
 * What hosted DIDs have after their method. Plain http is for localhost only, as which every loopback address counts.
 * @throws CONFLICT where no resolver would find DIDs under this URL
 */
export function didBase(publicUrl: string): string {
  const { protocol, hostname, port, pathname } = new URL(publicUrl)
  const isLoopback = isLoopbackHost(hostname)
  const isOpen = protocol === 'https:' && !isLoopback && !parseAddress(hostname) && !hostname.includes('localhost')
  const isLocal = protocol === 'http:' && isLoopback
  const prefix = pathname.split('/').filter((part) => part !== '')
  if ((!isOpen && !isLocal) || !prefix.every((part) => PREFIX.test(part))) {
    throw conflict('Hosted DIDs need a PUBLIC_URL of https with a host name; http is for localhost only.')
  }
  const host = `${isLocal ? 'localhost' : hostname}${port === '' ? '' : `%3A${port}`}`
  return [host, ...prefix].join(':')
}

/** The path of a did:web or did:webvh under `base`; undefined where the DID lies elsewhere. */
export function pathIn(base: string, did: string): string | undefined {
  const [, place] = /^did:(?:web|webvh:[^:]+):(.+)$/.exec(did) ?? []
  if (!place) return undefined
  const [host = '', ...rest] = place.split(':')
  const start = `${base}:`
  const whole = `${[host.toLowerCase().replace('%3a', '%3A'), ...rest].join(':')}`
  if (!whole.startsWith(start)) return undefined
  return whole.slice(start.length).replaceAll(':', '/')
}
