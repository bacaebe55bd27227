import { Field, InputType, ObjectType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'
import { pageType } from '../graphql/page.js'
import { DateTimeScalar, JsonScalar } from '../graphql/scalars.js'

@ObjectType('Did', { description: 'A DID that the tenant made.' })
export class DidType {
  @Field(() => String, { description: 'The DID.' })
  did!: string

  @Field(() => String, { description: 'Its method: the part after `did:`.' })
  method!: string

  @Field(() => JsonScalar, { nullable: true, description: 'Its DID document.' })
  document!: Record<string, unknown> | null

  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt!: string
}

export const DidPage = pageType(() => DidType, 'Did')

@ObjectType('DidResolution', { description: 'What resolving a DID gave, as in DID Resolution of the W3C.' })
export class DidResolutionType {
  @Field(() => JsonScalar, { nullable: true, description: 'The DID document; null where there is none.' })
  document!: Record<string, unknown> | null

  @Field(() => JsonScalar, { description: 'What is known of the document.' })
  metadata!: Record<string, unknown>

  @Field(() => JsonScalar, { description: 'What is known of the resolution; `error` says why there is no document.' })
  resolutionMetadata!: Record<string, unknown>
}

@ObjectType({ description: 'What createDid gives.' })
export class CreateDidPayload {
  @Field(() => DidType, { description: 'The new DID.' })
  did!: DidType
}

@InputType({ description: 'A new DID.' })
export class CreateDidInput {
  @Field(() => String, { description: 'key or peer; later also jwk, web, webvh.' })
  method!: string

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'peer: `{"numAlgo": 0, 2 or 4}`; 4, the default, and 2 name this gateway as the endpoint.',
  })
  options?: Record<string, unknown> | null
}

@ObjectType('DidEvent', { implements: EventType, description: 'A DID was made by createDid.' })
export class DidEventType extends EventType {
  @Field(() => DidType, { description: 'The DID.' })
  did!: DidType
}
