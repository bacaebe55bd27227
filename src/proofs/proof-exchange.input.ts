import { Field, ID, InputType } from 'type-graphql'
import { AutoAccept } from '../credentials/auto-accept.js'
import { JsonScalar } from '../graphql/scalars.js'
import { ProofFormat, ProofRole, ProofState } from './proof-exchange.type.js'

@InputType({ description: 'Which proof exchanges to list; all conditions hold.' })
export class ProofExchangeFilter {
  @Field(() => ProofState, { nullable: true, description: 'In this state.' })
  state?: keyof typeof ProofState | null

  @Field(() => ProofRole, { nullable: true, description: 'Where the tenant is this side.' })
  role?: keyof typeof ProofRole | null

  @Field(() => ID, { nullable: true, description: 'Over this connection.' })
  connectionId?: string | null

  @Field(() => ID, { nullable: true, description: 'From this invitation.' })
  invitationId?: string | null

  @Field(() => ID, { nullable: true, description: 'With this thread.' })
  threadId?: string | null
}

@InputType({ description: 'A proof to ask for.' })
export class RequestProofInput {
  @Field(() => ID, {
    nullable: true,
    description: 'Whom to ask. Without one, the request is made as an out-of-band invitation.',
  })
  connectionId?: string | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Without a connection: whether the invitation is to open one, over which the exchange then runs.',
  })
  handshake?: boolean | null

  @Field(() => ProofFormat, { nullable: true, description: 'How to ask; ANONCREDS where absent.' })
  format?: keyof typeof ProofFormat | null

  @Field(() => String, { description: 'What the prover sees as the name of the request.' })
  name!: string

  @Field(() => JsonScalar, {
    description:
      'AnonCreds presentation request: requested_attributes, requested_predicates, non_revoked. `non_revoked: {}` asks that nothing is revoked now; of `{from, to}` it asks so for the time `to` (Aries RFC 0441). The `nonce` is made for each request. With PRESENTATION_EXCHANGE a presentation definition: `input_descriptors`.',
  })
  request!: Record<string, unknown>

  @Field(() => String, { nullable: true, description: 'What the prover reads with the request.' })
  comment?: string | null

  @Field(() => AutoAccept, { nullable: true, description: "The tenant's setting where absent." })
  autoAccept?: keyof typeof AutoAccept | null

  @Field(() => String, { nullable: true, description: 'A repeat within 24 hours gives the same answer.' })
  idempotencyKey?: string | null
}

@InputType({ description: 'A proof to propose to a verifier.' })
export class ProposeProofInput {
  @Field(() => ID, { description: 'Whom to propose it to.' })
  connectionId!: string

  @Field(() => ProofFormat, { nullable: true, description: 'What is proposed to be asked; ANONCREDS where absent.' })
  format?: keyof typeof ProofFormat | null

  @Field(() => String, { description: 'What the verifier sees as the name of the proposal.' })
  name!: string

  @Field(() => JsonScalar, { description: 'The presentation request to be asked, as requestProof takes it.' })
  request!: Record<string, unknown>

  @Field(() => String, { nullable: true, description: 'What the verifier reads with the proposal.' })
  comment?: string | null

  @Field(() => AutoAccept, { nullable: true, description: "The tenant's setting where absent." })
  autoAccept?: keyof typeof AutoAccept | null

  @Field(() => String, { nullable: true, description: 'A repeat within 24 hours gives the same answer.' })
  idempotencyKey?: string | null
}

@InputType({ description: 'A proposal to answer with a request.' })
export class AcceptProofProposalInput {
  @Field(() => ID, { description: 'The exchange, in state PROPOSAL_RECEIVED.' })
  exchangeId!: string

  @Field(() => JsonScalar, {
    nullable: true,
    description:
      'What to ask instead, as requestProof takes it, in the format of the proposal. What was proposed where absent: look at its restrictions.',
  })
  request?: Record<string, unknown> | null

  @Field(() => String, { nullable: true, description: 'What the prover reads with the request.' })
  comment?: string | null

  @Field(() => AutoAccept, { nullable: true, description: "The tenant's setting where absent." })
  autoAccept?: keyof typeof AutoAccept | null
}

@InputType({ description: 'A proof request to answer.' })
export class AcceptProofRequestInput {
  @Field(() => ID, { description: 'The exchange, in state REQUEST_RECEIVED.' })
  exchangeId!: string

  @Field(() => JsonScalar, {
    nullable: true,
    description:
      'Which credential answers which referent, as `{referent: credentialId}`, or `{referent: {credentialId, revealed}}`; `{referent: {selfAttested: "value"}}` for what no credential has to state. In PRESENTATION_EXCHANGE `{inputDescriptorId: credentialId}`. What is left out is chosen for the holder.',
  })
  selection?: Record<string, unknown> | null
}
