import type { Cluster, Redis } from 'ioredis'
import type { RedisKeys } from './keys.js'
import type { Patience } from './patience.js'

/** How many of something each instance has open, of each tenant. */
export interface OpenCounts {
  /** This instance wants to have `own` open, where all together may have `most`. @returns whether they may */
  take(tenantId: string, own: number, most: number): Promise<boolean>
  /** This instance has `own` open. @returns how many all together have */
  tell(tenantId: string, own: number): Promise<number>
}

/** Counts of this process alone. */
export const ownOpenCounts: OpenCounts = {
  take: async (_tenantId, own, most) => own <= most,
  tell: async (_tenantId, own) => own,
}

/** What an instance says counts for so long (ms), unless it says so again. */
const LEASE_MS = 6000

/**
 * KEYS: the tenant's hash. ARGV: this instance, how many it has, how many all may have (-1: any number), the lease in
 * milliseconds. Returns how many all have, or -1 where that would be too many.
 */
const SCRIPT = `
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local own, most, total = tonumber(ARGV[2]), tonumber(ARGV[3]), 0
local fields = redis.call('hgetall', KEYS[1])
for i = 1, #fields, 2 do
  local count, ends = string.match(fields[i + 1], '(%d+):(%d+)')
  if tonumber(ends) < now then redis.call('hdel', KEYS[1], fields[i])
  elseif fields[i] ~= ARGV[1] then total = total + tonumber(count) end
end
if most >= 0 and total + own > most then return -1 end
if own == 0 then redis.call('hdel', KEYS[1], ARGV[1])
else
  redis.call('hset', KEYS[1], ARGV[1], ARGV[2] .. ':' .. string.format('%.0f', now + tonumber(ARGV[4])))
  redis.call('pexpire', KEYS[1], ARGV[4])
end
return total + own`

/** Counts that all instances share, each by a lease. While Redis does not answer, each instance is by itself. */
export class RedisOpenCounts implements OpenCounts {
  constructor(
    private readonly redis: Redis | Cluster,
    private readonly keys: RedisKeys,
    private readonly instanceId: string,
    private readonly patience: Patience,
  ) {}

  async take(tenantId: string, own: number, most: number): Promise<boolean> {
    const total = await this.run(tenantId, own, most)
    return total === undefined ? own <= most : total >= 0
  }

  async tell(tenantId: string, own: number): Promise<number> {
    return (await this.run(tenantId, own, -1)) ?? own
  }

  private run(tenantId: string, own: number, most: number): Promise<number | undefined> {
    const key = this.keys.open(tenantId)
    return this.patience.ask(async () =>
      Number(await this.redis.eval(SCRIPT, 1, key, this.instanceId, own, most, LEASE_MS)),
    )
  }
}
