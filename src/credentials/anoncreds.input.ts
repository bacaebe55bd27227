import { Field, ID, InputType } from 'type-graphql'

@InputType({ description: 'A new AnonCreds schema.' })
export class RegisterSchemaInput {
  @Field(() => String, { description: "One of the tenant's did:webvh." })
  issuerDid!: string

  @Field(() => String, { description: 'Its name.' })
  name!: string

  @Field(() => String, { description: 'Its version, such as `1.0`.' })
  version!: string

  @Field(() => [String], { description: 'The names of the attributes, each once.' })
  attributes!: string[]
}

@InputType({ description: 'A new AnonCreds credential definition.' })
export class RegisterCredentialDefinitionInput {
  @Field(() => String, { description: "One of the tenant's did:webvh." })
  issuerDid!: string

  @Field(() => ID, { description: "The schema; any issuer's that can be resolved." })
  schemaId!: string

  @Field(() => String, { description: "Tells it from the issuer's others of the same schema." })
  tag!: string

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Whether its credentials can be revoked.',
  })
  revocable?: boolean | null
}
