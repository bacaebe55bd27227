import { DidCommMediationRole, DidCommMediationState } from '@credo-ts/didcomm'
import type { AgentPorts, OutboundEnvelope } from '../agent/ports.js'
import type { Profiles } from '../storage/profiles.js'
import type { Collector } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import type { Keylist } from './keylist.js'
import { GRANT } from './mediation.view.js'

/**
 * Tells a tenant's own mediators that it goes. What they are told is sealed while the wallet is still there, and laid into the
 * base wallet's outbox once the deletion has begun: no mediator forgets the keys of a tenant that stays.
 */
export class Farewell {
  private readonly sealed = new Map<string, OutboundEnvelope[]>()

  constructor(
    private readonly sessions: () => Sessions,
    private readonly profiles: Profiles,
    private readonly keylist: () => Keylist,
    private readonly ports: AgentPorts,
    private readonly outbox: Collector<OutboundEnvelope & { endpoint: string }>,
  ) {}

  /** Seals what is to be said. @throws where the wallet cannot be used now */
  async prepare(tenantId: string): Promise<void> {
    const query = { role: DidCommMediationRole.Recipient, state: DidCommMediationState.Granted }
    const mediators = await this.profiles.of(tenantId).query(GRANT, query)
    if (mediators.length === 0) return
    const sealed = await this.sessions().transact(tenantId, async (agent, unit) => {
      const before = unit.savepoint()
      for (const { name } of mediators) await this.keylist().leave(agent, unit, name)
      const envelopes = [...unit.gathered(this.outbox)]
      // Nothing of it is the wallet's own.
      unit.restore(before)
      return envelopes
    })
    this.sealed.set(tenantId, sealed)
  }

  /** Has the base wallet send it. */
  async say(tenantId: string): Promise<void> {
    const sealed = this.sealed.get(tenantId) ?? []
    if (sealed.length > 0) {
      await this.profiles.base.transact(async (unit) => {
        for (const { endpoint, connectionId, payload } of sealed)
          this.ports.send(unit, { endpoint, connectionId, payload })
      })
    }
    this.sealed.delete(tenantId)
  }
}
