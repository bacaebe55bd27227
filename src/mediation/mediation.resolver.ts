import { Arg, ID, Mutation, Query, Resolver } from 'type-graphql'
import { ForOperatorOrTenant } from '../graphql/access.js'
import { notImplemented } from '../lib/errors.js'
import { MediationGrantPayload, MediationGrantType } from './mediation.type.js'

/** Mediators of the base wallet, for the operator, and of a tenant's own wallet. */
@Resolver()
export class MediationResolver {
  @ForOperatorOrTenant('READ', 'READ', 'MEDIATION')
  @Query(() => [MediationGrantType], {
    description: "(tenant) Its own mediators. (operator) The base wallet's.",
  })
  mediationGrants(): MediationGrantType[] {
    return []
  }

  @ForOperatorOrTenant('ALL', 'WRITE', 'MEDIATION')
  @Mutation(() => MediationGrantPayload, {
    description:
      "(operator with ALL: for the base wallet, inherited by every tenant; tenant: for itself, chained behind the base's) Asks a mediator to forward messages. Not available yet.",
  })
  connectMediator(
    @Arg('invitationUrl', () => String, { description: "The mediator's invitation." }) _invitationUrl: string,
  ): MediationGrantPayload {
    throw notImplemented('Connecting to mediators')
  }

  @ForOperatorOrTenant('ALL', 'WRITE', 'MEDIATION')
  @Mutation(() => MediationGrantPayload, {
    nullable: true,
    description:
      '(operator with ALL: for the base wallet; tenant: for itself) Which mediator new connections go through. Not available yet.',
  })
  setDefaultMediator(
    @Arg('grantId', () => ID, { nullable: true, description: 'The mediator; null for none.' }) _grantId?: string,
  ): MediationGrantPayload | null {
    throw notImplemented('Choosing a mediator')
  }
}
