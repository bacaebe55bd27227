import type { IncomingMessage } from 'node:http'
import { AddressList, parseAddress } from '../lib/addresses.js'
import { Recent } from '../lib/recent.js'

/** What is longer than this is no address. */
const LONGEST = 100

/** Finds the address that a request comes from; null where it has none. */
export type OriginOf = (request: IncomingMessage) => string | null

/** Finds the host that a request names, as a URL would have it; undefined where it names none. */
export type HostOf = (request: IncomingMessage) => string | undefined

/**
 * The other end of the connection; where that is one of `proxies`, the last address of X-Forwarded-For that is none of
 * them: whatever stands before it anyone can have written.
 */
export function originFinder(proxies: readonly string[]): OriginOf {
  const isTrusted = trustIn(proxies)
  return ({ socket, headers }) => {
    let origin = bareAddress(socket.remoteAddress ?? '')
    const forwarded = String(headers['x-forwarded-for'] ?? '').split(',')
    while (origin !== null && isTrusted(origin)) {
      const before = bareAddress(forwarded.pop() ?? '')
      if (before === null) break
      origin = before
    }
    return origin
  }
}

/** The Host header; of a request from one of `proxies`, the X-Forwarded-Host that it has set, if it has. */
export function hostFinder(proxies: readonly string[]): HostOf {
  const isTrusted = trustIn(proxies)
  return ({ socket, headers }) => {
    const sender = bareAddress(socket.remoteAddress ?? '')
    const isForwarded = sender !== null && isTrusted(sender)
    const forwarded = isForwarded
      ? String(headers['x-forwarded-host'] ?? '')
          .split(',')
          .pop()
          ?.trim()
      : ''
    const host = (forwarded || headers.host || '').toLowerCase().replace(/:(80|443)$/, '')
    return host || undefined
  }
}

function trustIn(proxies: readonly string[]): (address: string) => boolean {
  if (proxies.length === 0) return () => false
  const trusted = new AddressList(proxies)
  return (address) => trusted.hasAddress(parseAddress(address) as Uint8Array)
}

/** Addresses come again and again, those of proxies with every request. */
const bare = new Recent<string, { address: string | null }>(1000)

/** Without the port that some proxies add, and without the IPv6 form of an IPv4 address. */
function bareAddress(text: string): string | null {
  const known = bare.get(text)
  if (known) return known.address
  const address = readAddress(text)
  if (text.length < LONGEST) bare.set(text, { address })
  return address
}

function readAddress(text: string): string | null {
  const address = text
    .trim()
    .replace(/^\[(.+)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
  const bytes = parseAddress(address)
  if (!bytes) return null
  return bytes.length === 4 ? bytes.join('.') : address.toLowerCase()
}
