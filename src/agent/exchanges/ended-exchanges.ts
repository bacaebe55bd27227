import {
  DidCommCredentialExchangeRepository,
  DidCommCredentialState,
  type DidCommInboundMessageContext,
  DidCommProofExchangeRepository,
  DidCommProofState,
  parseMessageType,
} from '@credo-ts/didcomm'

const ENDED = new Set<string>([
  DidCommCredentialState.Done,
  DidCommCredentialState.Declined,
  DidCommCredentialState.Abandoned,
  DidCommProofState.Done,
  DidCommProofState.Declined,
  DidCommProofState.Abandoned,
])

/**
 * Whether a message reports a problem with an exchange that has ended. Credo would abandon it all the same: a verdict
 * would be taken back, and what was issued look as if it was not, by whoever the other side is.
 */
export async function isReportOfEnded({ agentContext, message }: DidCommInboundMessageContext): Promise<boolean> {
  const { protocolName, messageName } = parseMessageType(message.type)
  if (messageName !== 'problem-report') return false
  const { threadId } = message
  const records =
    protocolName === 'issue-credential'
      ? await agentContext.resolve(DidCommCredentialExchangeRepository).findByQuery(agentContext, { threadId })
      : protocolName === 'present-proof'
        ? await agentContext.resolve(DidCommProofExchangeRepository).findByQuery(agentContext, { threadId })
        : []
  return records.length > 0 && records.every(({ state }) => ENDED.has(state))
}
