import {
  DidCommBatchMessage,
  DidCommDeliveryRequestV2Message,
  type DidCommInboundMessageContext,
  type DidCommMessage,
  DidCommMessageDeliveryV2Message,
  type DidCommMessageHandler,
  DidCommOutboundMessageContext,
  DidCommStatusV2Message,
} from '@credo-ts/didcomm'
import { type Collector, currentUnit, type Unit } from '../../storage/unit.js'
import { type FetchedGrant, fetchedGrants } from './grants.js'

/** A message for one of the gateway's wallets, as a mediator has kept it. */
export interface Letter {
  id: string
  envelope: unknown
}

/** What a mediator has handed over. */
export interface Handed {
  grant: FetchedGrant
  letters: Letter[]
  /** Whether it keeps them until it is told that they have come (message pickup 2.0), else they are gone there. */
  isKept: boolean
}

/** Protocols of message pickup, by their major version. */
export type Version = 1 | 2

export interface LetterOptions {
  /** Called once what a mediator has handed over is noted in its wallet. */
  handed: (wallet: string, handed: Handed) => void
  /** A mediator has answered by a protocol; with so many bytes, where it has delivered all that was asked for. */
  answered: (grantId: string, version: Version, bytes?: number) => void
  /** How many messages a mediator is to be asked for. */
  limitOf: (grantId: string) => number
}

type Inbound<T extends DidCommMessage> = DidCommInboundMessageContext<T>

/** Takes what mediators answer to whoever fetches from them: message pickup 2.0 (Aries RFC 0685) and 1.0 (RFC 0212). */
export class Letters {
  constructor(private readonly options: LetterOptions) {}

  get handlers(): DidCommMessageHandler[] {
    return [
      { supportedMessages: [DidCommStatusV2Message], handle: (inbound) => this.status(inbound as never) },
      { supportedMessages: [DidCommMessageDeliveryV2Message], handle: (inbound) => this.delivery(inbound as never) },
      { supportedMessages: [DidCommBatchMessage], handle: (inbound) => this.batch(inbound as never) },
    ]
  }

  private async status(inbound: Inbound<DidCommStatusV2Message>) {
    const { grant } = await this.senderOf(inbound)
    if (!grant) return undefined
    const isEmpty = inbound.message.messageCount === 0
    this.options.answered(grant.id, 2, isEmpty ? 0 : undefined)
    if (isEmpty) return undefined
    const { agentContext, connection } = inbound
    const request = new DidCommDeliveryRequestV2Message({ limit: this.options.limitOf(grant.id) })
    return new DidCommOutboundMessageContext(request, { agentContext, connection })
  }

  private async delivery(inbound: Inbound<DidCommMessageDeliveryV2Message>) {
    const attachments = inbound.message.appendedAttachments ?? []
    const letters = attachments.map((one) => ({ id: one.id, envelope: one.getDataAsJson() }))
    return this.take(inbound, letters, 2)
  }

  private async batch(inbound: Inbound<DidCommBatchMessage>) {
    const letters = inbound.message.messages.map(({ id, message }) => ({ id, envelope: message as unknown }))
    return this.take(inbound, letters, 1)
  }

  private async take(inbound: Inbound<DidCommMessage>, letters: Letter[], version: Version) {
    const { unit, grant } = await this.senderOf(inbound)
    if (!unit || !grant) return undefined
    // One in live mode belongs to no request: what was asked for has not come by it.
    const isAnswer = version === 1 || inbound.message.thread?.threadId !== undefined
    this.options.answered(grant.id, version, isAnswer ? sum(letters.map(lengthOf)) : undefined)
    if (letters.length > 0) unit.add(this.collector, { grant, letters, isKept: version === 2 })
    return undefined
  }

  private async senderOf(inbound: Inbound<DidCommMessage>): Promise<{ unit?: Unit; grant?: FetchedGrant }> {
    const connection = inbound.assertReadyConnection()
    const unit = currentUnit()
    if (!unit) return {}
    return { unit, grant: (await fetchedGrants(unit)).find(({ connectionId }) => connectionId === connection.id) }
  }

  private readonly collector: Collector<Handed> = {
    settle: (all, _head, wallet) => ({
      changes: [],
      committed: () => {
        for (const handed of all) this.options.handed(wallet, handed)
      },
    }),
  }
}

/** About how long a letter is: nearly all of it is its ciphertext. */
const lengthOf = ({ envelope }: Letter) => String((envelope as { ciphertext?: unknown }).ciphertext ?? '').length
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
