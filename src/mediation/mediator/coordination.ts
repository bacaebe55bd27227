import { DidKey, didKeyToVerkey, isDidKey, Kms } from '@credo-ts/core'
import {
  type DidCommInboundMessageContext,
  DidCommKeylistUpdateAction,
  DidCommKeylistUpdated,
  DidCommKeylistUpdateMessage,
  DidCommKeylistUpdateResponseMessage,
  DidCommKeylistUpdateResult,
  DidCommMediationDenyMessage,
  DidCommMediationGrantMessage,
  DidCommMediationRequestMessage,
  DidCommMediatorRoutingRecord,
  DidCommMediatorRoutingRepository,
  type DidCommMessageHandler,
  DidCommOutboundMessageContext,
  DidCommProblemReportError,
  DidCommRoutingService,
} from '@credo-ts/didcomm'
import type { AgentPorts } from '../../agent/ports.js'
import { WalletAgent } from '../../agent/wallet-agent.js'
import { base58Decode, base58Encode } from '../../lib/base58.js'
import { newId } from '../../lib/ids.js'
import { currentUnit, type Unit } from '../../storage/unit.js'
import { KeylistMessage, KeylistQueryMessage } from './keylist-messages.js'
import { removeAll } from './mail.js'
import {
  addKey,
  countAgents,
  findAgent,
  hasKey,
  keysOf,
  type MediatedAgent,
  NO_MAIL,
  putAgent,
  removeAgent,
  removeKey,
} from './mediated-agents.js'
import { isPresentKey, presentKey } from './present-key.js'
import type { MediatorRules } from './rules.js'

/** Keys in one update, of which more is refused as a whole, and in one answer. */
const UPDATES_MAX = 1000
const KEY_BYTES = 32

/**
 * Grants mediation, and learns by which keys agents are reached (Aries RFC 0211). Each agent gets a routing key of its own,
 * so that what is forwarded to one can never be for another, whatever keys it says are its own.
 */
export class Coordination {
  constructor(
    private readonly ports: AgentPorts,
    private readonly rulesOf: (agent: WalletAgent) => MediatorRules,
  ) {}

  get handlers(): DidCommMessageHandler[] {
    return [
      {
        supportedMessages: [DidCommMediationRequestMessage],
        handle: (inbound) => this.request(inbound as DidCommInboundMessageContext<DidCommMediationRequestMessage>),
      },
      {
        supportedMessages: [KeylistQueryMessage],
        handle: (inbound) => this.query(inbound as DidCommInboundMessageContext<KeylistQueryMessage>),
      },
      {
        supportedMessages: [DidCommKeylistUpdateMessage],
        handle: (inbound) => this.update(inbound as DidCommInboundMessageContext<DidCommKeylistUpdateMessage>),
      },
    ]
  }

  /** Hands what waits for an agent over to the key that it has rotated to. */
  async rotated({ context }: WalletAgent, unit: Unit, connectionId: string): Promise<void> {
    const agent = await findAgent(unit, connectionId)
    const to = agent && (await presentKey(context, connectionId))
    if (agent && to) await putAgent(unit, { ...agent, to })
  }

  /** Ends the mediation for an agent whose connection goes: its keys and what waits for it go as well. */
  async end({ context }: WalletAgent, unit: Unit, connectionId: string): Promise<void> {
    const agent = await findAgent(unit, connectionId)
    if (!agent) return
    await removeAll(unit, agent)
    await removeAgent(unit, agent)
    const repository = context.resolve(DidCommMediatorRoutingRepository)
    const record = await repository.findById(context, connectionId)
    if (!record) return
    for (const key of record.routingKeysWithKeyId) {
      await context
        .resolve(DidCommRoutingService)
        .removeRouting(context, { recipientKeys: [key], mediatorId: connectionId })
      await context.resolve(Kms.KeyManagementApi).deleteKey({ keyId: key.keyId })
    }
    await repository.delete(context, record)
  }

  private async request(inbound: DidCommInboundMessageContext<DidCommMediationRequestMessage>) {
    const { agentContext, message } = inbound
    const connection = inbound.assertReadyConnection()
    const unit = unitOfMessage()
    const agent = (await agentBehind(inbound, unit)) ?? (await this.grant(inbound, unit, connection.id))
    const { threadId } = message
    const answer = agent
      ? new DidCommMediationGrantMessage({
          endpoint: agent.endpoint,
          routingKeys: agent.routingKeys.map(didKeyOf),
          threadId,
        })
      : new DidCommMediationDenyMessage({ id: newId() })
    answer.setThread({ threadId })
    return new DidCommOutboundMessageContext(answer, { agentContext, connection })
  }

  /** @returns undefined where it is not granted */
  private async grant(
    { agentContext: context, senderKey }: DidCommInboundMessageContext,
    unit: Unit,
    connectionId: string,
  ): Promise<MediatedAgent | undefined> {
    const rules = this.rulesOf(new WalletAgent(context))
    if (!senderKey || !rules.on || !rules.grants || (await countAgents(unit)) >= rules.agents) return undefined
    if (await findAgent(unit, connectionId)) return undefined
    const routing = await context.resolve(DidCommRoutingService).getRouting(context)
    const { recipientKey } = routing
    const [endpoint = ''] = routing.endpoints
    await context.resolve(DidCommMediatorRoutingRepository).save(
      context,
      new DidCommMediatorRoutingRecord({
        id: connectionId,
        routingKeys: [{ routingKeyFingerprint: recipientKey.fingerprint, kmsKeyId: recipientKey.keyId }],
      }),
    )
    const own = base58Encode(recipientKey.publicKey.publicKey)
    const others = routing.routingKeys.map((key) => base58Encode(key.publicKey.publicKey))
    await this.ports.route(unit, [own])
    const agent: MediatedAgent = {
      connectionId,
      to: base58Encode(senderKey.publicKey.publicKey),
      endpoint,
      routingKeys: [own, ...others],
      keys: 0,
      mail: { ...NO_MAIL },
    }
    await putAgent(unit, agent)
    return agent
  }

