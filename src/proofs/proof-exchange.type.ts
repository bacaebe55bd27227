import { Field, ID, ObjectType, registerEnumType } from 'type-graphql'
import { InvitationType } from '../connections/invitation.type.js'
import { pageType } from '../graphql/page.js'
import { DateTimeScalar, JsonScalar } from '../graphql/scalars.js'

export const ProofState = {
  PROPOSAL_SENT: 'PROPOSAL_SENT',
  PROPOSAL_RECEIVED: 'PROPOSAL_RECEIVED',
  REQUEST_SENT: 'REQUEST_SENT',
  REQUEST_RECEIVED: 'REQUEST_RECEIVED',
  PRESENTATION_SENT: 'PRESENTATION_SENT',
  PRESENTATION_RECEIVED: 'PRESENTATION_RECEIVED',
  DECLINED: 'DECLINED',
  DONE: 'DONE',
  ABANDONED: 'ABANDONED',
} as const
registerEnumType(ProofState, {
  name: 'ProofState',
  description: 'How far a proof exchange is, by Aries RFC 0454.',
  valuesConfig: {
    PROPOSAL_SENT: { description: 'The prover offered to prove something.' },
    PROPOSAL_RECEIVED: { description: 'The verifier was offered a proof: acceptProofProposal goes on.' },
    REQUEST_SENT: { description: 'The verifier asked.' },
    REQUEST_RECEIVED: { description: 'The prover was asked: acceptProofRequest goes on.' },
    PRESENTATION_SENT: { description: 'The prover answered.' },
    PRESENTATION_RECEIVED: { description: 'The verifier has the answer, checked: acceptPresentation ends it.' },
    DECLINED: { description: 'This side has turned down what the other wanted. Final.' },
    DONE: { description: 'Both know the outcome. Final.' },
    ABANDONED: { description: 'It failed; errorMessage says why. Final.' },
  },
})

export const ProofFormat = { ANONCREDS: 'ANONCREDS', PRESENTATION_EXCHANGE: 'PRESENTATION_EXCHANGE' } as const
registerEnumType(ProofFormat, {
  name: 'ProofFormat',
  description: 'How a proof is asked for, and given.',
  valuesConfig: {
    ANONCREDS: { description: 'By a presentation request of AnonCreds.' },
    PRESENTATION_EXCHANGE: {
      description:
        'By a presentation definition of DIF Presentation Exchange 2 (Aries RFC 0510), answered in the W3C form by the same credentials, or by W3C JWTs.',
    },
  },
})

export const ProofRole = { PROVER: 'PROVER', VERIFIER: 'VERIFIER' } as const
registerEnumType(ProofRole, {
  name: 'ProofRole',
  description: 'Which side of a proof exchange the tenant is.',
  valuesConfig: {
    PROVER: { description: 'It is asked, and answers.' },
    VERIFIER: { description: 'It asks, and checks.' },
  },
})

@ObjectType('ProofExchange', { description: 'A run of the present proof protocol, as prover or verifier.' })
export class ProofExchangeType {
  @Field(() => ID, { description: 'Its id in this wallet; the other side has its own.' })
  id!: string

  @Field(() => ProofState, { description: 'How far it is.' })
  state!: keyof typeof ProofState

  @Field(() => ProofRole, { description: 'Which side the tenant is.' })
  role!: keyof typeof ProofRole

  @Field(() => ID, { nullable: true, description: 'The connection that it runs over; null where it has none.' })
  connectionId!: string | null

  @Field(() => ID, { nullable: true, description: '`Invitation.id` of the invitation that it came from.' })
  invitationId!: string | null

  @Field(() => ID, { description: 'The thread of its messages, the same on both sides.' })
  threadId!: string

  @Field(() => String, { nullable: true, description: 'What was said with the last proposal or request.' })
  comment!: string | null

  @Field(() => ProofFormat, { description: 'How it is proposed or asked.' })
  format!: keyof typeof ProofFormat

  @Field(() => JsonScalar, { description: 'What is proposed or asked, as far as the exchange is.' })
  request!: Record<string, unknown>

  @Field(() => Boolean, { nullable: true, description: 'Whether the proof holds. Null until checked.' })
  verified!: boolean | null

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'What the proof reveals, by referent; by input descriptor in PRESENTATION_EXCHANGE.',
  })
  revealed!: Record<string, unknown> | null

  @Field(() => String, { nullable: true, description: 'Why it was abandoned.' })
  errorMessage!: string | null

  @Field(() => DateTimeScalar, { description: 'When it began.' })
  createdAt!: string

  @Field(() => DateTimeScalar, { description: 'When it last changed.' })
  updatedAt!: string
}

export const ProofExchangePage = pageType(() => ProofExchangeType, 'ProofExchange')

@ObjectType({ description: 'A proof exchange after a step.' })
export class ProofExchangePayload {
  @Field(() => ProofExchangeType, { description: 'The exchange as it is now.' })
  proofExchange!: ProofExchangeType

  @Field(() => InvitationType, { nullable: true, description: 'Where the exchange began out of band.' })
  invitation!: InvitationType | null
}
