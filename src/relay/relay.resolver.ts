import { FieldResolver, Int, Query, Resolver } from 'type-graphql'
import { ForOperator } from '../graphql/access.js'
import { BaseWalletType } from '../tenants/tenant.type.js'
import type { TenantStore } from '../tenants/tenant-store.js'
import type { Routes } from './routes.js'

@Resolver(() => BaseWalletType)
export class RelayResolver {
  constructor(
    private readonly tenants: TenantStore,
    private readonly routes: Routes,
    private readonly endpoints: () => string[],
  ) {}

  @ForOperator('READ')
  @Query(() => BaseWalletType, {
    description: '(operator) The base wallet: what it relays for, its mediation, its counts.',
  })
  baseWallet(): object {
    return { endpoints: this.endpoints() }
  }

  @FieldResolver(() => Int, { description: 'How many tenants there are.' })
  tenantCount(): Promise<number> {
    return this.tenants.count()
  }

  @FieldResolver(() => Int, { description: 'Recipient keys that the relay knows.' })
  routeCount(): Promise<number> {
    return this.routes.count()
  }
}
