import type { AgentContext } from '@credo-ts/core'
import {
  DidCommConnectionRepository,
  DidCommDocumentService,
  DidCommForwardMessage,
  type DidCommInboundMessageContext,
  DidCommMediatorRoutingRepository,
  type DidCommMessageHandler,
} from '@credo-ts/didcomm'
import { NotTaken } from '../../agent/not-taken.js'
import type { AgentPorts } from '../../agent/ports.js'
import { WalletAgent } from '../../agent/wallet-agent.js'
import { parseEnvelope } from '../../relay/envelope.js'
import type { Unit } from '../../storage/unit.js'
import { unitOfMessage, verkeyOf } from './coordination.js'
import type { Deliveries } from './deliveries.js'
import { lay } from './mail.js'
import { findAgent, hasKey, type MediatedAgent } from './mediated-agents.js'
import type { MediatorRules } from './rules.js'

const HTTP = /^https?:/

/**
 * Takes forwards (Aries RFC 0094) for agents that the wallet mediates for: to their endpoint, by way of the outbox, or, where
 * they have none, into what waits for them. Each layer of an envelope is opened once, so forwards within forwards end with
 * the innermost.
 */
export class Forwarding {
  constructor(
    private readonly ports: AgentPorts,
    private readonly deliveries: Deliveries,
    private readonly rulesOf: (agent: WalletAgent) => MediatorRules,
    /** How many messages wait in a wallet's outbox, and how many bytes of them for one connection. */
    private readonly outgoing: (wallet: string, connectionId: string) => Promise<{ messages: number; bytes: number }>,
  ) {}

  get handlers(): DidCommMessageHandler[] {
    return [
      {
        supportedMessages: [DidCommForwardMessage],
        handle: (inbound) => this.forward(inbound as DidCommInboundMessageContext<DidCommForwardMessage>),
      },
    ]
  }

  private async forward(inbound: DidCommInboundMessageContext<DidCommForwardMessage>): Promise<undefined> {
    const { agentContext: context, message } = inbound
    const unit = unitOfMessage()
    const rules = this.rulesOf(new WalletAgent(context))
    const key = verkeyOf(message.to)
    const agent = key && rules.on ? await receiverOf(inbound, unit) : undefined
    if (!agent || !key || !(await hasKey(unit, agent.connectionId, key))) throw new NotTaken('unknown-recipient')
    const envelope = parseEnvelope(Buffer.from(JSON.stringify(message.message)))
    if (!envelope) throw new NotTaken('malformed')
    const { connectionId, mail } = agent
    const endpoint = await endpointOf(context, connectionId)
    if (endpoint !== undefined) {
      const waiting = await this.outgoing(unit.profile, connectionId)
      if (waiting.messages >= rules.messages || waiting.bytes + envelope.bytes > rules.bytes) throw new NotTaken('full')
      await this.ports.send(unit, { endpoint, connectionId, payload: envelope.json })
      return
    }
    if (mail.messages >= rules.messages || mail.bytes + envelope.bytes > rules.bytes) throw new NotTaken('full')
    const { json, bytes, digest } = envelope
    if (await lay(unit, agent, { key, bytes, digest, envelope: json })) this.deliveries.arrived(unit, agent.to)
  }
}

/** The agent that a forward is for: the one that the routing key was given to. */
async function receiverOf(
  { agentContext: context, recipientKey }: DidCommInboundMessageContext,
  unit: Unit,
): Promise<MediatedAgent | undefined> {
  if (!recipientKey) return undefined
  const routingKeyFingerprints = [recipientKey.fingerprint]
  const record = await context
    .resolve(DidCommMediatorRoutingRepository)
    .findSingleByQuery(context, { routingKeyFingerprints })
  return record ? findAgent(unit, record.id) : undefined
}

/** Where an agent takes messages by itself; undefined where it fetches them. */
async function endpointOf(context: AgentContext, connectionId: string): Promise<string | undefined> {
  const connection = await context.resolve(DidCommConnectionRepository).findById(context, connectionId)
  if (!connection?.theirDid) throw new NotTaken('unknown-recipient')
  const services = await context.resolve(DidCommDocumentService).resolveServicesFromDid(context, connection.theirDid)
  return services.find(({ serviceEndpoint }) => HTTP.test(serviceEndpoint))?.serviceEndpoint
}
