import {
  type DidCommInboundMessageContext,
  DidCommKeylistUpdateResponseMessage,
  DidCommMediationDenyMessage,
  DidCommMediationGrantMessage,
  DidCommMediationRecipientService,
  type DidCommMessageHandler,
} from '@credo-ts/didcomm'
import { WalletAgent } from '../agent/wallet-agent.js'
import { currentUnit } from '../storage/unit.js'
import type { Keylist } from './keylist.js'
import { makeDefault, wantsDefault } from './mediator-choice.js'

/** What mediators answer (Aries RFC 0211), handled in the unit of work that the message came with. */
export function mediationHandlers(keylist: () => Keylist): DidCommMessageHandler[] {
  const service = ({ agentContext }: DidCommInboundMessageContext) =>
    agentContext.resolve(DidCommMediationRecipientService)
  return [
    {
      supportedMessages: [DidCommMediationGrantMessage],
      async handle(message: DidCommInboundMessageContext<DidCommMediationGrantMessage>) {
        message.assertReadyConnection()
        const grant = await service(message).processMediationGrant(message)
        if (wantsDefault(grant)) await makeDefault(message.agentContext, grant)
        return undefined
      },
    },
    {
      supportedMessages: [DidCommMediationDenyMessage],
      async handle(message: DidCommInboundMessageContext<DidCommMediationDenyMessage>) {
        await service(message).processMediationDeny(message)
        return undefined
      },
    },
    {
      supportedMessages: [DidCommKeylistUpdateResponseMessage],
      async handle(context: DidCommInboundMessageContext<DidCommKeylistUpdateResponseMessage>) {
        const { id } = context.assertReadyConnection()
        const grant = await service(context).findByConnectionId(context.agentContext, id)
        const unit = currentUnit()
        if (!unit || grant?.role !== 'RECIPIENT') return undefined
        await keylist().answered(new WalletAgent(context.agentContext), unit, grant, context.message)
        return undefined
      },
    },
  ] as DidCommMessageHandler[]
}
