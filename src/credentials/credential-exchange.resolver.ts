import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import { DeletePayload } from '../connections/invitation.type.js'
import { ForTenant, tenantIdOf } from '../graphql/access.js'
import { listPage } from '../graphql/list-page.js'
import { PageArgs } from '../graphql/page.js'
import type { GraphContext } from '../graphql/viewer.js'
import { recordOf } from '../tenants/wallet-reader.js'
import {
  AcceptCredentialProposalInput,
  CredentialExchangeFilter,
  OfferCredentialInput,
  ProposeCredentialInput,
} from './credential-exchange.input.js'
import type { CredentialExchangeService } from './credential-exchange.service.js'
import {
  CredentialExchangePage,
  CredentialExchangePayload,
  CredentialExchangeType,
} from './credential-exchange.type.js'
import { credentialExchangeView } from './credential-exchange.view.js'

/** Issuing: offer, request, credential; and revoking what was issued. */
@Resolver()
export class CredentialExchangeResolver {
  constructor(private readonly service: CredentialExchangeService) {}

  @ForTenant('READ', 'CREDENTIALS')
  @Query(() => CredentialExchangePage, {
    description: '(tenant) Exchanges: the protocol runs, as issuer or holder, oldest first.',
  })
  credentialExchanges(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: GraphContext,
    @Arg('filter', () => CredentialExchangeFilter, { nullable: true, description: 'Which of them.' })
    filter?: CredentialExchangeFilter,
  ) {
    return listPage(
      args,
      'credential-exchanges',
      (query) => this.service.list(tenantIdOf(context), filter ?? {}, query),
      ({ entry }) => credentialExchangeView(recordOf(entry)),
    )
  }

  @ForTenant('READ', 'CREDENTIALS')
  @Query(() => CredentialExchangeType, { nullable: true, description: '(tenant) A credential exchange by its id.' })
  credentialExchange(
    @Arg('id', () => ID, { description: 'Its id.' }) id: string,
    @Ctx() context: GraphContext,
  ): Promise<CredentialExchangeType | undefined> {
    return this.service.find(tenantIdOf(context), id)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description:
      '(tenant) As issuer: offers a credential, over a connection or as an out-of-band invitation. It may be offered before a revocation registry is ready; issuing waits for one.',
  })
  offerCredential(
    @Arg('input', () => OfferCredentialInput, { description: 'What is offered, and to whom.' })
    input: OfferCredentialInput,
    @Ctx() context: GraphContext,
  ): Promise<CredentialExchangePayload> {
    return this.service.offer(tenantIdOf(context), input)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description: '(tenant) As holder: asks an issuer to offer a credential. It says no more than what is wanted.',
  })
  proposeCredential(
    @Arg('input', () => ProposeCredentialInput, { description: 'What is wanted, and from whom.' })
    input: ProposeCredentialInput,
    @Ctx() context: GraphContext,
  ): Promise<CredentialExchangePayload> {
    return this.service.propose(tenantIdOf(context), input)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description: '(tenant) As issuer: answers a proposal with an offer, of what was proposed or of something else.',
  })
  acceptCredentialProposal(
    @Arg('input', () => AcceptCredentialProposalInput, { description: 'The proposal, and what is offered.' })
    input: AcceptCredentialProposalInput,
    @Ctx() context: GraphContext,
  ): Promise<CredentialExchangePayload> {
    return this.service.acceptProposal(tenantIdOf(context), input)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description: '(tenant) As issuer: turns a proposal down, and tells the holder.',
  })
  declineCredentialProposal(
    @Arg('exchangeId', () => ID, { description: 'In state PROPOSAL_RECEIVED.' }) exchangeId: string,
    @Ctx() context: GraphContext,
    @Arg('reason', () => String, { nullable: true, description: 'What the holder is told.' }) reason?: string,
  ): Promise<CredentialExchangePayload> {
    return this.service.declineProposal(tenantIdOf(context), exchangeId, reason)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, { description: '(tenant) As holder: requests what is offered.' })
  acceptCredentialOffer(
    @Arg('exchangeId', () => ID, { description: 'In state OFFER_RECEIVED.' }) exchangeId: string,
    @Ctx() context: GraphContext,
  ): Promise<CredentialExchangePayload> {
    return this.service.acceptOffer(tenantIdOf(context), exchangeId)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description:
      '(tenant) As issuer: issues what is requested. While no revocation registry is ready the state stays REQUEST_RECEIVED, and it is issued as soon as there is one.',
  })
  acceptCredentialRequest(
    @Arg('exchangeId', () => ID, { description: 'In state REQUEST_RECEIVED.' }) exchangeId: string,
    @Ctx() context: GraphContext,
  ): Promise<CredentialExchangePayload> {
    return this.service.acceptRequest(tenantIdOf(context), exchangeId)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description: '(tenant) As holder: takes what was issued, and tells the issuer.',
  })
  acceptCredential(
    @Arg('exchangeId', () => ID, { description: 'In state CREDENTIAL_RECEIVED.' }) exchangeId: string,
    @Ctx() context: GraphContext,
  ): Promise<CredentialExchangePayload> {
    return this.service.acceptCredential(tenantIdOf(context), exchangeId)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description: '(tenant) As holder: turns an offer down, and tells the issuer.',
  })
  declineCredentialOffer(
    @Arg('exchangeId', () => ID, { description: 'In state OFFER_RECEIVED.' }) exchangeId: string,
    @Ctx() context: GraphContext,
    @Arg('reason', () => String, { nullable: true, description: 'What the issuer is told.' }) reason?: string,
  ): Promise<CredentialExchangePayload> {
    return this.service.declineOffer(tenantIdOf(context), exchangeId, reason)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description:
      '(tenant) As issuer: revokes what was issued, and tells the holder. Answers once a status list that has it is served; many at once share a list.',
  })
  revokeCredential(
    @Arg('exchangeId', () => ID, { description: 'The exchange that it was issued by.' }) exchangeId: string,
    @Ctx() context: GraphContext,
  ): Promise<CredentialExchangePayload> {
    return this.service.revoke(tenantIdOf(context), exchangeId)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => DeletePayload, {
    description:
      '(tenant) Forgets an exchange and its messages. The other side is not told, and a credential stays in the wallet. As issuer of a credential that can be revoked: only once it is.',
  })
  async deleteCredentialExchange(
    @Arg('exchangeId', () => ID, { description: 'The exchange to forget.' }) exchangeId: string,
    @Ctx() context: GraphContext,
  ): Promise<DeletePayload> {
    await this.service.delete(tenantIdOf(context), exchangeId)
    return { deletedId: exchangeId }
  }
}
