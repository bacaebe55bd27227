import { type AgentContext, DidsApi } from '@credo-ts/core'
import {
  DidCommBasicMessagesApi,
  DidCommConnectionsApi,
  DidCommMessageReceiver,
  DidCommOutOfBandApi,
} from '@credo-ts/didcomm'
import { WalletOwner } from './ports.js'

/** One tenant's wallet while it is lent: Credo's APIs, bound to it. */
export class WalletAgent {
  constructor(readonly context: AgentContext) {}

  get owner(): WalletOwner {
    return this.context.resolve(WalletOwner)
  }

  get dids(): DidsApi {
    return this.context.resolve(DidsApi)
  }

  get oob(): DidCommOutOfBandApi {
    return this.context.resolve(DidCommOutOfBandApi)
  }

  get connections(): DidCommConnectionsApi {
    return this.context.resolve(DidCommConnectionsApi)
  }

  get basicMessages(): DidCommBasicMessagesApi {
    return this.context.resolve(DidCommBasicMessagesApi)
  }

  /** Opens an envelope and handles the message. @throws EnvelopeError, and whatever its handler throws */
  receive(envelope: unknown): Promise<void> {
    const { contextCorrelationId } = this.context
    return this.context.resolve(DidCommMessageReceiver).receiveMessage(envelope, { contextCorrelationId })
  }
}
