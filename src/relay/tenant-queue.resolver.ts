import { FieldResolver, Int, Resolver, Root } from 'type-graphql'
import { TenantType } from '../tenants/tenant.type.js'
import type { SealedQueue } from './sealed-queue.js'

@Resolver(() => TenantType)
export class TenantQueueResolver {
  constructor(private readonly queue: SealedQueue) {}

  @FieldResolver(() => Int, {
    description: 'Sealed messages that wait for a locked wallet to be unlocked, or a suspended tenant to be resumed.',
  })
  queuedMessages(@Root() { id }: TenantType): Promise<number> {
    return this.queue.count(id)
  }
}
