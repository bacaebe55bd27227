import { Arg, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import { ForOperatorOrWallet } from '../graphql/access.js'
import type { GraphContext } from '../graphql/viewer.js'
import { MediationGrantPayload, MediationGrantType, MediatorKeysType } from './mediation.type.js'
import type { Mediators } from './mediators.js'
import { walletOf } from './wallet-of.js'

/** Mediators of the base wallet, for the operator, and of a tenant's own wallet. */
@Resolver()
export class MediationResolver {
  constructor(private readonly mediators: Mediators) {}

  @ForOperatorOrWallet('READ', 'READ', 'MEDIATION')
  @Query(() => [MediationGrantType], {
    description: "(tenant) Its own mediators, oldest first. (operator) The base wallet's.",
  })
  mediationGrants(@Ctx() context: GraphContext): Promise<MediationGrantType[]> {
    return this.mediators.list(walletOf(context))
  }

  @ForOperatorOrWallet('READ', 'READ', 'MEDIATION')
  @Query(() => MediatorKeysType, {
    description: "(tenant) How far one of its own mediators is told of keys. (operator) The same of the base wallet's.",
  })
  mediatorKeys(
    @Arg('grantId', () => ID, { description: 'The mediator.' }) grantId: string,
    @Ctx() context: GraphContext,
  ): Promise<MediatorKeysType> {
    return this.mediators.keys(walletOf(context), grantId)
  }

  @ForOperatorOrWallet('ALL', 'WRITE', 'MEDIATION')
  @Mutation(() => MediationGrantPayload, {
    description:
      '(operator with ALL: for the base wallet; tenant: for itself) Registers all keys anew with a mediator that has lost some of them. mediatorKeys tells how far that is.',
  })
  async syncMediator(
    @Arg('grantId', () => ID, { description: 'The mediator.' }) grantId: string,
    @Ctx() context: GraphContext,
  ): Promise<MediationGrantPayload> {
    return { mediationGrant: await this.mediators.sync(walletOf(context), grantId) }
  }

  @ForOperatorOrWallet('ALL', 'WRITE', 'MEDIATION')
  @Mutation(() => MediationGrantPayload, {
    description:
      "(operator with ALL: for the base wallet, inherited by every tenant; tenant: for itself, chained behind the base's) Connects to a mediator and asks it to forward messages. Its answer is told by a MediationEvent; the same invitation again gives what came of it.",
  })
  async connectMediator(
    @Arg('invitationUrl', () => String, { description: "The mediator's invitation." }) invitationUrl: string,
    @Ctx() context: GraphContext,
  ): Promise<MediationGrantPayload> {
    return { mediationGrant: await this.mediators.connect(walletOf(context), invitationUrl, 'invitationUrl') }
  }

  @ForOperatorOrWallet('ALL', 'WRITE', 'MEDIATION')
  @Mutation(() => MediationGrantPayload, {
    nullable: true,
    description:
      '(operator with ALL: for the base wallet; tenant: for itself) Which mediator new connections go through. Those that are there stay as they are.',
  })
  async setDefaultMediator(
    @Ctx() context: GraphContext,
    @Arg('grantId', () => ID, { nullable: true, description: 'The mediator; null for none.' }) grantId?: string,
  ): Promise<MediationGrantPayload | null> {
    const mediationGrant = await this.mediators.setDefault(walletOf(context), grantId ?? null)
    return mediationGrant && { mediationGrant }
  }
}
