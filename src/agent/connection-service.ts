import {
  type AgentContext,
  DidRepository,
  EventEmitter,
  InjectionSymbols,
  inject,
  injectable,
  type Logger,
} from '@credo-ts/core'
import {
  ConnectionProblemReportError,
  ConnectionProblemReportReason,
  type DidCommConnectionRecord,
  DidCommConnectionRepository,
  DidCommConnectionService,
  type DidDoc,
} from '@credo-ts/didcomm'
import { isNamedBy, namesOthersOnly } from './named-keys.js'

/** As the DID documents of Aries RFC 0160 have it, which came before the W3C's. */
const CONTEXT = 'https://w3id.org/did/v1'

/** What Credo makes documents with, which its types keep private. */
interface Documents {
  createDidDoc(from: unknown): { didDoc: DidDoc }
  createDidDocFromOutOfBandDidCommServices(from: unknown): { didDoc: DidDoc }
}

/**
 * Connections, each found by its own two keys whatever other documents name them. And connections 1.0 (Aries RFC 0160) as
 * older agents can follow it: Credo 0.5 takes documents of no other context.
 */
@injectable()
export class WalletConnectionService extends DidCommConnectionService {
  // Without a constructor of its own, a subclass is built without what the parent needs.
  constructor(
    @inject(InjectionSymbols.Logger) logger: Logger,
    connections: DidCommConnectionRepository,
    private readonly dids: DidRepository,
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

  /** Begins at this side: its keys are the wallet's own, and one connection's or few. */
  override async findByKeys(context: AgentContext, { senderKey, recipientKey }: Keys) {
    const own = await this.dids.findCreatedDidByRecipientKey(context, recipientKey)
    if (!own) return null
    const connections = await this.findAllByQuery(context, { $or: [{ did: own.did }, { previousDids: [own.did] }] })
    for (const connection of connections) {
      if (connection.isReady && (await isNamedBy(context, theirDids(connection, own.did), senderKey))) return connection
    }
    return null
  }

  /** Takes no document of the keys of others: whose they are would no longer be told apart. */
  override async processRequest(...[inbound, invitation]: RequestArguments) {
    const connection = await super.processRequest(inbound, invitation)
    const { agentContext, senderKey } = inbound
    if (!(await namesOthersOnly(agentContext, connection.theirDid ?? '', senderKey))) return connection
    const problemCode = ConnectionProblemReportReason.RequestNotAccepted
    throw new ConnectionProblemReportError('The DID document does not name the key of its sender', { problemCode })
  }
}

type Keys = Parameters<DidCommConnectionService['findByKeys']>[1]
type RequestArguments = Parameters<DidCommConnectionService['processRequest']>

/** The DIDs that the other side of a connection may write from to a DID of this side. */
function theirDids({ did, theirDid, previousTheirDids }: DidCommConnectionRecord, ownDid: string): string[] {
  const present = theirDid ? [theirDid] : []
  // Not both sides' old ones at once.
  return ownDid === did ? [...present, ...previousTheirDids] : present
}
