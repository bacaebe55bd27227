import type { AgentContext, Kms } from '@credo-ts/core'
import {
  DidCommAttachment,
  DidCommConnectionRepository,
  DidCommEnvelopeService,
  type DidCommMessage,
  DidCommMessageDeliveryV2Message,
} from '@credo-ts/didcomm'
import { isGatewayError } from '../../lib/errors.js'
import type { Logger } from '../../lib/logger.js'
import { OneAtATime } from '../../lib/one-at-a-time.js'
import type { ReturnPath, ReturnPaths } from '../../relay/return-paths.js'
import type { Profiles } from '../../storage/profiles.js'
import type { Collector, Unit } from '../../storage/unit.js'
import type { Sessions } from '../../tenants/sessions.js'
import { idOf, isEmpty, type Letter, read, remove } from './mail.js'
import { agentsBehind, findAgent, type MediatedAgent } from './mediated-agents.js'
import { isPresentKey } from './present-key.js'

/**
 * Messages in one delivery that nobody has asked for more in, and the bytes of them beyond which there are fewer: sealed it
 * is a third longer.
 */
export const BATCH = { count: 20, bytes: 1024 * 1024 }

type Ed25519 = Kms.PublicJwk<Kms.Ed25519PublicJwk>

/** The two keys of a connection: the agent's, and this wallet's own. */
export interface KeyPair {
  theirs: Ed25519
  own: Ed25519
}

/** How an agent wants what waits for it by one path, once it has said so; until then as it is, without a protocol. */
interface Wish extends KeyPair {
  /** As it comes (Aries RFC 0685, live mode), or only when asked for. */
  live: boolean
  /** The place of the last that has gone by this path. */
  after: number
}

/** An answer that goes by the path that asked for it, and is made anew if it is lost. */
export interface Answer {
  to: string
  thread: string
  envelope: unknown
  /** Called once it has arrived. */
  arrived?: () => Promise<void>
}

export interface DeliveriesOptions {
  profiles: Profiles
  paths: ReturnPaths
  sessions: () => Sessions
  /** Whether the wallet's tenant is neither suspended nor locked. */
  maySend: (wallet: string) => Promise<boolean>
  /** Tells other instances, where the agent may be connected. */
  announce: (wallet: string) => void
  logger: Logger
}

/**
 * Hands what waits for agents over to those that are connected to this instance: as it is to one that has only opened a
 * socket (implicit pickup, Aries RFC 0092), in deliveries to one that has switched on live mode. What went without a protocol
 * is removed once it has arrived, a delivery once it is acknowledged.
 */
export class Deliveries {
  private readonly wishes = new WeakMap<ReturnPath, Map<string, Wish>>()
  private readonly runs = new OneAtATime((name) => this.deliver(name))

  constructor(private readonly options: DeliveriesOptions) {}

  /** Something was laid down, in a unit, for whoever talks by a key. */
  arrived(unit: Unit, to: string): void {
    unit.add(this.arrivals, to)
  }

  private readonly arrivals: Collector<string> = {
    settle: (keys, _head, wallet) => ({
      changes: [],
      committed: () => {
        for (const to of new Set(keys)) void this.fetch(wallet, to, true)
        this.options.announce(wallet)
      },
    }),
  }

  /** Lets an answer go once its unit is committed. */
  readonly answers: Collector<Answer> = {
    settle: (answers, _head, wallet) => ({
      changes: [],
      committed: () => {
        for (const answer of answers) void this.send(wallet, answer)
      },
    }),
  }

  private async send(wallet: string, { to, thread, envelope, arrived }: Answer): Promise<void> {
    try {
      const path = this.options.paths.find(wallet, { to, thread })
      if (await path?.send(JSON.stringify(envelope))) await arrived?.()
    } catch (error) {
      if (isGatewayError(error)) return
      this.options.logger.warn('A delivery could not be noted', { tenantId: wallet, error })
    }
  }

  /** Notes how an agent wants what waits for it by the path that is open for it now. */
  wish(wallet: string, to: string, keys: KeyPair, change: Partial<Pick<Wish, 'live' | 'after'>>): void {
    const path = this.options.paths.find(wallet, { to })
    if (!path) return
    const wishes = this.wishes.get(path) ?? new Map<string, Wish>()
    const name = nameOf(wallet, to)
    // In place: what is on its way by it moves it on once it has arrived.
    const wish = wishes.get(name) ?? { live: false, after: 0, ...keys }
    wishes.set(name, Object.assign(wish, keys, change))
    this.wishes.set(path, wishes)
  }

