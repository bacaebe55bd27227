import { Field, ID, InputType, Int } from 'type-graphql'

@InputType({ description: 'A new AnonCreds schema.' })
export class RegisterSchemaInput {
  @Field(() => String, { description: "One of the tenant's did:webvh or did:indy." })
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
  @Field(() => String, { description: "One of the tenant's did:webvh or did:indy." })
  issuerDid!: string

  @Field(() => ID, { description: "The schema; any issuer's that can be resolved, for a did:indy on its ledger." })
  schemaId!: string

  @Field(() => String, { description: "Tells it from the issuer's others of the same schema." })
  tag!: string

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Whether its credentials can be revoked.',
  })
  revocable?: boolean | null

  @Field(() => Int, {
    nullable: true,
    defaultValue: 1000,
    description:
      'How many credentials each of its revocation registries is for: 10 to 10000. The next is made before one is full; a larger one takes longer to make, and holders fetch 256 bytes for each place.',
  })
  revocationRegistrySize?: number | null
}
