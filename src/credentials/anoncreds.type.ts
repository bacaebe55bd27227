import { Field, ID, ObjectType } from 'type-graphql'
import { pageType } from '../graphql/page.js'

@ObjectType('AnoncredsSchema', { description: 'Which attributes a kind of credential has.' })
export class AnoncredsSchemaType {
  @Field(() => ID, { description: 'Where it is published: a DID URL.' })
  id!: string

  @Field(() => String, { description: 'The DID that published it.' })
  issuerDid!: string

  @Field(() => String, { description: 'Its name.' })
  name!: string

  @Field(() => String, { description: 'Its version; name and version together are used once by an issuer.' })
  version!: string

  @Field(() => [String], { description: 'The names of the attributes.' })
  attributes!: string[]
}

@ObjectType('CredentialDefinition', { description: "An issuer's public keys for credentials of one schema." })
export class CredentialDefinitionType {
  @Field(() => ID, { description: 'Where it is published: a DID URL.' })
  id!: string

  @Field(() => ID, { description: 'The schema of its credentials.' })
  schemaId!: string

  @Field(() => String, { description: 'The DID that published it and issues with it.' })
  issuerDid!: string

  @Field(() => String, { description: "Tells it from the issuer's others of the same schema." })
  tag!: string

  @Field(() => Boolean, { description: 'Whether its credentials can be revoked.' })
  revocable!: boolean
}

export const AnoncredsSchemaPage = pageType(() => AnoncredsSchemaType, 'AnoncredsSchema')
export const CredentialDefinitionPage = pageType(() => CredentialDefinitionType, 'CredentialDefinition')

@ObjectType({ description: 'What registerSchema gives.' })
export class RegisterSchemaPayload {
  @Field(() => AnoncredsSchemaType, { description: 'The schema, published.' })
  schema!: AnoncredsSchemaType
}

@ObjectType({ description: 'What registerCredentialDefinition gives.' })
export class RegisterCredentialDefinitionPayload {
  @Field(() => CredentialDefinitionType, { description: 'The credential definition, published.' })
  credentialDefinition!: CredentialDefinitionType
}
