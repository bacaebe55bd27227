import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import { DeletePayload } from '../connections/invitation.type.js'
import { ForTenant, tenantIdOf } from '../graphql/access.js'
import { listPage } from '../graphql/list-page.js'
import { PageArgs } from '../graphql/page.js'
import { JsonScalar } from '../graphql/scalars.js'
import type { GraphContext } from '../graphql/viewer.js'
import { recordOf } from '../tenants/wallet-reader.js'
import {
  AcceptProofProposalInput,
  AcceptProofRequestInput,
  ProofExchangeFilter,
  ProposeProofInput,
  RequestProofInput,
} from './proof-exchange.input.js'
import type { ProofExchangeService } from './proof-exchange.service.js'
import { ProofExchangePage, ProofExchangePayload, ProofExchangeType } from './proof-exchange.type.js'
import { proofExchangeView } from './proof-exchange.view.js'

/** Proving: request, presentation, verdict. */
@Resolver()
export class ProofExchangeResolver {
  constructor(private readonly service: ProofExchangeService) {}

  @ForTenant('READ', 'PROOFS')
  @Query(() => ProofExchangePage, {
    description: '(tenant) Proof exchanges: the protocol runs, as prover or verifier, oldest first.',
  })
  proofExchanges(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: GraphContext,
    @Arg('filter', () => ProofExchangeFilter, { nullable: true, description: 'Which of them.' })
    filter?: ProofExchangeFilter,
  ) {
    return listPage(
      args,
      'proof-exchanges',
      (query) => this.service.list(tenantIdOf(context), filter ?? {}, query),
      ({ entry }) => proofExchangeView(recordOf(entry)),
    )
  }

  @ForTenant('READ', 'PROOFS')
  @Query(() => ProofExchangeType, { nullable: true, description: '(tenant) A proof exchange by its id.' })
  proofExchange(
    @Arg('id', () => ID, { description: 'Its id.' }) id: string,
    @Ctx() context: GraphContext,
  ): Promise<ProofExchangeType | undefined> {
    return this.service.find(tenantIdOf(context), id)
  }

  @ForTenant('READ', 'PROOFS')
  @Query(() => JsonScalar, {
    description:
      '(tenant) Which of its credentials fit, by referent or input descriptor: for each a list of `{credentialId, credentialInfo, timestamp, revoked}`, the best first. `acceptProofRequest` takes their ids.',
  })
  credentialsForProof(
    @Arg('exchangeId', () => ID, { description: 'The proof exchange that asks, in state REQUEST_RECEIVED.' })
    exchangeId: string,
    @Ctx() context: GraphContext,
  ): Promise<Record<string, unknown>> {
    return this.service.credentialsFor(tenantIdOf(context), exchangeId)
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => ProofExchangePayload, {
    description: '(tenant) As verifier: asks for a proof, over a connection or by an out-of-band invitation.',
  })
  requestProof(
    @Arg('input', () => RequestProofInput, { description: 'What is asked, and of whom.' }) input: RequestProofInput,
    @Ctx() context: GraphContext,
  ): Promise<ProofExchangePayload> {
    return this.service.request(tenantIdOf(context), input)
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => ProofExchangePayload, {
    description: '(tenant) As prover: proposes to a verifier what to ask. It reveals nothing yet.',
  })
  proposeProof(
    @Arg('input', () => ProposeProofInput, { description: 'What is proposed, and to whom.' }) input: ProposeProofInput,
    @Ctx() context: GraphContext,
  ): Promise<ProofExchangePayload> {
    return this.service.propose(tenantIdOf(context), input)
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => ProofExchangePayload, {
    description:
      '(tenant) As verifier: answers a proposal with a request, for what was proposed or for something else.',
  })
  acceptProofProposal(
    @Arg('input', () => AcceptProofProposalInput, { description: 'The proposal, and what is asked.' })
    input: AcceptProofProposalInput,
    @Ctx() context: GraphContext,
  ): Promise<ProofExchangePayload> {
    return this.service.acceptProposal(tenantIdOf(context), input)
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => ProofExchangePayload, {
    description: '(tenant) As verifier: turns a proposal down, and tells the prover.',
  })
  declineProofProposal(
    @Arg('exchangeId', () => ID, { description: 'In state PROPOSAL_RECEIVED.' }) exchangeId: string,
    @Ctx() context: GraphContext,
    @Arg('reason', () => String, { nullable: true, description: 'What the prover is told.' }) reason?: string,
  ): Promise<ProofExchangePayload> {
    return this.service.declineProposal(tenantIdOf(context), exchangeId, reason)
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => ProofExchangePayload, {
    description: '(tenant) As prover: answers a request with a presentation.',
  })
  acceptProofRequest(
    @Arg('input', () => AcceptProofRequestInput, { description: 'The request, and what answers it.' })
    input: AcceptProofRequestInput,
    @Ctx() context: GraphContext,
  ): Promise<ProofExchangePayload> {
    return this.service.acceptRequest(tenantIdOf(context), input)
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => ProofExchangePayload, {
    description: '(tenant) As verifier: ends the exchange, and tells the prover.',
  })
  acceptPresentation(
    @Arg('exchangeId', () => ID, { description: 'In state PRESENTATION_RECEIVED.' }) exchangeId: string,
    @Ctx() context: GraphContext,
  ): Promise<ProofExchangePayload> {
    return this.service.acceptPresentation(tenantIdOf(context), exchangeId)
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => ProofExchangePayload, {
    description: '(tenant) As prover: turns a request down, and tells the verifier.',
  })
  declineProofRequest(
    @Arg('exchangeId', () => ID, { description: 'In state REQUEST_RECEIVED.' }) exchangeId: string,
    @Ctx() context: GraphContext,
    @Arg('reason', () => String, { nullable: true, description: 'What the verifier is told.' }) reason?: string,
  ): Promise<ProofExchangePayload> {
    return this.service.declineRequest(tenantIdOf(context), exchangeId, reason)
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => DeletePayload, {
    description:
      '(tenant) Forgets an exchange and its messages, with what was revealed, at any time. The other side is not told.',
  })
  async deleteProofExchange(
    @Arg('exchangeId', () => ID, { description: 'The exchange to forget.' }) exchangeId: string,
    @Ctx() context: GraphContext,
  ): Promise<DeletePayload> {
    await this.service.delete(tenantIdOf(context), exchangeId)
    return { deletedId: exchangeId }
  }
}
