import { type AgentContext, DidsApi, W3cCredentialsApi } from '@credo-ts/core'
import {
  DidCommBasicMessagesApi,
  DidCommConnectionsApi,
  DidCommCredentialsApi,
  DidCommMessageReceiver,
  DidCommOutOfBandApi,
  DidCommProofsApi,
} from '@credo-ts/didcomm'
import { QuestionAnswerApi } from '@credo-ts/question-answer'
import type { ExchangeProtocols } from './exchanges/protocols.js'
import { WalletOwner } from './ports.js'

/** One tenant's wallet while it is lent: Credo's APIs, bound to it. */
export class WalletAgent {
  constructor(readonly context: AgentContext) {}

  /** Whether this is the base wallet, which has no owner. */
  get isBase(): boolean {
    return !this.context.dependencyManager.isRegistered(WalletOwner)
  }

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

  get credentials(): DidCommCredentialsApi<[...ExchangeProtocols['credentials']]> {
    return this.context.resolve(DidCommCredentialsApi) as never
  }

  get w3cCredentials(): W3cCredentialsApi {
    return this.context.resolve(W3cCredentialsApi)
  }

  get proofs(): DidCommProofsApi<[...ExchangeProtocols['proofs']]> {
    return this.context.resolve(DidCommProofsApi) as never
  }

  get questions(): QuestionAnswerApi {
    return this.context.resolve(QuestionAnswerApi)
  }

  /** Opens an envelope and handles the message. @throws EnvelopeError, and whatever its handler throws */
  receive(envelope: unknown): Promise<void> {
    const { contextCorrelationId } = this.context
    return this.context.resolve(DidCommMessageReceiver).receiveMessage(envelope, { contextCorrelationId })
  }
}
