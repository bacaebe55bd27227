import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql'
import { ForOperatorOrTenant } from '../graphql/access.js'
import type { GraphContext } from '../graphql/viewer.js'
import { badInput, notFound } from '../lib/errors.js'
import type { UsageService } from './usage.service.js'
import { TenantUsageType } from './usage.type.js'

@Resolver()
export class UsageResolver {
  constructor(private readonly service: UsageService) {}

  @ForOperatorOrTenant('READ', 'READ')
  @Query(() => TenantUsageType, {
    description: '(operator; tenant: its own) What a tenant has and does now, also while its wallet is locked.',
  })
  usage(
    @Ctx() { viewer }: GraphContext,
    @Arg('tenantId', () => ID, { nullable: true, description: 'Required from an operator.' }) tenantId?: string,
  ): Promise<TenantUsageType> {
    if (viewer.role === 'TENANT') {
      if (tenantId != null && tenantId !== viewer.tenantId) throw notFound('tenant')
      return this.service.of(viewer.tenantId)
    }
    if (tenantId == null) throw badInput('Name the tenant.', 'tenantId')
    return this.service.of(tenantId)
  }
}
