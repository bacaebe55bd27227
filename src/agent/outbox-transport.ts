import { CredoError } from '@credo-ts/core'
import type { DidCommOutboundPackage, DidCommOutboundTransport } from '@credo-ts/didcomm'
import { currentUnit } from '../storage/unit.js'
import type { AgentPorts } from './ports.js'

/**
 * Credo's way out ends here: a packed message becomes part of the unit of work that made it. It is sent after the
 * commit, with nothing held.
 */
export class OutboxTransport implements DidCommOutboundTransport {
  readonly supportedSchemes = ['http', 'https']

  constructor(private readonly ports: AgentPorts) {}

  async sendMessage({ payload, endpoint, connectionId }: DidCommOutboundPackage): Promise<void> {
    const unit = currentUnit()
    if (!unit || !endpoint) throw new CredoError('A message can leave only from a unit of work, for an endpoint')
    this.ports.send(unit, { payload, endpoint, connectionId })
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
}
