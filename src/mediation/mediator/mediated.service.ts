import { conflict, notFound } from '../../lib/errors.js'
import type { Listed } from '../../storage/list.js'
import type { Profiles } from '../../storage/profiles.js'
import { BASE_PROFILE } from '../../storage/store.js'
import type { Sessions } from '../../tenants/sessions.js'
import type { MediatedAgentType, MediatorInvitationPayload } from '../mediation.type.js'
import type { Coordination } from './coordination.js'
import { AGENTS_LIST, agentOf, findAgent } from './mediated-agents.js'

export interface MediatedOptions {
  profiles: Profiles
  sessions: () => Sessions
  coordination: Coordination
  /** Whether the base wallet mediates; its name to others, and where URLs of it lead. */
  base: { mediates: boolean; label: string; domain: () => string }
}

/** The agents that a wallet mediates for, by its name: a tenant's id, or the base wallet's. */
export class MediatedService {
  constructor(private readonly options: MediatedOptions) {}

  list(wallet: string, query: { limit: number; reverse: boolean; after?: number; before?: number }): Promise<Listed[]> {
    return this.options.profiles.of(wallet).list({ ...AGENTS_LIST, filter: {}, ...query })
  }

  view({ entry }: Listed): MediatedAgentType {
    const { connectionId, routingKeys, keys, mail } = agentOf(entry)
    return { connectionId, routingKeys, keys, waitingMessages: mail.messages, waitingBytes: mail.bytes }
  }

  /**
   * Takes back what an agent was granted. The base wallet's connection to it goes as well, as nobody could ask for that
   * otherwise; a tenant's stays, and the agent can ask again.
   * @throws NOT_FOUND
   */
  end(wallet: string, connectionId: string): Promise<void> {
    const { sessions, coordination } = this.options
    return sessions().transact(wallet, async (agent, unit) => {
      if (!(await findAgent(unit, connectionId))) throw notFound('mediated agent')
      await coordination.end(agent, unit, connectionId)
      if (agent.isBase) await agent.connections.deleteById(connectionId)
    })
  }

  /** Invites agents to be mediated for by the base wallet. @throws CONFLICT where it does not mediate */
  invite(): Promise<MediatorInvitationPayload> {
    const { sessions, base } = this.options
    if (!base.mediates) throw conflict('The base wallet does not mediate. Start the gateway with BASE_MEDIATES=on.')
    return sessions().transact(BASE_PROFILE, async ({ oob }) => {
      const { outOfBandInvitation } = await oob.createInvitation({
        label: base.label,
        multiUseInvitation: true,
        autoAcceptConnection: true,
      })
      return { url: outOfBandInvitation.toUrl({ domain: base.domain() }), message: outOfBandInvitation.toJSON() }
    })
  }
}
