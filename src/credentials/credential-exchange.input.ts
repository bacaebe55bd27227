import { Field, ID, InputType } from 'type-graphql'
import { AutoAccept } from './auto-accept.js'
import { CredentialFormat } from './credential.type.js'
import { CredentialExchangeState, ExchangeRole } from './credential-exchange.type.js'

@InputType({ description: 'Which credential exchanges to list; all conditions hold.' })
export class CredentialExchangeFilter {
  @Field(() => CredentialExchangeState, { nullable: true, description: 'In this state.' })
  state?: keyof typeof CredentialExchangeState | null

  @Field(() => ExchangeRole, { nullable: true, description: 'Where the tenant is this side.' })
  role?: keyof typeof ExchangeRole | null

  @Field(() => ID, { nullable: true, description: 'Over this connection.' })
  connectionId?: string | null

  @Field(() => ID, { nullable: true, description: 'From this invitation.' })
  invitationId?: string | null

  @Field(() => ID, { nullable: true, description: 'With this thread.' })
  threadId?: string | null
}

@InputType({ description: 'A value that a credential is to state.' })
export class AttributeInput {
  @Field(() => String, { description: 'Its name, as in the schema.' })
  name!: string

  @Field(() => String, { description: 'Its value, as text.' })
  value!: string
}

@InputType({ description: 'A credential to ask an issuer for.' })
export class ProposeCredentialInput {
  @Field(() => ID, { description: 'Whom to ask.' })
  connectionId!: string

  @Field(() => ID, { description: 'What it is to be issued with.' })
  credentialDefinitionId!: string

  @Field(() => [AttributeInput], { description: 'What it is to state.' })
  attributes!: AttributeInput[]

  @Field(() => String, { nullable: true, description: 'What the issuer reads with the proposal.' })
  comment?: string | null

  @Field(() => AutoAccept, { nullable: true, description: "The tenant's setting where absent." })
  autoAccept?: keyof typeof AutoAccept | null

  @Field(() => String, { nullable: true, description: 'A repeat within 24 hours gives the same answer.' })
  idempotencyKey?: string | null
}

@InputType({ description: 'A proposal to answer with an offer.' })
export class AcceptCredentialProposalInput {
  @Field(() => ID, { description: 'The exchange, in state PROPOSAL_RECEIVED.' })
  exchangeId!: string

  @Field(() => ID, {
    nullable: true,
    description: 'What to issue it with; one that this tenant registered. As proposed where absent.',
  })
  credentialDefinitionId?: string | null

  @Field(() => [AttributeInput], {
    nullable: true,
    description: 'A value for each attribute of the schema. As proposed where absent.',
  })
  attributes?: AttributeInput[] | null

  @Field(() => String, { nullable: true, description: 'What the holder reads with the offer.' })
  comment?: string | null

  @Field(() => AutoAccept, { nullable: true, description: "The tenant's setting where absent." })
  autoAccept?: keyof typeof AutoAccept | null
}

@InputType({ description: 'A credential to offer.' })
export class OfferCredentialInput {
  @Field(() => CredentialFormat, {
    nullable: true,
    description:
      'What to issue it as: ANONCREDS, also where absent, INDY by a definition of a did:indy, or DATA_INTEGRITY (Aries RFC 0809). The others are not issued yet.',
  })
  format?: keyof typeof CredentialFormat | null

  @Field(() => ID, {
    nullable: true,
    description: 'Whom to offer it to. Without one, the offer is made as an out-of-band invitation.',
  })
  connectionId?: string | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Without a connection: whether the invitation is to open one, over which the exchange then runs.',
  })
  handshake?: boolean | null

  @Field(() => ID, { description: 'What to issue it with; one that this tenant registered.' })
  credentialDefinitionId!: string

  @Field(() => [AttributeInput], { description: 'A value for each attribute of the schema.' })
  attributes!: AttributeInput[]

  @Field(() => String, { nullable: true, description: 'What the holder reads with the offer.' })
  comment?: string | null

  @Field(() => AutoAccept, { nullable: true, description: "The tenant's setting where absent." })
  autoAccept?: keyof typeof AutoAccept | null

  @Field(() => String, { nullable: true, description: 'A repeat within 24 hours gives the same answer.' })
  idempotencyKey?: string | null
}
