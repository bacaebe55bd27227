import { FieldResolver, Resolver } from 'type-graphql'
import { BaseWalletType } from '../tenants/tenant.type.js'
import { MediationGrantType } from './mediation.type.js'

/** What mediation adds to the base wallet. */
@Resolver(() => BaseWalletType)
export class BaseWalletMediatorResolver {
  @FieldResolver(() => MediationGrantType, {
    nullable: true,
    description: 'The default mediator, which every tenant inherits; null where there is none.',
  })
  mediator(): MediationGrantType | null {
    return null
  }
}