  private async query(inbound: DidCommInboundMessageContext<KeylistQueryMessage>) {
    const { agentContext, message } = inbound
    const connection = inbound.assertReadyConnection()
    const unit = unitOfMessage()
    const { connectionId } = await grantedAgent(inbound, unit)
    const all = await keysOf(unit, connectionId)
    const offset = bounded(message.paginate?.offset, all.length, 0)
    const keys = all.slice(offset, offset + bounded(message.paginate?.limit, UPDATES_MAX, UPDATES_MAX))
    const remaining = all.length - offset - keys.length
    const answer = new KeylistMessage({
      keys: keys.map((key) => ({ recipient_key: didKeyOf(key) })),
      pagination: { count: keys.length, offset, remaining },
      threadId: message.threadId,
    })
    return new DidCommOutboundMessageContext(answer, { agentContext, connection })
  }

  private async update(inbound: DidCommInboundMessageContext<DidCommKeylistUpdateMessage>) {
    const { agentContext, message } = inbound
    const connection = inbound.assertReadyConnection()
    const unit = unitOfMessage()
    const agent = await grantedAgent(inbound, unit)
    if (message.updates.length > UPDATES_MAX)
      throw new DidCommProblemReportError('The update has too many keys', { problemCode: 'too-many-keys' })
    const { keys } = this.rulesOf(new WalletAgent(agentContext))
    const keylist: DidCommKeylistUpdated[] = []
    for (const { recipientKey, action } of message.updates) {
      const result = await change(unit, agent, recipientKey, action, keys)
      keylist.push(new DidCommKeylistUpdated({ recipientKey, action, result }))
    }
    await putAgent(unit, agent)
    const answer = new DidCommKeylistUpdateResponseMessage({ keylist, threadId: message.threadId })
    return new DidCommOutboundMessageContext(answer, { agentContext, connection })
  }
}

/**
 * The agent that a message comes from, by the key that it talks by now. Of one that comes by a key of a DID that its sender has
 * rotated away from it is undefined: who has that key need not be the agent any more.
 */
export async function agentBehind(
  { agentContext, connection, senderKey }: DidCommInboundMessageContext,
  unit: Unit,
): Promise<MediatedAgent | undefined> {
  const agent = connection && (await findAgent(unit, connection.id))
  if (!agent || !senderKey) return undefined
  const key = base58Encode(senderKey.publicKey.publicKey)
  if (!(await isPresentKey(agentContext, connection, key))) return undefined
  if (agent.to === key) return agent
  agent.to = key
  await putAgent(unit, agent)
  return agent
}

/** The same. @throws what tells it that it was granted nothing */
export async function grantedAgent(inbound: DidCommInboundMessageContext, unit: Unit): Promise<MediatedAgent> {
  const agent = await agentBehind(inbound, unit)
  if (agent) return agent
  throw new DidCommProblemReportError('Mediation was not granted', { problemCode: 'mediation-not-granted' })
}

/** A whole number from an agent, within bounds. */
const bounded = (value: unknown, most: number, otherwise: number) =>
  Number.isInteger(value) ? Math.max(0, Math.min(value as number, most)) : otherwise

/** Adds or removes one key. A route to itself, and what is no key, are the client's error. */
async function change(
  unit: Unit,
  agent: MediatedAgent,
  recipientKey: string,
  action: DidCommKeylistUpdateAction,
  keysMax: number,
): Promise<DidCommKeylistUpdateResult> {
  const key = verkeyOf(recipientKey)
  if (!key || agent.routingKeys.includes(key)) return DidCommKeylistUpdateResult.ClientError
  if (action === DidCommKeylistUpdateAction.remove) {
    const removed = await removeKey(unit, agent, key)
    return removed ? DidCommKeylistUpdateResult.Success : DidCommKeylistUpdateResult.NoChange
  }
  if (await hasKey(unit, agent.connectionId, key)) return DidCommKeylistUpdateResult.NoChange
  if (agent.keys >= keysMax) return DidCommKeylistUpdateResult.ServerError
  addKey(unit, agent, key)
  return DidCommKeylistUpdateResult.Success
}

/** An Ed25519 key in base58, from a `did:key` or as it is; undefined where it is none. */
export function verkeyOf(text: string): string | undefined {
  try {
    const key = isDidKey(text) ? didKeyToVerkey(text) : text
    return base58Decode(key).length === KEY_BYTES ? key : undefined
  } catch {
    return undefined
  }
}

const didKeyOf = (key: string) =>
  new DidKey(Kms.PublicJwk.fromPublicKey({ kty: 'OKP', crv: 'Ed25519', publicKey: base58Decode(key) })).did

/** The unit that a message is handled in. */
export function unitOfMessage(): Unit {
  const unit = currentUnit()
  if (!unit) throw new Error('A message is handled in a unit of work')
  return unit
}
