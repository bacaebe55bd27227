import { DidRepository, InjectionSymbols, inject, injectable, JwsService, type Logger } from '@credo-ts/core'
import {
  DidCommConnectionService,
  DidExchangeProblemReportError,
  DidExchangeProblemReportReason,
  DidExchangeProtocol,
} from '@credo-ts/didcomm'
import { isForged, namesOthersOnly } from './named-keys.js'

const FORGED = 'The DID document is not that of the DID'
const REQUEST_REFUSED = { problemCode: DidExchangeProblemReportReason.RequestNotAccepted }
const RESPONSE_REFUSED = { problemCode: DidExchangeProblemReportReason.ResponseNotAccepted }

/** DID exchange (Aries RFC 0023) as ACA-Py can follow it. */
@injectable()
export class WalletDidExchange extends DidExchangeProtocol {
  // Without a constructor of its own, a subclass is built without what the parent needs.
  constructor(
    connections: DidCommConnectionService,
    dids: DidRepository,
    signatures: JwsService,
    @inject(InjectionSymbols.Logger) logger: Logger,
  ) {
    super(connections, dids, signatures, logger)
  }

  /** Takes no DID of another: Credo does not look, and public ones are known to anyone. */
  override async processRequest(...[inbound, invitation]: RequestArguments) {
    const connection = await super.processRequest(inbound, invitation)
    const { agentContext, message, senderKey } = inbound
    if (await isForged(agentContext, message.did)) throw new DidExchangeProblemReportError(FORGED, REQUEST_REFUSED)
    if (await namesOthersOnly(agentContext, message.did, senderKey))
      throw new DidExchangeProblemReportError('The DID document does not name the key of its sender', REQUEST_REFUSED)
    return connection
  }

  override async processResponse(...[inbound, invitation]: ProcessResponseArguments) {
    const connection = await super.processResponse(inbound, invitation)
    const { agentContext, message } = inbound
    // Of other DIDs, whose documents are looked up, nothing is kept here.
    if (message.did.startsWith('did:peer:') && (await isForged(agentContext, message.did)))
      throw new DidExchangeProblemReportError(FORGED, RESPONSE_REFUSED)
    return connection
  }

  /** Names the invitation as the parent thread: ACA-Py takes from here what its `complete` has to say of it. */
  override async createResponse(...[context, connection, invitation, routing]: ResponseArguments) {
    const message = await super.createResponse(context, connection, invitation, routing)
    const parentThreadId = invitation.getTags().invitationId
    message.setThread({ threadId: message.threadId, parentThreadId })
    return message
  }
}

type RequestArguments = Parameters<DidExchangeProtocol['processRequest']>
type ResponseArguments = Parameters<DidExchangeProtocol['createResponse']>
type ProcessResponseArguments = Parameters<DidExchangeProtocol['processResponse']>
