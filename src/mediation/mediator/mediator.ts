import { type DidCommMessageHandler, DidCommProtocol } from '@credo-ts/didcomm'
import type { AgentPorts } from '../../agent/ports.js'
import type { WalletAgent } from '../../agent/wallet-agent.js'
import type { DeliveryReport } from '../../relay/delivery-report.js'
import { OUTBOX } from '../../relay/outbox.js'
import type { Unit } from '../../storage/unit.js'
import { Coordination } from './coordination.js'
import { Deliveries, type DeliveriesOptions } from './deliveries.js'
import { Forwarding } from './forwarding.js'
import { idOf, isEmpty, read, remove } from './mail.js'
import { type MediatedOptions, MediatedService } from './mediated.service.js'
import { allAgents } from './mediated-agents.js'
import { Pickup } from './pickup.js'
import type { MediatorRules } from './rules.js'

export interface MediatorOptions extends DeliveriesOptions {
  ports: AgentPorts
  rulesOf: (agent: WalletAgent) => MediatorRules
  report: (unit: Unit, wallet: string, report: DeliveryReport) => Promise<void>
  /** The bytes that wait to be sent from here to a connection. */
  sendingBytes: (wallet: string, connectionId: string) => number
  base: MediatedOptions['base']
}

/** What is looked through at once for what has waited for too long. */
const TRIM = { count: 100, bytes: Number.POSITIVE_INFINITY }

/** What agents may be told that a wallet can do for them (Aries RFC 0557). */
export const MEDIATOR_PROTOCOLS = [
  new DidCommProtocol({ id: 'https://didcomm.org/coordinate-mediation/1.0', roles: ['mediator'] }),
  new DidCommProtocol({ id: 'https://didcomm.org/messagepickup/1.0', roles: ['message_holder'] }),
  new DidCommProtocol({ id: 'https://didcomm.org/messagepickup/2.0', roles: ['mediator'] }),
]

/** Wallets of the gateway as mediators for agents outside, put together. */
export class Mediator {
  readonly deliveries: Deliveries
  readonly mediated: MediatedService
  private readonly coordination: Coordination
  private readonly forwarding: Forwarding
  private readonly pickup: Pickup

  constructor(private readonly options: MediatorOptions) {
    const { ports, rulesOf, profiles } = options
    this.deliveries = new Deliveries(options)
    this.coordination = new Coordination(ports, rulesOf)
    const { sessions, base } = options
    this.mediated = new MediatedService({ profiles, sessions, coordination: this.coordination, base })
    const outgoing = async (wallet: string, connectionId: string) => ({
      messages: await profiles.of(wallet).read((session) => session.count({ category: OUTBOX })),
      bytes: options.sendingBytes(wallet, connectionId),
    })
    this.forwarding = new Forwarding(ports, this.deliveries, rulesOf, outgoing)
    this.pickup = new Pickup(this.deliveries)
  }

  get handlers(): DidCommMessageHandler[] {
    return [...this.coordination.handlers, ...this.forwarding.handlers, ...this.pickup.handlers]
  }

  /** Ends what is done for an agent whose connection goes. */
  connectionRemoved(agent: WalletAgent, unit: Unit, connectionId: string): Promise<void> {
    return this.coordination.end(agent, unit, connectionId)
  }

  /** Goes on with an agent that has rotated to another DID. */
  connectionRotated(agent: WalletAgent, unit: Unit, connectionId: string): Promise<void> {
    return this.coordination.rotated(agent, unit, connectionId)
  }

  /** Gives up what has waited for an agent for too long. */
  async trim(wallet: string): Promise<void> {
    const { profiles, sessions, rulesOf, report } = this.options
    const agents = await allAgents(profiles.of(wallet))
    if (agents.every(({ mail }) => isEmpty(mail))) return
    await sessions().transact(wallet, async (walletAgent, unit) => {
      const { ageMs } = rulesOf(walletAgent)
      for (const agent of await allAgents(unit)) {
        const old = (await read(unit, agent, TRIM)).filter(({ at }) => Date.now() - at > ageMs)
        if (old.length === 0) continue
        await remove(unit, agent, old.map(idOf))
        const { connectionId } = agent
        const given = { outcome: 'GIVEN_UP', connectionId, attempts: 0, reason: 'not fetched' } as const
        for (const _ of old) await report(unit, wallet, given)
      }
    })
  }
}