  /**
   * Hands over what may go to whoever talks by a key. Resolves when that is done.
   * @param lasting whether only a socket counts, as a response is for what was asked for
   */
  fetch(wallet: string, to: string, lasting = false): Promise<void> {
    const path = this.options.paths.find(wallet, { to })
    if (!path || (lasting && !path.isLasting)) return Promise.resolve()
    return this.runs.begin(nameOf(wallet, to))
  }

  /** Another instance has laid something down. */
  look(wallet: string): void {
    for (const to of this.options.paths.keysFor(wallet)) void this.fetch(wallet, to, true)
  }

  /** Looks at all who are connected here, where other instances cannot tell. */
  lookAll(): void {
    for (const wallet of this.options.paths.tenantIds) this.look(wallet)
  }

  async stop(): Promise<void> {
    await this.runs.idle()
  }

  private async deliver(name: string): Promise<void> {
    const [wallet = '', to = ''] = name.split(' ')
    try {
      for (const { connectionId, mail } of await agentsBehind(this.options.profiles.of(wallet), to)) {
        if (isEmpty(mail) || !(await this.isPresent(wallet, connectionId, to))) continue
        while (await this.deliverSome(wallet, to, connectionId));
      }
    } catch (error) {
      if (isGatewayError(error)) return
      this.options.logger.warn('What waits for an agent is delivered later', { tenantId: wallet, error })
    }
  }

  /** Whether an agent talks by a key still. */
  private isPresent(wallet: string, connectionId: string, to: string): Promise<boolean> {
    return this.options.sessions().transact(wallet, async ({ context }) => {
      const connection = await context.resolve(DidCommConnectionRepository).findById(context, connectionId)
      return connection !== null && isPresentKey(context, connection, to)
    })
  }

  /** @returns whether there may be more that can go */
  private async deliverSome(wallet: string, to: string, connectionId: string): Promise<boolean> {
    const path = this.options.paths.find(wallet, { to })
    if (!path || !(await this.options.maySend(wallet))) return false
    const wish = this.wishes.get(path)?.get(nameOf(wallet, to))
    const profile = this.options.profiles.of(wallet)
    const agent = await findAgent(profile, connectionId)
    if (!agent || isEmpty(agent.mail) || (wish && !wish.live)) return false
    const letters = await read(profile, agent, { ...BATCH, after: wish?.after })
    if (letters.length === 0) return false
    return wish ? this.deliverLive(wallet, path, wish, letters) : this.handOver(wallet, path, agent, letters)
  }

  private async deliverLive(wallet: string, path: ReturnPath, wish: Wish, letters: Letter[]): Promise<boolean> {
    const delivery = deliveryOf(letters)
    const envelope = await this.options.sessions().transact(wallet, ({ context }) => sealed(context, delivery, wish))
    // What is asked for meanwhile, by the same path, may have brought it further.
    const after = letters.at(-1)?.n ?? 0
    if (!(await path.send(JSON.stringify(envelope)))) return false
    wish.after = Math.max(wish.after, after)
    return true
  }

  private async handOver(wallet: string, path: ReturnPath, agent: MediatedAgent, letters: Letter[]): Promise<boolean> {
    const gone: string[] = []
    for (const letter of letters) {
      if (!(await path.send(JSON.stringify(letter.envelope)))) break
      gone.push(idOf(letter))
    }
    if (gone.length > 0) await this.remove(wallet, agent.connectionId, gone)
    return gone.length === letters.length
  }

  /** Removes what has arrived. */
  async remove(wallet: string, connectionId: string, ids: string[]): Promise<void> {
    await this.options.sessions().transact(wallet, async (_agent, unit) => {
      const agent = await findAgent(unit, connectionId)
      if (agent) await remove(unit, agent, ids)
    })
  }
}

const nameOf = (wallet: string, to: string) => `${wallet} ${to}`

/** A delivery (Aries RFC 0685) of messages as they wait. */
export const deliveryOf = (letters: readonly Letter[], threadId?: string, recipientKey?: string) =>
  new DidCommMessageDeliveryV2Message({
    threadId: threadId as string,
    recipientKey,
    attachments: letters.map(
      (letter) =>
        new DidCommAttachment({
          id: idOf(letter),
          lastmodTime: new Date(letter.at),
          data: { json: letter.envelope as never },
        }),
    ),
  })

/** Seals an answer by the keys of a connection. */
export const sealed = (context: AgentContext, message: DidCommMessage, { theirs, own }: KeyPair) =>
  context
    .resolve(DidCommEnvelopeService)
    .packMessage(context, message, { recipientKeys: [theirs], routingKeys: [], senderKey: own })
