import { DidCommCredentialV1ProblemReportMessage, DidCommPresentationV1ProblemReportMessage } from '@credo-ts/anoncreds'
import type { AgentContext } from '@credo-ts/core'
import {
  DidCommCredentialExchangeRepository,
  DidCommCredentialRole,
  DidCommCredentialState,
  DidCommCredentialV2ProblemReportMessage,
  type DidCommInboundMessageContext,
  DidCommPresentationV2ProblemReportMessage,
  DidCommProblemReportError,
  DidCommProofExchangeRepository,
  DidCommProofRole,
  DidCommProofState,
  parseMessageType,
} from '@credo-ts/didcomm'
import type { ExchangeRecord } from './notes.js'

/** A step of an exchange that a message brings: who takes it, in which state, and what is said where it fails. */
interface Step {
  kind: 'credential' | 'proof'
  role: string
  /** The state that the message is for. Come at another time it changes nothing, and ends nothing. */
  state: string
  reason: string
}

const STEPS: Record<string, Step> = {
  'issue-credential/offer-credential': {
    kind: 'credential',
    role: DidCommCredentialRole.Holder,
    state: DidCommCredentialState.ProposalSent,
    reason: 'The offer that came does not hold.',
  },
  'issue-credential/request-credential': {
    kind: 'credential',
    role: DidCommCredentialRole.Issuer,
    state: DidCommCredentialState.OfferSent,
    reason: 'The request that came does not hold.',
  },
  'issue-credential/issue-credential': {
    kind: 'credential',
    role: DidCommCredentialRole.Holder,
    state: DidCommCredentialState.RequestSent,
    reason: 'The credential that came does not hold.',
  },
  'present-proof/request-presentation': {
    kind: 'proof',
    role: DidCommProofRole.Prover,
    state: DidCommProofState.ProposalSent,
    reason: 'The request that came does not hold.',
  },
  'present-proof/presentation': {
    kind: 'proof',
    role: DidCommProofRole.Verifier,
    state: DidCommProofState.RequestSent,
    reason: 'The presentation that came does not hold.',
  },
}

/**
 * Ends the exchange whose step has failed: it is abandoned with its reason, and the other side is told so by a problem
 * report of the protocol. To be called once what the failed step had written is undone.
 * @returns the report to answer with; undefined where the message was not the next step of an exchange of this wallet
 */
export async function abandonExchange(
  message: DidCommInboundMessageContext,
): Promise<DidCommProblemReportError | undefined> {
  const { protocolName, messageName, protocolMajorVersion } = parseMessageType(message.message.type)
  const step = STEPS[`${protocolName}/${messageName}`]
  if (!step) return undefined
  const { agentContext, connection } = message
  // Others may have begun a thread of the same id.
  const records: ExchangeRecord[] = await find(agentContext, step, message.message.threadId)
  const record = records.find(({ connectionId }) => (connectionId ?? connection?.id) === connection?.id)
  if (record?.state !== step.state) return undefined
  record.errorMessage = step.reason
  if (step.kind === 'credential') {
    record.state = DidCommCredentialState.Abandoned as never
    await agentContext.resolve(DidCommCredentialExchangeRepository).update(agentContext, record as never)
  } else {
    record.state = DidCommProofState.Abandoned as never
    if (messageName === 'presentation') Object.assign(record, { isVerified: false })
    await agentContext.resolve(DidCommProofExchangeRepository).update(agentContext, record as never)
  }
  return reportOf(step, protocolMajorVersion)
}

function find(context: AgentContext, { kind, role }: Step, threadId: string) {
  return kind === 'credential'
    ? context.resolve(DidCommCredentialExchangeRepository).findByQuery(context, { threadId, role: role as never })
    : context.resolve(DidCommProofExchangeRepository).findByQuery(context, { threadId, role: role as never })
}

function reportOf({ kind, reason }: Step, majorVersion: number): DidCommProblemReportError {
  const code = kind === 'credential' ? 'issuance-abandoned' : 'abandoned'
  const error = new DidCommProblemReportError(reason, { problemCode: code })
  const description = { en: reason, code }
  // Agents end their side only on a report of the protocol's own.
  const Report = REPORTS[kind][majorVersion]
  if (Report) error.problemReport = new Report({ description })
  return error
}

/** By the major version of the protocol. */
const REPORTS: Record<Step['kind'], Record<number, typeof DidCommPresentationV2ProblemReportMessage>> = {
  credential: { 1: DidCommCredentialV1ProblemReportMessage, 2: DidCommCredentialV2ProblemReportMessage },
  proof: { 1: DidCommPresentationV1ProblemReportMessage, 2: DidCommPresentationV2ProblemReportMessage },
}
