import {
  DidCommBatchMessage,
  DidCommBatchMessageMessage,
  DidCommBatchPickupMessage,
  DidCommDeliveryRequestV2Message,
  type DidCommInboundMessageContext,
  DidCommLiveDeliveryChangeV2Message,
  type DidCommMessage,
  type DidCommMessageHandler,
  DidCommMessagesReceivedV2Message,
  DidCommOutboundMessageContext,
  DidCommProblemReportError,
  DidCommStatusRequestV2Message,
  DidCommStatusV2Message,
} from '@credo-ts/didcomm'
import { noteAnswer } from '../../agent/return-route.js'
import { base58Encode } from '../../lib/base58.js'
import type { Unit } from '../../storage/unit.js'
import { grantedAgent, unitOfMessage, verkeyOf } from './coordination.js'
import { BATCH, type Deliveries, deliveryOf, type KeyPair, sealed } from './deliveries.js'
import { countOf, idOf, read, remove } from './mail.js'
import type { MediatedAgent } from './mediated-agents.js'

/** Ids that one message acknowledges, and messages that one delivery has at most, where so many are asked for. */
const IDS_MAX = 1000
const LIMIT_MAX = 1000

/** Somebody who fetches what waits for it. */
interface Caller {
  unit: Unit
  agent: MediatedAgent
  keys: KeyPair
}

type Inbound<T extends DidCommMessage> = DidCommInboundMessageContext<T>

/**
 * Lets agents fetch what waits for them, by message pickup 1.0 (Aries RFC 0212) and 2.0 (Aries RFC 0685). What the second
 * delivers stays until it is acknowledged; what the first does until it has arrived.
 */
export class Pickup {
  constructor(private readonly deliveries: Deliveries) {}

  get handlers(): DidCommMessageHandler[] {
    return [
      { supportedMessages: [DidCommStatusRequestV2Message], handle: (inbound) => this.status(inbound as never) },
      { supportedMessages: [DidCommDeliveryRequestV2Message], handle: (inbound) => this.deliver(inbound as never) },
      { supportedMessages: [DidCommMessagesReceivedV2Message], handle: (inbound) => this.received(inbound as never) },
      { supportedMessages: [DidCommLiveDeliveryChangeV2Message], handle: (inbound) => this.live(inbound as never) },
      { supportedMessages: [DidCommBatchPickupMessage], handle: (inbound) => this.batch(inbound as never) },
    ]
  }

  private async status(inbound: Inbound<DidCommStatusRequestV2Message>) {
    const caller = await this.callerOf(inbound)
    return this.answer(inbound, caller, await statusOf(caller, inbound.message, inbound.message.recipientKey))
  }

  private async deliver(inbound: Inbound<DidCommDeliveryRequestV2Message>) {
    const { limit, recipientKey, threadId } = inbound.message
    const caller = await this.callerOf(inbound)
    const count = Math.max(1, Math.min(limit, LIMIT_MAX))
    const letters = await read(caller.unit, caller.agent, { ...BATCH, count, key: keyOf(recipientKey) })
    const last = letters.at(-1)
    if (!last) return this.answer(inbound, caller, await statusOf(caller, inbound.message, recipientKey))
    this.deliveries.wish(caller.unit.profile, caller.agent.to, caller.keys, recipientKey ? {} : { after: last.n })
    return this.answer(inbound, caller, deliveryOf(letters, threadId, recipientKey))
  }

  private async received(inbound: Inbound<DidCommMessagesReceivedV2Message>) {
    const { messageIdList } = inbound.message
    const caller = await this.callerOf(inbound)
    if (messageIdList.length > IDS_MAX)
      throw new DidCommProblemReportError('Too many ids', { problemCode: 'too-many-ids' })
    await remove(caller.unit, caller.agent, messageIdList.map(String))
    return this.answer(inbound, caller, await statusOf(caller, inbound.message))
  }

  private async live(inbound: Inbound<DidCommLiveDeliveryChangeV2Message>) {
    const { liveDelivery, threadId } = inbound.message
    const caller = await this.callerOf(inbound)
    const { unit, agent, keys } = caller
    this.deliveries.wish(unit.profile, agent.to, keys, { live: liveDelivery })
    if (liveDelivery) this.deliveries.arrived(unit, agent.to)
    const { messages: messageCount } = agent.mail
    return this.answer(inbound, caller, new DidCommStatusV2Message({ threadId, messageCount, liveDelivery }))
  }

  private async batch(inbound: Inbound<DidCommBatchPickupMessage>) {
    const { batchSize, threadId } = inbound.message
    const caller = await this.callerOf(inbound)
    const { unit, agent } = caller
    const letters = await read(unit, agent, { ...BATCH, count: Math.max(1, Math.min(batchSize, BATCH.count)) })
    const ids = letters.map(idOf)
    const messages = letters.map(
      ({ envelope }, index) => new DidCommBatchMessageMessage({ id: ids[index], message: envelope as never }),
    )
    const batch = new DidCommBatchMessage({ messages, threadId })
    const [wallet, { connectionId }] = [unit.profile, agent]
    const arrived = () => this.deliveries.remove(wallet, connectionId, ids)
    const outbound = await this.answer(inbound, caller, batch, ids.length > 0 ? arrived : undefined)
    // By its endpoint it goes for certain.
    if (outbound) await remove(unit, agent, ids)
    return outbound
  }

  private async callerOf(inbound: Inbound<DidCommMessage>): Promise<Caller> {
    inbound.assertReadyConnection()
    const { senderKey, recipientKey } = inbound
    const unit = unitOfMessage()
    const agent = await grantedAgent(inbound, unit)
    if (!senderKey || !recipientKey) throw new Error('A message of a connection has both keys')
    const keys = { theirs: senderKey, own: recipientKey }
    // From now on nothing comes by this path that was not asked for.
    this.deliveries.wish(unit.profile, agent.to, keys, {})
    return { unit, agent, keys }
  }

  /** Answers by the way that was asked for; where none was it goes to the agent's endpoint. */
  private async answer(
    { agentContext, connection }: Inbound<DidCommMessage>,
    { unit, keys }: Caller,
    message: DidCommMessage,
    arrived?: () => Promise<void>,
  ): Promise<DidCommOutboundMessageContext | undefined> {
    const [to, thread] = [base58Encode(keys.theirs.publicKey.publicKey), message.threadId]
    if (!noteAnswer(unit, to, thread)) return new DidCommOutboundMessageContext(message, { agentContext, connection })
    unit.add(this.deliveries.answers, { to, thread, envelope: await sealed(agentContext, message, keys), arrived })
    return undefined
  }
}

const keyOf = (recipientKey: string | undefined) => (recipientKey ? (verkeyOf(recipientKey) ?? '') : undefined)

async function statusOf({ unit, agent }: Caller, { threadId }: DidCommMessage, recipientKey?: string) {
  const { messages, bytes } = agent.mail
  const messageCount = recipientKey ? await countOf(unit, agent, keyOf(recipientKey) ?? '') : messages
  const [oldest] = messages > 0 ? await read(unit, agent, { count: 1, bytes: 0 }) : []
  return new DidCommStatusV2Message({
    threadId,
    recipientKey,
    messageCount,
    ...(recipientKey ? {} : { totalBytes: bytes }),
    ...(oldest && !recipientKey
      ? {
          oldestReceivedTime: new Date(oldest.at),
          longestWaitedSeconds: Math.max(0, Math.floor((Date.now() - oldest.at) / 1000)),
        }
      : {}),
  })
}
