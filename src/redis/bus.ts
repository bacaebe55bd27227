import type { Cluster, Redis } from 'ioredis'
import type { Logger } from '../lib/logger.js'

/** What instances tell each other. Nothing is lost when it is not told: whoever should know finds out a little later. */
export interface BusMessages {
  /** A log has grown to `seq`. */
  log: { log: string; seq: number }
  /** A tenant was changed or deleted. */
  tenant: { id: string }
  /** An operator key was made or revoked. */
  operator: { id: string }
  /** Recipient keys are routed anew. */
  routes: { keys: string[] }
  /** A message waits in the outbox of a tenant whose messages `owner` sends. */
  outbox: { tenantId: string; owner: string }
  /** A message waits for a peer without an endpoint, which may be connected elsewhere. */
  held: { tenantId: string }
}

export type BusKind = keyof BusMessages

export interface Bus {
  /** Whether others can be told at all; where not, they have to look. */
  readonly connected: boolean
  publish<K extends BusKind>(kind: K, message: BusMessages[K]): void
  on<K extends BusKind>(kind: K, listener: (message: BusMessages[K]) => void): void
  close(): Promise<void>
}

/** The bus of a gateway that is alone, or without Redis. */
export const silentBus: Bus = {
  connected: false,
  publish() {},
  on() {},
  async close() {},
}

/** A bus over Redis. Own messages are not heard again. */
export class RedisBus implements Bus {
  private readonly listeners = new Map<BusKind, (message: never) => void>()

  constructor(
    private readonly redis: Redis | Cluster,
    private readonly subscriber: Redis | Cluster,
    private readonly channel: string,
    private readonly instanceId: string,
    private readonly logger: Logger,
  ) {
    subscriber.on('message', (_channel: string, text: string) => this.hear(text))
    void subscriber.subscribe(channel).catch((error) => logger.warn('Redis could not be subscribed to', { error }))
  }

  get connected(): boolean {
    return this.subscriber.status === 'ready'
  }

  publish<K extends BusKind>(kind: K, message: BusMessages[K]): void {
    const text = JSON.stringify([this.instanceId, kind, message])
    this.redis.publish(this.channel, text).catch((error) => this.logger.debug('Redis could not be told', { error }))
  }

  on<K extends BusKind>(kind: K, listener: (message: BusMessages[K]) => void): void {
    this.listeners.set(kind, listener as (message: never) => void)
  }

  async close(): Promise<void> {
    this.redis.disconnect()
    this.subscriber.disconnect()
  }

  private hear(text: string): void {
    const [instanceId, kind, message] = JSON.parse(text) as [string, BusKind, never]
    if (instanceId !== this.instanceId) this.listeners.get(kind)?.(message)
  }
}
