import { Arg, Ctx, Mutation, Resolver } from 'type-graphql'
import { ForTenantItself, tenantIdOf } from '../graphql/access.js'
import type { GraphContext } from '../graphql/viewer.js'
import type { TenantService } from './tenant.service.js'
import { TenantStatePayload } from './tenant.type.js'

/** The lock of a wallet whose key only its tenant has. */
@Resolver()
export class LockResolver {
  constructor(private readonly service: TenantService) {}

  @ForTenantItself('WRITE')
  @Mutation(() => TenantStatePayload, {
    description: '(tenant, UNMANAGED) Opens the wallet and drains its queue.',
  })
  async unlockWallet(
    @Arg('walletKey', () => String, { description: 'The key, or the passphrase, that the wallet was made with.' })
    walletKey: string,
    @Ctx() context: GraphContext,
  ): Promise<TenantStatePayload> {
    return { tenant: await this.service.unlock(tenantIdOf(context), walletKey) }
  }

  @ForTenantItself('WRITE')
  @Mutation(() => TenantStatePayload, {
    description:
      '(tenant, UNMANAGED) Holds, on every instance, until unlockWallet: what needs the wallet answers TENANT_LOCKED, its streams end with that. A wallet that locked itself by idle time is opened by any request that needs it; `viewer` never opens one.',
  })
  async lockWallet(@Ctx() context: GraphContext): Promise<TenantStatePayload> {
    return { tenant: await this.service.lock(tenantIdOf(context)) }
  }
}
