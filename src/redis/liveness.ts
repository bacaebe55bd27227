import type { Cluster, Redis } from 'ioredis'
import type { RedisKeys } from './keys.js'
import type { Patience } from './patience.js'

/** Who lives, sooner than the store tells. A hint: one that cannot reach Redis is taken for dead as well. */
export interface Liveness {
  /** Whether a process that has said so is heard of no more. */
  isSilent(process: string): Promise<boolean>
  stop(): void
}

const BEAT_MS = 1000
/** Who has not said for so long (ms) that it lives is silent. */
const SILENT_MS = 3000

/** Each process says every second that it lives. */
export class RedisLiveness implements Liveness {
  private readonly timer: NodeJS.Timeout

  constructor(
    private readonly redis: Redis | Cluster,
    private readonly keys: RedisKeys,
    private readonly self: string,
    private readonly patience: Patience,
  ) {
    const beat = () => void this.patience.ask(() => this.redis.set(this.keys.alive(this.self), '1', 'PX', SILENT_MS))
    this.timer = setInterval(beat, BEAT_MS).unref()
    beat()
  }

  async isSilent(process: string): Promise<boolean> {
    return (await this.patience.ask(() => this.redis.exists(this.keys.alive(process)))) === 0
  }

  stop(): void {
    clearInterval(this.timer)
  }
}
