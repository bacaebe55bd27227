import { Field, InputType, Int, ObjectType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'
import { pageType } from '../graphql/page.js'
import { DateTimeScalar, JsonScalar } from '../graphql/scalars.js'

@ObjectType('Did', { description: 'A DID that the tenant made.' })
export class DidType {
  @Field(() => String, { description: 'The DID.' })
  did!: string

  @Field(() => String, { description: 'Its method: the part after `did:`.' })
  method!: string

  @Field(() => JsonScalar, { nullable: true, description: 'Its DID document; null once it is deactivated.' })
  document!: Record<string, unknown> | null

  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt!: string

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was last changed; null where it never was.' })
  updatedAt!: string | null

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was deactivated; null while it can be used.' })
  deactivatedAt!: string | null
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
  @Field(() => String, { description: 'key, peer, jwk, web, webvh or indy.' })
  method!: string

  @Field(() => JsonScalar, {
    nullable: true,
    description:
      'peer: `{"numAlgo": 0, 2 or 4}`; 4, the default, and 2 name where peers reach the tenant. ' +
      'jwk: `{"keyType": "Ed25519", "P-256", "P-384" or "secp256k1"}`; Ed25519 where not given. ' +
      'web, webvh: `{"path": "acme/issuer"}`, where the gateway hosts it; a random one where not given. ' +
      'With `"didcomm": true` others can connect by it. ' +
      'webvh: `{"witness": {"witnesses": ["did:key:…"], "threshold": 1}}`, DIDs of the wallet that approve each change. ' +
      'indy: `{"namespace": "sovrin"}`, the ledger; by itself it makes a DID for somebody to register there. ' +
      'With `"seed"` it takes one that the ledger has, named by `"did"` where that does not follow from its key. ' +
      'With `"endorserDid"` that DID of the tenant registers it, with `"role": "ENDORSER"` where it may give that.',
  })
  options?: Record<string, unknown> | null
}

@InputType({ description: 'A service of a DID document.' })
export class ServiceInput {
  @Field(() => String, { description: 'Its id within the document, without `#`: letters, digits, `.`, `_` and `-`.' })
  id!: string

  @Field(() => String, { description: 'Its type, such as LinkedDomains.' })
  type!: string

  @Field(() => JsonScalar, { description: 'Where it is: a URI, or what its type says.' })
  serviceEndpoint!: unknown
}

@InputType({ description: 'Who has to approve each change of a did:webvh.' })
export class WitnessInput {
  @Field(() => [String], { description: 'Each a did:key of the wallet; none ends it.' })
  witnesses!: string[]

  @Field(() => Int, { nullable: true, description: 'How many of them have to; all where not given.' })
  threshold?: number | null
}

@InputType({ description: 'What is to change of a DID.' })
export class UpdateDidInput {
  @Field(() => String, { description: 'A did:web or did:webvh that this gateway hosts.' })
  did!: string

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Whether it gets a new key to sign with. Its resources are signed anew.',
  })
  rotateKeys!: boolean

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether others can connect by it: true names where the tenant is reached now, with a new key, false takes that away.',
  })
  didcomm?: boolean | null

  @Field(() => WitnessInput, { nullable: true, description: 'did:webvh: who approves this change and all after it.' })
  witness?: WitnessInput | null

  @Field(() => [ServiceInput], { nullable: true, description: 'Services to add.' })
  addServices?: ServiceInput[] | null

  @Field(() => [String], { nullable: true, description: 'Ids of services to remove, as addServices has them.' })
  removeServices?: string[] | null
}

@ObjectType({ description: 'What updateDid gives.' })
export class UpdateDidPayload {
  @Field(() => DidType, { description: 'The DID as it is now.' })
  did!: DidType
}

@ObjectType({ description: 'What deactivateDid gives.' })
export class DeactivateDidPayload {
  @Field(() => DidType, { description: 'The DID as it is now.' })
  did!: DidType
}

@ObjectType('DidEvent', { implements: EventType, description: 'A DID was made, updated or deactivated.' })
export class DidEventType extends EventType {
  @Field(() => DidType, { description: 'The DID, as it was then.' })
  did!: DidType
}
