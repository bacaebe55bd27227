import { Arg, Mutation, Resolver } from 'type-graphql'
import { ForTenant } from '../graphql/access.js'
import { notImplemented } from '../lib/errors.js'
import { TenantStatePayload } from './tenant.type.js'

/** The lock of a wallet whose key only its tenant has. */
@Resolver()
export class LockResolver {
  @ForTenant('WRITE')
  @Mutation(() => TenantStatePayload, {
    description: '(tenant, UNMANAGED) Opens the wallet and drains its queue. Not available yet.',
  })
  unlockWallet(
    @Arg('walletKey', () => String, { description: 'The key that the wallet was made with.' }) _walletKey: string,
  ): TenantStatePayload {
    throw notImplemented('Unlocking wallets')
  }

  @ForTenant('WRITE')
  @Mutation(() => TenantStatePayload, {
    description:
      '(tenant, UNMANAGED) Holds, on every instance, until unlockWallet: what needs the wallet answers TENANT_LOCKED, its streams end with that. A wallet that locked itself by idle time is opened by any request that needs it; `viewer` never opens one. Not available yet.',
  })
  lockWallet(): TenantStatePayload {
    throw notImplemented('Locking wallets')
  }
}
