import type { IncomingMessage } from 'node:http'
import { AddressList, parseAddress } from '../lib/addresses.js'

/** Finds the address that a request comes from; null where it has none. */
export type OriginOf = (request: IncomingMessage) => string | null

/**
 * The other end of the connection; where that is one of `proxies`, the last address of X-Forwarded-For that is none of
 * them: whatever stands before it anyone can have written.
 */
export function originFinder(proxies: readonly string[]): OriginOf {
  const trusted = new AddressList(proxies)
  const isTrusted = (address: string) => trusted.hasAddress(parseAddress(address) as Uint8Array)
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

/** Without the port that some proxies add, and without the IPv6 form of an IPv4 address. */
function bareAddress(text: string): string | null {
  const address = text
    .trim()
    .replace(/^\[(.+)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
  const bytes = parseAddress(address)
  if (!bytes) return null
  return bytes.length === 4 ? bytes.join('.') : address.toLowerCase()
}
