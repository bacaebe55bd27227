import {
  AnonCredsCredentialMetadataKey,
  DidCommCredentialV1Protocol,
  DidCommProofV1Protocol,
} from '@credo-ts/anoncreds'
import type { AgentContext } from '@credo-ts/core'
import {
  DidCommCredentialExchangeRepository,
  DidCommCredentialsModuleConfig,
  DidCommCredentialV2Protocol,
  type DidCommInboundMessageContext,
  type DidCommOfferCredentialV2Message,
  DidCommProofsModuleConfig,
  DidCommProofV2Protocol,
  type DidCommProposeCredentialV2Message,
  type DidCommProposePresentationV2Message,
  type DidCommRequestPresentationV2Message,
} from '@credo-ts/didcomm'
import { CredentialFormat, canOffer, IndyCredentialFormat, type RevocationPort } from './credential-format.js'
import { DataIntegrityFormat } from './data-integrity-format.js'
import { keepNotes, noteExchange } from './notes.js'
import { PresentationExchangeFormat } from './presentation-exchange-format.js'
import { requestOfPreview } from './previewed-request.js'
import { IndyProofFormat, ProofFormat } from './proof-format.js'

type Formats = [CredentialFormat, IndyCredentialFormat, DataIntegrityFormat]
type ProofFormats = [ProofFormat, IndyProofFormat, PresentationExchangeFormat]

/**
 * Issue credential 2.0 (Aries RFC 0453). What is said with a proposal or an offer stands on the record; a request that would go
 * on by itself waits where no revocation registry is ready, and is taken up once there is one.
 */
class CredentialProtocol extends DidCommCredentialV2Protocol<Formats> {
  constructor(
    credentialFormats: Formats,
    private readonly revocation: RevocationPort,
  ) {
    super({ credentialFormats })
  }

  override processProposal(context: DidCommInboundMessageContext<DidCommProposeCredentialV2Message>) {
    noteExchange(saidBy(context.message))
    return super.processProposal(context)
  }

  override processOffer(context: DidCommInboundMessageContext<DidCommOfferCredentialV2Message>) {
    noteExchange(saidBy(context.message))
    return super.processOffer(context)
  }

  /** What is proposed and cannot be offered waits for the issuer, whatever goes on by itself. */
  override async shouldAutoRespondToProposal(
    context: AgentContext,
    options: Parameters<DidCommCredentialV2Protocol<Formats>['shouldAutoRespondToProposal']>[1],
  ): Promise<boolean> {
    const { credentialExchangeRecord: record, proposalMessage } = options
    if (!(await super.shouldAutoRespondToProposal(context, options))) return false
    const { credentialDefinitionId } = record.metadata.get(AnonCredsCredentialMetadataKey) ?? {}
    return canOffer(context, credentialDefinitionId, proposalMessage.credentialPreview?.attributes ?? [])
  }

  override async shouldAutoRespondToRequest(
    context: AgentContext,
    options: Parameters<DidCommCredentialV2Protocol<Formats>['shouldAutoRespondToRequest']>[1],
  ): Promise<boolean> {
    const { credentialExchangeRecord: record } = options
    if (!(await super.shouldAutoRespondToRequest(context, options))) return false
    const { credentialDefinitionId } = record.metadata.get(AnonCredsCredentialMetadataKey) ?? {}
    if (!credentialDefinitionId || (await this.revocation.hasPlace(context, credentialDefinitionId))) return true
    keepNotes(record, { waiting: true })
    await context.resolve(DidCommCredentialExchangeRepository).update(context, record)
    return false
  }
}

/** Issue credential 1.0 (Aries RFC 0036), as holder. */
class OlderCredentialProtocol extends DidCommCredentialV1Protocol {
  override processOffer(context: Parameters<DidCommCredentialV1Protocol['processOffer']>[0]) {
    noteExchange(saidBy(context.message))
    return super.processOffer(context)
  }
}

const saidBy = ({ comment, credentialPreview }: Said) => ({
  comment,
  preview: credentialPreview?.attributes.map(({ name, value }) => ({ name, value })),
})

/** What proposals and offers of both versions have. */
interface Said {
  comment?: string
  credentialPreview?: { attributes: { name: string; value: string }[] }
}

/** Present proof 2.0 (Aries RFC 0454), likewise. */
class ProofProtocol extends DidCommProofV2Protocol<ProofFormats> {
  override processProposal(context: DidCommInboundMessageContext<DidCommProposePresentationV2Message>) {
    noteExchange({ comment: context.message.comment })
    return super.processProposal(context)
  }

  override processRequest(context: DidCommInboundMessageContext<DidCommRequestPresentationV2Message>) {
    noteExchange({ comment: context.message.comment })
    return super.processRequest(context)
  }
}

/** Present proof 1.0 (Aries RFC 0037), as prover, and as verifier of what a prover has proposed. */
class OlderProofProtocol extends DidCommProofV1Protocol {
  override processProposal(context: Parameters<DidCommProofV1Protocol['processProposal']>[0]) {
    const { comment, presentationProposal } = context.message
    noteExchange({ comment, request: requestOfPreview(presentationProposal) })
    return super.processProposal(context)
  }

  override processRequest(context: Parameters<DidCommProofV1Protocol['processRequest']>[0]) {
    noteExchange({ comment: context.message.comment })
    return super.processRequest(context)
  }
}

/** Both versions of the protocols: 2.0 for AnonCreds of any ledger, 1.0 (RFC 0036, 0037) for older agents on Indy. */
export function exchangeProtocols(revocation: RevocationPort) {
  const indyCredentials = new IndyCredentialFormat(revocation)
  const indyProofs = new IndyProofFormat()
  const dataIntegrity = new DataIntegrityFormat(revocation)
  return {
    credentials: [
      new CredentialProtocol([new CredentialFormat(revocation), indyCredentials, dataIntegrity], revocation),
      new OlderCredentialProtocol({ indyCredentialFormat: indyCredentials }),
    ] as const,
    proofs: [
      new ProofProtocol({ proofFormats: [new ProofFormat(), indyProofs, new PresentationExchangeFormat()] }),
      new OlderProofProtocol({ indyProofFormat: indyProofs }),
    ] as const,
  }
}

export type ExchangeProtocols = ReturnType<typeof exchangeProtocols>

/** The names that Credo has for our settings. */
const AUTO_ACCEPT = { ALWAYS: 'always', CONTENT_APPROVED: 'contentApproved', NEVER: 'never' } as const
export type AutoAccept = keyof typeof AUTO_ACCEPT

/** For a call of Credo's; absent, the tenant's setting stands. */
export const autoAcceptOf = (choice: AutoAccept | null | undefined) =>
  (choice ? AUTO_ACCEPT[choice] : undefined) as never

/** Which steps go on by themselves in a wallet; it may change while the wallet is open. */
export type AutoAcceptChoices = () => { credentials: AutoAccept; proofs: AutoAccept }

/** Credo's configuration of both protocols for one wallet. */
export function walletExchangeConfigs({ credentials, proofs }: ExchangeProtocols, choices: AutoAcceptChoices) {
  return {
    credentials: new DidCommCredentialsModuleConfig({
      credentialProtocols: [...credentials],
      get autoAcceptCredentials() {
        return autoAcceptOf(choices().credentials)
      },
    }),
    proofs: new DidCommProofsModuleConfig({
      proofProtocols: [...proofs],
      get autoAcceptProofs() {
        return autoAcceptOf(choices().proofs)
      },
    }),
  }
}
