import { Arg, Args, ID, Mutation, Query, Resolver } from 'type-graphql'
import { ForTenant } from '../graphql/access.js'
import { emptyPage } from '../graphql/empty-page.js'
import { type Page, PageArgs } from '../graphql/page.js'
import { JsonScalar } from '../graphql/scalars.js'
import { notFound, notImplemented } from '../lib/errors.js'
import { AcceptProofRequestInput, ProofExchangeFilter, RequestProofInput } from './proof-exchange.input.js'
import { ProofExchangePage, ProofExchangePayload, ProofExchangeType } from './proof-exchange.type.js'

/** Proving: request, presentation, verdict. */
@Resolver()
export class ProofExchangeResolver {
  @ForTenant('READ', 'PROOFS')
  @Query(() => ProofExchangePage, {
    description: '(tenant) Proof exchanges: the protocol runs, as prover or verifier, oldest first.',
  })
  proofExchanges(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => ProofExchangeFilter, { nullable: true, description: 'Which of them.' })
    _filter?: ProofExchangeFilter,
  ): Page<ProofExchangeType> {
    return emptyPage(args)
  }

  @ForTenant('READ', 'PROOFS')
  @Query(() => ProofExchangeType, { nullable: true, description: '(tenant) A proof exchange by its id.' })
  proofExchange(@Arg('id', () => ID, { description: 'Its id.' }) _id: string): ProofExchangeType | null {
    return null
  }

  @ForTenant('READ', 'PROOFS')
  @Query(() => JsonScalar, { description: '(tenant) Which of its credentials fit, by referent.' })
  credentialsForProof(
    @Arg('exchangeId', () => ID, { description: 'The proof exchange that asks.' }) _exchangeId: string,
  ): Record<string, unknown> {
    throw notFound('proof exchange')
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => ProofExchangePayload, { description: '(tenant) As verifier: asks for a proof. Not available yet.' })
  requestProof(
    @Arg('input', () => RequestProofInput, { description: 'What is asked, and of whom.' }) _input: RequestProofInput,
  ): ProofExchangePayload {
    throw notImplemented('Requesting proofs')
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => ProofExchangePayload, {
    description: '(tenant) As prover: answers a request with a presentation. Not available yet.',
  })
  acceptProofRequest(
    @Arg('input', () => AcceptProofRequestInput, { description: 'The request, and what answers it.' })
    _input: AcceptProofRequestInput,
  ): ProofExchangePayload {
    throw notImplemented('Accepting proof requests')
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => ProofExchangePayload, {
    description: '(tenant) As verifier: ends the exchange, and tells the prover. Not available yet.',
  })
  acceptPresentation(
    @Arg('exchangeId', () => ID, { description: 'In state PRESENTATION_RECEIVED.' }) _exchangeId: string,
  ): ProofExchangePayload {
    throw notImplemented('Accepting presentations')
  }

  @ForTenant('WRITE', 'PROOFS')
  @Mutation(() => ProofExchangePayload, {
    description: '(tenant) As prover: turns a request down, and tells the verifier. Not available yet.',
  })
  declineProofRequest(
    @Arg('exchangeId', () => ID, { description: 'In state REQUEST_RECEIVED.' }) _exchangeId: string,
  ): ProofExchangePayload {
    throw notImplemented('Declining proof requests')
  }
}
