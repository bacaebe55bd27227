import type { AgentContext } from '@credo-ts/core'
import { DidCommEnvelopeService, type DidCommEncryptedMessage } from '@credo-ts/didcomm'

/** An envelope that this wallet cannot open: a key it does not have, or a tampered envelope. */
export class EnvelopeError extends Error {}

/** Tells an envelope that cannot be opened from a message that cannot be handled; stock Credo throws alike for both. */
export class WalletEnvelopeService extends DidCommEnvelopeService {
  override async unpackMessage(context: AgentContext, message: DidCommEncryptedMessage) {
    try {
      return await super.unpackMessage(context, message)
    } catch (cause) {
      throw new EnvelopeError('The envelope cannot be opened', { cause })
    }
  }
}
