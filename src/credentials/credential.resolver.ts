import { Args, Query, Resolver } from 'type-graphql'
import { ForTenant } from '../graphql/access.js'
import { emptyPage } from '../graphql/empty-page.js'
import { type Page, PageArgs } from '../graphql/page.js'
import { CredentialPage, CredentialType } from './credential.type.js'

/** Credentials that a wallet holds. */
@Resolver()
export class CredentialResolver {
  @ForTenant('READ', 'CREDENTIALS')
  @Query(() => CredentialPage, { description: '(tenant) Credentials that are stored in the wallet, oldest first.' })
  credentials(@Args(() => PageArgs) args: PageArgs): Page<CredentialType> {
    return emptyPage(args)
  }
}
