import { DidRepository, EventEmitter, InjectionSymbols, inject, injectable, type Logger } from '@credo-ts/core'
import { DidCommConnectionRepository, DidCommConnectionService, type DidDoc } from '@credo-ts/didcomm'

/** As the DID documents of Aries RFC 0160 have it, which came before the W3C's. */
const CONTEXT = 'https://w3id.org/did/v1'

/** What Credo makes documents with, which its types keep private. */
interface Documents {
  createDidDoc(from: unknown): { didDoc: DidDoc }
  createDidDocFromOutOfBandDidCommServices(from: unknown): { didDoc: DidDoc }
}

/** Connections 1.0 (Aries RFC 0160) as older agents can follow it: Credo 0.5 takes documents of no other context. */
@injectable()
export class WalletConnectionService extends DidCommConnectionService {
  // Without a constructor of its own, a subclass is built without what the parent needs.
  constructor(
    @inject(InjectionSymbols.Logger) logger: Logger,
    connections: DidCommConnectionRepository,
    dids: DidRepository,
    events: EventEmitter,
  ) {
    super(logger, connections, dids, events)
    // A response is signed as it is made, so its document has to be right before.
    const documents = this as unknown as Documents
    for (const name of ['createDidDoc', 'createDidDocFromOutOfBandDidCommServices'] as const) {
      const make = documents[name].bind(documents)
      documents[name] = (from) => {
        const made = make(from)
        made.didDoc.context = CONTEXT
        return made
      }
    }
  }
}
