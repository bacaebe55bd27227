import { Field, ID, ObjectType, registerEnumType } from 'type-graphql'
import { InvitationType } from '../connections/invitation.type.js'
import { pageType } from '../graphql/page.js'
import { DateTimeScalar } from '../graphql/scalars.js'
import { CredentialFormat } from './credential.type.js'

export const CredentialExchangeState = {
  PROPOSAL_SENT: 'PROPOSAL_SENT',
  PROPOSAL_RECEIVED: 'PROPOSAL_RECEIVED',
  OFFER_SENT: 'OFFER_SENT',
  OFFER_RECEIVED: 'OFFER_RECEIVED',
  DECLINED: 'DECLINED',
  REQUEST_SENT: 'REQUEST_SENT',
  REQUEST_RECEIVED: 'REQUEST_RECEIVED',
  CREDENTIAL_ISSUED: 'CREDENTIAL_ISSUED',
  CREDENTIAL_RECEIVED: 'CREDENTIAL_RECEIVED',
  DONE: 'DONE',
  ABANDONED: 'ABANDONED',
} as const
registerEnumType(CredentialExchangeState, {
  name: 'CredentialExchangeState',
  description: 'How far a credential exchange is, by Aries RFC 0453.',
  valuesConfig: {
    PROPOSAL_SENT: { description: 'The holder asked for an offer.' },
    PROPOSAL_RECEIVED: { description: 'The issuer was asked for an offer: acceptCredentialProposal goes on.' },
    OFFER_SENT: { description: 'The issuer made its offer.' },
    OFFER_RECEIVED: { description: 'The holder has the offer: acceptCredentialOffer goes on.' },
    DECLINED: { description: 'This side has turned down what the other wanted. Final.' },
    REQUEST_SENT: { description: 'The holder accepted the offer.' },
    REQUEST_RECEIVED: { description: 'The issuer has the request: acceptCredentialRequest goes on.' },
    CREDENTIAL_ISSUED: { description: 'The issuer sent the credential.' },
    CREDENTIAL_RECEIVED: { description: 'The holder has the credential: acceptCredential stores it.' },
    DONE: { description: 'The credential is stored, and the issuer knows. Final.' },
    ABANDONED: { description: 'It failed; errorMessage says why. Final.' },
  },
})

export const ExchangeRole = { ISSUER: 'ISSUER', HOLDER: 'HOLDER' } as const
registerEnumType(ExchangeRole, {
  name: 'ExchangeRole',
  description: 'Which side of a credential exchange the tenant is.',
  valuesConfig: {
    ISSUER: { description: 'It gives the credential.' },
    HOLDER: { description: 'It gets the credential.' },
  },
})

@ObjectType('Attribute', { description: 'A value that a credential states.' })
export class AttributeType {
  @Field(() => String, { description: 'Its name, as in the schema.' })
  name!: string

  @Field(() => String, { description: 'Its value, as text.' })
  value!: string
}

@ObjectType('CredentialExchange', { description: 'A run of the issue credential protocol, as issuer or holder.' })
export class CredentialExchangeType {
  @Field(() => ID, { description: 'Its id in this wallet; the other side has its own.' })
  id!: string

  @Field(() => CredentialExchangeState, { description: 'How far it is.' })
  state!: keyof typeof CredentialExchangeState

  @Field(() => ExchangeRole, { description: 'Which side the tenant is.' })
  role!: keyof typeof ExchangeRole

  @Field(() => ID, { nullable: true, description: 'The connection that it runs over; null where it has none.' })
  connectionId!: string | null

  @Field(() => ID, { nullable: true, description: '`Invitation.id` of the invitation that it came from.' })
  invitationId!: string | null

  @Field(() => ID, { description: 'The thread of its messages, the same on both sides.' })
  threadId!: string

  @Field(() => CredentialFormat, { description: 'What the credential is issued as.' })
  format!: keyof typeof CredentialFormat

  @Field(() => ID, { nullable: true, description: 'The schema of the credential, once it is known.' })
  schemaId!: string | null

  @Field(() => ID, { nullable: true, description: 'The credential definition, once it is known.' })
  credentialDefinitionId!: string | null

  @Field(() => String, { nullable: true, description: 'What was said with the last proposal or offer.' })
  comment!: string | null

  @Field(() => [AttributeType], { description: 'What is proposed, offered or issued, as far as the exchange is.' })
  attributes!: AttributeType[]

  @Field(() => [ID], { description: '`Credential.id` of what the holder stored.' })
  credentialIds!: string[]

  @Field(() => Boolean, {
    description: 'Whether the credential was revoked: as issuer by this tenant, as holder as the issuer has told.',
  })
  revoked!: boolean

  @Field(() => String, { nullable: true, description: 'Why it was abandoned.' })
  errorMessage!: string | null

  @Field(() => DateTimeScalar, { description: 'When it began.' })
  createdAt!: string

  @Field(() => DateTimeScalar, { description: 'When it last changed.' })
  updatedAt!: string
}

export const CredentialExchangePage = pageType(() => CredentialExchangeType, 'CredentialExchange')

@ObjectType({ description: 'A credential exchange after a step.' })
export class CredentialExchangePayload {
  @Field(() => CredentialExchangeType, { description: 'The exchange as it is now.' })
  credentialExchange!: CredentialExchangeType

  @Field(() => InvitationType, { nullable: true, description: 'Where the exchange began out of band.' })
  invitation!: InvitationType | null
}
