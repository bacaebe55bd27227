import { FieldResolver, Resolver } from 'type-graphql'
import { BaseWalletType } from '../tenants/tenant.type.js'
import { MediationGrantType } from './mediation.type.js'
import type { Mediators } from './mediators.js'

/** What mediation adds to the base wallet. */
@Resolver(() => BaseWalletType)
export class BaseWalletMediatorResolver {
  constructor(private readonly mediators: Mediators) {}

  @FieldResolver(() => MediationGrantType, {
    nullable: true,
    description: 'The default mediator, which every tenant inherits; null where there is none.',
  })
  async mediator(): Promise<MediationGrantType | null> {
    return (await this.mediators.ofBase()) ?? null
  }
}
