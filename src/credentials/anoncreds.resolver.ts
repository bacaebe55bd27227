import { Arg, Args, Mutation, Query, Resolver } from 'type-graphql'
import { ForTenant } from '../graphql/access.js'
import { emptyPage } from '../graphql/empty-page.js'
import { type Page, PageArgs } from '../graphql/page.js'
import { notImplemented } from '../lib/errors.js'
import { RegisterCredentialDefinitionInput, RegisterSchemaInput } from './anoncreds.input.js'
import {
  AnoncredsSchemaPage,
  AnoncredsSchemaType,
  CredentialDefinitionPage,
  CredentialDefinitionType,
  RegisterCredentialDefinitionPayload,
  RegisterSchemaPayload,
} from './anoncreds.type.js'

/** AnonCreds objects that a tenant publishes. */
@Resolver()
export class AnoncredsResolver {
  @ForTenant('READ', 'CREDENTIALS')
  @Query(() => AnoncredsSchemaPage, {
    description: '(tenant) AnonCreds schemas that this tenant registered, oldest first.',
  })
  schemas(@Args(() => PageArgs) args: PageArgs): Page<AnoncredsSchemaType> {
    return emptyPage(args)
  }

  @ForTenant('READ', 'CREDENTIALS')
  @Query(() => CredentialDefinitionPage, {
    description: '(tenant) AnonCreds credential definitions that this tenant registered, oldest first.',
  })
  credentialDefinitions(@Args(() => PageArgs) args: PageArgs): Page<CredentialDefinitionType> {
    return emptyPage(args)
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => RegisterSchemaPayload, { description: '(tenant) Publishes an AnonCreds schema. Not available yet.' })
  registerSchema(
    @Arg('input', () => RegisterSchemaInput, { description: 'The schema to publish.' }) _input: RegisterSchemaInput,
  ): RegisterSchemaPayload {
    throw notImplemented('Registering schemas')
  }

  @ForTenant('WRITE', 'CREDENTIALS')
  @Mutation(() => RegisterCredentialDefinitionPayload, {
    description: '(tenant) Makes and publishes an AnonCreds credential definition. Not available yet.',
  })
  registerCredentialDefinition(
    @Arg('input', () => RegisterCredentialDefinitionInput, { description: 'The credential definition to publish.' })
    _input: RegisterCredentialDefinitionInput,
  ): RegisterCredentialDefinitionPayload {
    throw notImplemented('Registering credential definitions')
  }
}
