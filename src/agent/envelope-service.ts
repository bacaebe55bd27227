import { type AgentContext, InjectionSymbols, inject, injectable, type Logger } from '@credo-ts/core'
import { DidCommDocumentService, type DidCommEncryptedMessage, DidCommEnvelopeService } from '@credo-ts/didcomm'

/** An envelope that this wallet cannot open: a key it does not have, or a tampered envelope. */
export class EnvelopeError extends Error {}

/** Tells an envelope that cannot be opened from a message that cannot be handled; stock Credo throws alike for both. */
@injectable()
export class WalletEnvelopeService extends DidCommEnvelopeService {
  // Without a constructor of its own, a subclass is built without what the parent needs.
  constructor(@inject(InjectionSymbols.Logger) logger: Logger, documents: DidCommDocumentService) {
    super(logger, documents)
  }

  override async unpackMessage(context: AgentContext, message: DidCommEncryptedMessage) {
    try {
      return await super.unpackMessage(context, message)
    } catch (cause) {
      throw new EnvelopeError('The envelope cannot be opened', { cause })
    }
  }
}
