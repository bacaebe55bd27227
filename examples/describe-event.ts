import type { EventFieldsFragment } from './generated/operations.js'

/** An event in words. */
export function describeEvent(event: EventFieldsFragment): string {
  switch (event.__typename) {
    case 'TenantEvent':
      return `tenant ${event.change}`
    case 'ConnectionEvent':
      return `connection to ${event.connection.theirLabel ?? 'somebody'}: ${change(event.previousState, event.connection.state)}`
    case 'InvitationEvent':
      return `invitation ${event.invitation.role === 'SENDER' ? 'made' : 'received'}: ${change(event.previousInvitationState, event.invitation.state)}`
    case 'BasicMessageEvent':
      return `message ${event.message.role === 'SENDER' ? 'sent' : 'received'}: "${event.message.content}"`
    case 'PingEvent':
      return event.direction === 'PING_RECEIVED' ? 'ping received' : 'ping answered'
    case 'QuestionEvent':
      return `question: ${change(event.previousQuestionState, event.question.state)}`
    case 'DiscoveryEvent':
      return `the other agent can do ${event.features.length} things`
    case 'ProblemReportEvent':
      return `the other agent has a problem: ${event.code}`
    case 'DidEvent':
      return `DID made: ${shortened(event.did.did)}`
    case 'CredentialEvent':
      return `credential ${event.credentialExchange.role === 'ISSUER' ? 'given' : 'got'}: ${change(event.previousCredentialState, event.credentialExchange.state)}`
    case 'ProofEvent':
      return `proof ${event.proofExchange.role === 'VERIFIER' ? 'asked for' : 'given'}: ${change(event.previousProofState, event.proofExchange.state)}`
    case 'RevocationEvent':
      return 'credential revoked'
    case 'DeliveryEvent':
      return `delivery ${event.outcome} after ${event.attempts} attempts`
    default:
      return event.topic
  }
}

/** The beginning of what is too long to be read. */
export function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function change(before: string | null, after: string): string {
  return before === null ? after : `${before} → ${after}`
}
