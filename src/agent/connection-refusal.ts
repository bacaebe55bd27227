import { DidRepository } from '@credo-ts/core'
import {
  DidCommConnectionProblemReportMessage,
  DidCommConnectionRepository,
  DidCommConnectionRequestMessage,
  DidCommConnectionService,
  DidCommDidExchangeProblemReportMessage,
  DidCommDidExchangeRequestMessage,
  DidCommDidExchangeState,
  DidCommDocumentService,
  type DidCommInboundMessageContext,
  type DidCommMessageHandler,
  type DidCommMessageHandlerMiddleware,
  DidCommMessageSender,
  DidCommOutboundMessageContext,
  DidCommOutOfBandRepository,
  DidCommOutOfBandService,
  DidCommOutOfBandState,
  DidExchangeProblemReportReason,
} from '@credo-ts/didcomm'

const DESCRIPTION = { en: 'No more connections are taken', code: DidExchangeProblemReportReason.RequestNotAccepted }

/** That a connection request is not taken, whatever else is in order with it. */
export class RequestNotTaken extends Error {}

/**
 * Refuses who comes by an invitation that another has used; stock Credo leaves that one waiting without a word. The request
 * is handled as if it were the first, and then undone as any other that fails: only so it is known where its sender is.
 */
export const refuseByUsedInvitation: DidCommMessageHandlerMiddleware = async (inbound, next) => {
  const { agentContext, message, recipientKey, senderKey, connection } = inbound
  const isRequest =
    message instanceof DidCommConnectionRequestMessage || message instanceof DidCommDidExchangeRequestMessage
  if (!isRequest || connection || !recipientKey || !senderKey) return next()
  const parent = message.thread?.parentThreadId
  // By a public DID, which stands for an invitation of its own each time.
  if (parent?.startsWith('did:')) return next()
  const invitations = agentContext.resolve(DidCommOutOfBandService)
  // As the handlers find it: several invitations by one DID have one key.
  const invitation =
    message instanceof DidCommConnectionRequestMessage
      ? await invitations.findCreatedByRecipientKey(agentContext, recipientKey)
      : parent && (await invitations.findByCreatedInvitationId(agentContext, parent))
  if (!invitation || invitation.reusable || invitation.state !== DidCommOutOfBandState.Done) return next()
  // Whoever has used it is not told to give up, if it asks again.
  const dids = agentContext.resolve(DidRepository)
  if (await dids.findReceivedDidByRecipientKey(agentContext, senderKey)) return next()
  // Its key is that of the connection that came of it: no response can be made with it.
  invitation.autoAcceptConnection = false
  await invitations.updateState(agentContext, invitation, DidCommOutOfBandState.AwaitResponse)
  await next()
  throw new RequestNotTaken('The invitation was used before')
}

/**
 * Makes ready to say no to a connection request. There is no connection to answer on: the report goes to where the
 * request says that its sender is, by the key of the invitation (Aries RFC 0023 and 0160).
 * @returns what sends it, or undefined where the sender cannot be reached
 */
export async function refusalOf({
  agentContext,
  message,
  senderKey,
  recipientKey,
}: DidCommInboundMessageContext): Promise<(() => Promise<void>) | undefined> {
  if (!senderKey || !recipientKey) return undefined
  const their = await agentContext.resolve(DidRepository).findReceivedDidByRecipientKey(agentContext, senderKey)
  if (!their) return undefined
  const [service] = await agentContext.resolve(DidCommDocumentService).resolveServicesFromDid(agentContext, their.did)
  if (!service) return undefined
  const report =
    message instanceof DidCommConnectionRequestMessage
      ? new DidCommConnectionProblemReportMessage({ description: DESCRIPTION })
      : new DidCommDidExchangeProblemReportMessage({ description: DESCRIPTION })
  report.setThread({ threadId: message.threadId })
  const serviceParams = { service, senderKey: recipientKey }
  const outbound = new DidCommOutboundMessageContext(report, { agentContext, serviceParams })
  return () => agentContext.resolve(DidCommMessageSender).sendMessage(outbound)
}

/** Gives a connection up whose request the other agent has refused. Credo knows the message, but does not take it. */
export class ConnectionRefusedHandler implements DidCommMessageHandler {
  readonly supportedMessages = [DidCommDidExchangeProblemReportMessage]

  async handle({ agentContext, message, senderKey }: DidCommInboundMessageContext): Promise<undefined> {
    const { description, threadId } = message as DidCommDidExchangeProblemReportMessage
    const connections = agentContext.resolve(DidCommConnectionRepository)
    const connection = await connections.findSingleByQuery(agentContext, { threadId })
    if (connection?.state !== DidCommDidExchangeState.RequestSent || !connection.outOfBandId) return
    // Only from whom the invitation came.
    const invitation = await agentContext
      .resolve(DidCommOutOfBandRepository)
      .findById(agentContext, connection.outOfBandId)
    const keys = invitation?.getTags().recipientKeyFingerprints ?? []
    if (!senderKey || !keys.includes(senderKey.fingerprint)) return
    connection.errorMessage = `${description.code}: ${description.en}`
    const { Abandoned } = DidCommDidExchangeState
    await agentContext.resolve(DidCommConnectionService).updateState(agentContext, connection, Abandoned)
  }
}
