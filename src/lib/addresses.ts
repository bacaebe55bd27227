import { isIP } from 'node:net'

interface Range {
  bytes: Uint8Array
  bits: number
}

/** Not public by IANA's special-purpose registry (RFC 6890 and what updates it), multicast and reserved space. */
const closedIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
].map(mustParse)

/** IPv6 is open only where it is global unicast, and there not where it wraps IPv4 or documents. */
const globalUnicast = mustParse('2000::/3')
const closedIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'].map(mustParse)

const loopback = ['127.0.0.0/8', '::1/128'].map(mustParse)
const mapped = mustParse('::ffff:0:0/96')
const nat64 = mustParse('64:ff9b::/96')

/**
 * An address as 4 or 16 bytes. An IPv4 address inside IPv6 (mapped, NAT64) is the IPv4 address that is reached.
 *
 * @returns undefined where `text` is no IP address
 */
export function parseAddress(text: string): Uint8Array | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '')
  const family = isIP(bare)
  if (family === 4) return Uint8Array.from(bare.split('.'), Number)
  if (family !== 6) return undefined
  const bytes = ipv6Bytes(bare)
  return contains(mapped, bytes) || contains(nat64, bytes) ? bytes.subarray(12) : bytes
}

/** Whether a peer on the public Internet can have this address. */
export function isPublicAddress(bytes: Uint8Array): boolean {
  if (bytes.length === 4) return !closedIpv4.some((range) => contains(range, bytes))
  return contains(globalUnicast, bytes) && !closedIpv6.some((range) => contains(range, bytes))
}

/** 127.0.0.0/8 and ::1. */
export function isLoopbackAddress(bytes: Uint8Array): boolean {
  return loopback.some((range) => contains(range, bytes))
}

/** Whether a host to listen on, a name or an address, is reached from this machine only. */
export function isLoopbackHost(host: string): boolean {
  const address = parseAddress(host)
  return address ? isLoopbackAddress(address) : host.toLowerCase() === 'localhost'
}

/** A list of hosts, addresses and CIDR ranges, each as an operator writes it. */
export class AddressList {
  readonly #hosts = new Set<string>()
  readonly #ranges: Range[] = []

  /** @throws SyntaxError naming the entry that is neither a host, an address nor a range */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const range = parseRange(entry)
      if (range) this.#ranges.push(range)
      else if (isHostName(entry)) this.#hosts.add(entry.toLowerCase())
      else throw new SyntaxError(`'${entry}' is neither a host, an address nor a range like 10.0.0.0/8`)
    }
  }

  hasHost(host: string): boolean {
    return this.#hosts.has(host.toLowerCase())
  }

  hasAddress(bytes: Uint8Array): boolean {
    return this.#ranges.some((range) => contains(range, bytes))
  }
}

function isHostName(text: string): boolean {
  if (/^[\d.]+$/.test(text) || text.length > 253) return false
  return /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i.test(text)
}

function parseRange(text: string): Range | undefined {
  const [, address, prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  if (address === undefined) return undefined
  const family = isIP(address.replace(/^\[(.*)\]$/, '$1'))
  const bytes = parseAddress(address)
  if (!family || !bytes) return undefined
  const given = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix)
  if (given > (family === 4 ? 32 : 128)) return undefined
  if (family === 4 || bytes.length === 16) return { bytes, bits: given }
  return given >= 96 ? { bytes, bits: given - 96 } : undefined
}

/** For the tables above, which are written as they stand in the registries. */
function mustParse(text: string): Range {
  const [address, prefix] = text.split('/') as [string, string]
  const bytes = isIP(address) === 4 ? Uint8Array.from(address.split('.'), Number) : ipv6Bytes(address)
  return { bytes, bits: Number(prefix) }
}

function contains({ bytes, bits }: Range, address: Uint8Array): boolean {
  if (bytes.length !== address.length) return false
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (bytes[i] !== address[i]) return false
  const mask = (0xff00 >> (bits & 7)) & 0xff
  return mask === 0 || ((bytes[whole] as number) & mask) === ((address[whole] as number) & mask)
}

/** The URL parser writes any form of IPv6 as groups of hex digits with at most one `::`. */
function ipv6Bytes(text: string): Uint8Array {
  const [head = '', tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const first = groups(head)
  const last = tail === undefined ? [] : groups(tail)
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]))
}
