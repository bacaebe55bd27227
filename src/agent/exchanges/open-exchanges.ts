import {
  DidCommCredentialExchangeRecord,
  DidCommCredentialState,
  DidCommProofExchangeRecord,
  DidCommProofState,
} from '@credo-ts/didcomm'
import type { Entry } from '../../storage/entry.js'
import type { Profile } from '../../storage/profile.js'
import type { WalletAgent } from '../wallet-agent.js'

/** What the other side is told of an exchange whose wallet goes. */
const GONE = 'The agent of the other side is no longer there.'

/** No more than that are told of (each is some milliseconds of work). */
const MOST = 500

/**
 * States in which something is still to come from this side. What it has issued or presented lies with the other, which
 * waits for nothing any more.
 */
const CREDENTIAL_STATES = [
  DidCommCredentialState.ProposalSent,
  DidCommCredentialState.ProposalReceived,
  DidCommCredentialState.OfferSent,
  DidCommCredentialState.OfferReceived,
  DidCommCredentialState.RequestSent,
  DidCommCredentialState.RequestReceived,
  DidCommCredentialState.CredentialReceived,
]
const PROOF_STATES = [
  DidCommProofState.ProposalSent,
  DidCommProofState.ProposalReceived,
  DidCommProofState.RequestSent,
  DidCommProofState.RequestReceived,
  DidCommProofState.PresentationReceived,
]

/**
 * Finds the exchanges of a wallet that others wait for.
 * @returns for each what tells the other side, by a problem report of the protocol, that it goes on no more
 */
export async function abandonOpenExchanges(profile: Profile): Promise<((agent: WalletAgent) => Promise<unknown>)[]> {
  const inOneOf = (states: readonly string[]) => ({ $or: states.map((state) => ({ state })) })
  const [credentials, proofs] = await Promise.all([
    profile.query(DidCommCredentialExchangeRecord.type, inOneOf(CREDENTIAL_STATES), MOST),
    profile.query(DidCommProofExchangeRecord.type, inOneOf(PROOF_STATES), MOST),
  ])
  const description = GONE
  return [
    ...credentials.filter(isConnected).map(
      ({ name: credentialExchangeRecordId }) =>
        ({ credentials }: WalletAgent) =>
          credentials.sendProblemReport({ credentialExchangeRecordId, description }),
    ),
    ...proofs.filter(isConnected).map(
      ({ name: proofExchangeRecordId }) =>
        ({ proofs }: WalletAgent) =>
          proofs.sendProblemReport({ proofExchangeRecordId, description }),
    ),
  ].slice(0, MOST)
}

/** Over an invitation that nobody has taken up there is nobody to tell. */
const isConnected = ({ value }: Entry) => (JSON.parse(value) as { connectionId?: string }).connectionId !== undefined
