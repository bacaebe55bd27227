import { DidRepository, InjectionSymbols, inject, injectable, JwsService, type Logger } from '@credo-ts/core'
import { DidCommConnectionService, DidExchangeProtocol } from '@credo-ts/didcomm'

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

  /** Names the invitation as the parent thread: ACA-Py takes from here what its `complete` has to say of it. */
  override async createResponse(...[context, connection, invitation, routing]: ResponseArguments) {
    const message = await super.createResponse(context, connection, invitation, routing)
    const parentThreadId = invitation.getTags().invitationId
    message.setThread({ threadId: message.threadId, parentThreadId })
    return message
  }
}

type ResponseArguments = Parameters<DidExchangeProtocol['createResponse']>
