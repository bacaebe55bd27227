import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql'
import { ForTenant, tenantIdOf } from '../graphql/access.js'
import { listPage } from '../graphql/list-page.js'
import { PageArgs } from '../graphql/page.js'
import type { GraphContext } from '../graphql/viewer.js'
import { recordOf } from '../tenants/wallet-reader.js'
import { RegisterCredentialDefinitionInput, RegisterSchemaInput } from './anoncreds.input.js'
import type { AnoncredsService } from './anoncreds.service.js'
import {
  AnoncredsSchemaPage,
  CredentialDefinitionPage,
  RegisterCredentialDefinitionPayload,
  RegisterSchemaPayload,
} from './anoncreds.type.js'
import { definitionView, schemaView } from './anoncreds.view.js'

/** AnonCreds objects that a tenant publishes. */
@Resolver()
export class AnoncredsResolver {
  constructor(private readonly service: AnoncredsService) {}

  @ForTenant('READ', 'CREDENTIALS')
  @Query(() => AnoncredsSchemaPage, {
    description: '(tenant) AnonCreds schemas that this tenant registered, oldest first.',
  })
  schemas(@Args(() => PageArgs) args: PageArgs, @Ctx() context: GraphContext) {
    return listPage(
      args,
      'schemas',
      (query) => this.service.listSchemas(tenantIdOf(context), query),
      ({ entry }) => schemaView(recordOf(entry)),
    )
  }

  @ForTenant('READ', 'CREDENTIALS')
  @Query(() => CredentialDefinitionPage, {
    description: '(tenant) AnonCreds credential definitions that this tenant registered, oldest first.',
  })
  credentialDefinitions(@Args(() => PageArgs) args: PageArgs, @Ctx() context: GraphContext) {
    return listPage(
      args,
      'credential-definitions',
      (query) => this.service.listDefinitions(tenantIdOf(context), query),
      ({ entry }) => definitionView(recordOf(entry)),
    )
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => RegisterSchemaPayload, {
    description:
      '(tenant) Publishes an AnonCreds schema: as a resource of a did:webvh, or on the ledger of a did:indy.',
  })
  async registerSchema(
    @Arg('input', () => RegisterSchemaInput, { description: 'The schema to publish.' }) input: RegisterSchemaInput,
    @Ctx() context: GraphContext,
  ): Promise<RegisterSchemaPayload> {
    return { schema: await this.service.registerSchema(tenantIdOf(context), input) }
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => RegisterCredentialDefinitionPayload, {
    description:
      '(tenant) Makes and publishes an AnonCreds credential definition: it takes seconds. With `revocable`, registries are made behind it; credentials can be offered at once.',
  })
  async registerCredentialDefinition(
    @Arg('input', () => RegisterCredentialDefinitionInput, { description: 'The credential definition to publish.' })
    input: RegisterCredentialDefinitionInput,
    @Ctx() context: GraphContext,
  ): Promise<RegisterCredentialDefinitionPayload> {
    return { credentialDefinition: await this.service.registerDefinition(tenantIdOf(context), input) }
  }
}
