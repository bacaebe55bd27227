import { CredoError } from '@credo-ts/core'
import type {
  DidCommOutboundPackage,
  DidCommOutboundTransport,
  DidCommQueueTransportRepository,
} from '@credo-ts/didcomm'
import { currentUnit } from '../storage/unit.js'
import { isAnswering } from './answering.js'
import { packedOf } from './packed.js'
import { type AgentPorts, NO_ENDPOINT } from './ports.js'
import { noteAnswer } from './return-route.js'

/**
 * Credo's way out ends here: a packed message becomes part of the unit of work that made it. It is sent after the
 * commit, with nothing held.
 */
export class OutboxTransport implements DidCommOutboundTransport {
  readonly supportedSchemes = ['http', 'https', 'ws', 'wss', 'didcomm']

  constructor(private readonly ports: AgentPorts) {}

  async sendMessage({ payload, endpoint, connectionId }: DidCommOutboundPackage): Promise<void> {
    const unit = currentUnit()
    if (!unit || !endpoint) throw new CredoError('A message can leave only from a unit of work, for an endpoint')
    const { to, thread, inner, passing } = packedOf(payload) ?? {}
    const isAnswer = to !== undefined && thread !== undefined && noteAnswer(unit, to, thread)
    // What a mediator is to unpack goes back without the forwards around it.
    const direct = inner === payload ? { to, thread } : isAnswer ? { to, thread, inner } : {}
    const where = endpoint === NO_ENDPOINT ? {} : { endpoint }
    const why = { ...(passing && { passing }), ...(isAnswering(unit) && { asked: true as const }) }
    await this.ports.send(unit, { payload, connectionId, ...where, ...direct, ...why })
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
}

/** Where Credo puts what is for peers without an endpoint: it goes the same way as what is for others. */
export class QueueForOutbox implements DidCommQueueTransportRepository {
  constructor(private readonly transport: OutboxTransport) {}

  async addMessage(...[, { connectionId, payload }]: QueueArguments): Promise<string> {
    await this.transport.sendMessage({ payload, connectionId, endpoint: NO_ENDPOINT })
    return ''
  }

  // The rest is for Credo's message pickup, which is not here.
  getAvailableMessageCount = () => 0
  takeFromQueue = () => []
  removeMessages(): void {}
}

type QueueArguments = Parameters<DidCommQueueTransportRepository['addMessage']>
