import { hash, randomBytes } from 'node:crypto'
import { parseAddress } from '../lib/addresses.js'
import { isGatewayError, rateLimited } from '../lib/errors.js'
import { Recent } from '../lib/recent.js'
import type { MinuteCounters } from '../redis/minute-counters.js'

const ADDRESSES_MAX = 20_000
const HELD_MAX = 20_000
/** How long after it has held a credential is looked at wherever it comes from (ms). */
const HELD_MS = 24 * 60 * 60_000
/** Of an IPv6 address, so many bytes are given to one customer: a /64. */
const IPV6_NETWORK_BYTES = 8
const KIND = 'failed'

/**
 * Slows whoever tries credentials that do not hold. An address that has sent too many within a minute has to wait for its
 * end: nothing that it sends is looked at until then. But others may be behind that address, so what has held lately is
 * still taken from there.
 */
export class FailedAttempts {
  /** Until when an address has to wait (ms, of `performance.now()`). */
  private readonly waits = new Recent<string, number>(ADDRESSES_MAX)
  /** Marks of what has held, which nothing can be read from. */
  private readonly held = new Recent<string, true>(HELD_MAX, HELD_MS)
  private readonly secret = randomBytes(32).toString('base64')

  constructor(
    private readonly counters: MinuteCounters,
    /** How many may fail in a minute from one address. */
    private readonly most: number,
    /** Called where an address has to wait. */
    private readonly refused: () => void,
  ) {}

  /**
   * Looks whether credentials hold.
   * @throws RATE_LIMITED where their address has to wait, else what `look` throws
   */
  async guard<T>(
    credentials: readonly (string | null | undefined)[],
    origin: string | null,
    look: () => Promise<T>,
  ): Promise<T> {
    const network = networkOf(origin)
    const mark = hash('sha256', this.secret + JSON.stringify(credentials), 'base64')
    const msLeft = (this.waits.get(network) ?? 0) - performance.now()
    if (msLeft > 0 && !this.held.has(mark)) {
      this.refused()
      throw rateLimited(Math.ceil(msLeft / 1000))
    }
    try {
      const found = await look()
      this.held.set(mark, true)
      return found
    } catch (error) {
      if (isGatewayError(error, 'UNAUTHENTICATED')) {
        this.held.delete(mark)
        await this.count(network)
      }
      throw error
    }
  }

  private async count(network: string): Promise<void> {
    const { total, msLeft } = await this.counters.add(network, KIND, 1)
    if (total >= this.most) this.waits.set(network, performance.now() + msLeft)
  }
}

function networkOf(origin: string | null): string {
  const bytes = origin?.includes(':') ? parseAddress(origin) : undefined
  if (!bytes || bytes.length === 4) return origin ?? 'unknown'
  return Buffer.from(bytes.subarray(0, IPV6_NETWORK_BYTES)).toString('hex')
}
