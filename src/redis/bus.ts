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

/** What changes what others may go by: near instances have to hear of it before they hear of anything that came after. */
const URGENT: ReadonlySet<BusKind> = new Set<BusKind>(['tenant', 'operator', 'routes'])

/** Instances that can be told things in their order, without Redis. */
export interface NearInstances {
  readonly connected: boolean
  tell(text: string): void
  onTold: (text: string) => void
}

/** The bus of a gateway that is alone, or without Redis. */
export const silentBus: Bus = {
  connected: false,
  publish() {},
  on() {},
  async close() {},
}

type Heard = [from: string, ...told: [BusKind, never][]]
type Told = { [K in BusKind]: [K, BusMessages[K]] }[BusKind]

/** For how long what an instance tells of logs may wait for more of its kind while nobody else hears it (ms). */
const ALONE_MS = 50
/** After this time (ms) a subscription that was refused is asked for again. */
const AGAIN_MS = 1000

/** A bus over Redis. What is told in one turn of the event loop is one message there. Own messages are not heard again. */
export class RedisBus implements Bus {
  /** Those that tell this one what is urgent without Redis. */
  private readonly heardNear = new Set<string>()
  private readonly listeners = new Map<BusKind, (message: never) => void>()
  private readonly ownBeginning: string
  private pending: Told[] = []
  private flushing: NodeJS.Immediate | undefined
  private waiting: NodeJS.Timeout | undefined
  private isAlone = false
  private isSubscribed = false

  constructor(
    private readonly redis: Redis | Cluster,
    private readonly subscriber: Redis | Cluster,
    private readonly channel: string,
    private readonly instanceId: string,
    private readonly logger: Logger,
    private readonly near?: NearInstances,
  ) {
    if (near) near.onTold = (text) => this.hearNear(text)
    this.ownBeginning = JSON.stringify([instanceId]).slice(0, -1)
    subscriber.on('message', (_channel: string, text: string) => this.hear(text))
    subscriber.on('close', () => {
      this.isSubscribed = false
    })
    // With each connection: ioredis does it again only where it was done once.
    subscriber.on('ready', () => void this.subscribe())
  }

  get connected(): boolean {
    return this.isSubscribed
  }

  publish<K extends BusKind>(kind: K, message: BusMessages[K]): void {
    if (URGENT.has(kind)) this.near?.tell(JSON.stringify([this.instanceId, [kind, message]]))
    this.pending.push([kind, message] as Told)
    if (kind === 'log' && this.isAlone) this.waiting ??= setTimeout(() => this.flush(), ALONE_MS)
    else this.flushing ??= setImmediate(() => this.flush())
  }

  on<K extends BusKind>(kind: K, listener: (message: BusMessages[K]) => void): void {
    this.listeners.set(kind, listener as (message: never) => void)
  }

  async close(): Promise<void> {
    clearTimeout(this.waiting)
    this.listeners.clear()
    this.redis.disconnect()
    this.subscriber.disconnect()
  }

  private async subscribe(): Promise<void> {
    try {
      await this.subscriber.subscribe(this.channel)
      this.isSubscribed = true
    } catch (error) {
      this.logger.warn('Redis could not be subscribed to', { error })
      // With a new connection it is asked for anyway.
      if (this.subscriber.status === 'ready') setTimeout(() => void this.subscribe(), AGAIN_MS).unref()
    }
  }

  private flush(): void {
    clearTimeout(this.waiting)
    clearImmediate(this.flushing)
    const told = this.pending
    ;[this.pending, this.waiting, this.flushing] = [[], undefined, undefined]
    const text = JSON.stringify([this.instanceId, ...told.filter(isNews)])
    this.redis.publish(this.channel, text).then(
      (heard) => {
        // A node of a cluster counts only those that are connected to itself.
        this.isAlone = heard <= 1 && this.connected && !this.redis.isCluster
      },
      (error) => this.logger.debug('Redis could not be told', { error }),
    )
  }

  private hear(text: string): void {
    if (text.startsWith(this.ownBeginning)) return
    const [from, ...told] = JSON.parse(text) as Heard
    const isHeard = this.near?.connected && this.heardNear.has(from)
    for (const [kind, message] of told) if (!(isHeard && URGENT.has(kind))) this.listeners.get(kind)?.(message)
  }

  private hearNear(text: string): void {
    const [from, ...told] = JSON.parse(text) as Heard
    this.heardNear.add(from)
    for (const [kind, message] of told) this.listeners.get(kind)?.(message)
  }
}

/** Whether a message says more than a later one: of a log it is enough to know how far it has come. */
function isNews([kind, message]: Told, index: number, told: readonly Told[]): boolean {
  if (kind !== 'log') return true
  return !told.some(([other, later], at) => at > index && other === 'log' && later.log === message.log)
}
