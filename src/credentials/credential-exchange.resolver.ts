import { Arg, Args, ID, Mutation, Query, Resolver } from 'type-graphql'
import { ForTenant } from '../graphql/access.js'
import { emptyPage } from '../graphql/empty-page.js'
import { type Page, PageArgs } from '../graphql/page.js'
import { notImplemented } from '../lib/errors.js'
import { CredentialExchangeFilter, OfferCredentialInput } from './credential-exchange.input.js'
import {
  CredentialExchangePage,
  CredentialExchangePayload,
  CredentialExchangeType,
} from './credential-exchange.type.js'

/** Issuing: offer, request, credential; and revoking what was issued. */
@Resolver()
export class CredentialExchangeResolver {
  @ForTenant('READ', 'CREDENTIALS')
  @Query(() => CredentialExchangePage, {
    description: '(tenant) Exchanges: the protocol runs, as issuer or holder, oldest first.',
  })
  credentialExchanges(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => CredentialExchangeFilter, { nullable: true, description: 'Which of them.' })
    _filter?: CredentialExchangeFilter,
  ): Page<CredentialExchangeType> {
    return emptyPage(args)
  }

  @ForTenant('READ', 'CREDENTIALS')
  @Query(() => CredentialExchangeType, { nullable: true, description: '(tenant) A credential exchange by its id.' })
  credentialExchange(@Arg('id', () => ID, { description: 'Its id.' }) _id: string): CredentialExchangeType | null {
    return null
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description: '(tenant) As issuer: offers a credential. Not available yet.',
  })
  offerCredential(
    @Arg('input', () => OfferCredentialInput, { description: 'What is offered, and to whom.' })
    _input: OfferCredentialInput,
  ): CredentialExchangePayload {
    throw notImplemented('Offering credentials')
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description: '(tenant) As holder: requests what is offered. Not available yet.',
  })
  acceptCredentialOffer(
    @Arg('exchangeId', () => ID, { description: 'In state OFFER_RECEIVED.' }) _exchangeId: string,
  ): CredentialExchangePayload {
    throw notImplemented('Accepting credential offers')
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description: '(tenant) As issuer: issues what is requested. Not available yet.',
  })
  acceptCredentialRequest(
    @Arg('exchangeId', () => ID, { description: 'In state REQUEST_RECEIVED.' }) _exchangeId: string,
  ): CredentialExchangePayload {
    throw notImplemented('Accepting credential requests')
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description: '(tenant) As holder: stores what was issued. Not available yet.',
  })
  acceptCredential(
    @Arg('exchangeId', () => ID, { description: 'In state CREDENTIAL_RECEIVED.' }) _exchangeId: string,
  ): CredentialExchangePayload {
    throw notImplemented('Accepting credentials')
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description: '(tenant) As holder: turns an offer down, and tells the issuer. Not available yet.',
  })
  declineCredentialOffer(
    @Arg('exchangeId', () => ID, { description: 'In state OFFER_RECEIVED.' }) _exchangeId: string,
  ): CredentialExchangePayload {
    throw notImplemented('Declining credential offers')
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => CredentialExchangePayload, {
    description:
      '(tenant) As issuer: revokes what was issued. Answers once a status list that has it is served; many at once share a list. Not available yet.',
  })
  revokeCredential(
    @Arg('exchangeId', () => ID, { description: 'The exchange that it was issued by.' }) _exchangeId: string,
  ): CredentialExchangePayload {
    throw notImplemented('Revoking credentials')
  }
}
