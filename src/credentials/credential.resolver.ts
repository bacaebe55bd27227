import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import { DeletePayload } from '../connections/invitation.type.js'
import { ForTenant, tenantIdOf } from '../graphql/access.js'
import { listPage } from '../graphql/list-page.js'
import { PageArgs } from '../graphql/page.js'
import type { GraphContext } from '../graphql/viewer.js'
import type { CredentialService } from './credential.service.js'
import { CredentialFilter, CredentialPage, CredentialType } from './credential.type.js'
import { credentialView } from './credential.view.js'

/** Credentials that a wallet holds. */
@Resolver()
export class CredentialResolver {
  constructor(private readonly service: CredentialService) {}

  @ForTenant('READ', 'CREDENTIALS')
  @Query(() => CredentialPage, { description: '(tenant) Credentials that are stored in the wallet, oldest first.' })
  credentials(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: GraphContext,
    @Arg('filter', () => CredentialFilter, { nullable: true, description: 'Which of them.' }) filter?: CredentialFilter,
  ) {
    let revoked = new Map<string, boolean>()
    return listPage(
      args,
      'credentials',
      async (query) => {
        const found = await this.service.list(tenantIdOf(context), filter ?? {}, query)
        revoked = found.revoked
        return found.listed
      },
      ({ entry }) => credentialView(entry, revoked.get(entry.name) ?? null),
    )
  }

  @ForTenant('READ', 'CREDENTIALS')
  @Query(() => CredentialType, { nullable: true, description: '(tenant) A credential by its id.' })
  credential(
    @Arg('id', () => ID, { description: 'Its id.' }) id: string,
    @Ctx() context: GraphContext,
  ): Promise<CredentialType | undefined> {
    return this.service.find(tenantIdOf(context), id)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => DeletePayload, {
    description: '(tenant) Removes a credential from the wallet. Its issuer is not told; the exchange stays.',
  })
  async deleteCredential(
    @Arg('credentialId', () => ID, { description: 'The credential to remove.' }) credentialId: string,
    @Ctx() context: GraphContext,
  ): Promise<DeletePayload> {
    await this.service.delete(tenantIdOf(context), credentialId)
    return { deletedId: credentialId }
  }
}
