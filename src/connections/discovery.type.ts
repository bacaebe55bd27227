import { Field, ID, InputType, ObjectType, registerEnumType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'

export const FeatureKind = { PROTOCOL: 'PROTOCOL', GOAL_CODE: 'GOAL_CODE', GOV_FW: 'GOV_FW' } as const
registerEnumType(FeatureKind, {
  name: 'FeatureKind',
  description: 'What kind of thing an agent can be asked for (Aries RFC 0557).',
  valuesConfig: {
    PROTOCOL: { description: 'A protocol, by its URI.' },
    GOAL_CODE: { description: 'A goal that it can help with, by its code.' },
    GOV_FW: { description: 'A governance framework that it works under, by its URI.' },
  },
})

export const DiscoveryVersion = { V1: 'V1', V2: 'V2' } as const
registerEnumType(DiscoveryVersion, {
  name: 'DiscoveryVersion',
  description: 'The version of the discover features protocol.',
  valuesConfig: {
    V1: { description: 'Aries RFC 0031, for older agents: one query for protocols.' },
    V2: { description: 'Aries RFC 0557.' },
  },
})

@InputType({ description: 'What to ask for.' })
export class FeatureQueryInput {
  @Field(() => FeatureKind, { defaultValue: 'PROTOCOL', description: 'Its kind.' })
  kind!: keyof typeof FeatureKind

  @Field(() => String, { description: 'Its id; a `*` at the end stands for anything.' })
  match!: string
}

@InputType({ description: 'What to ask another agent about what it can do.' })
export class DiscoverFeaturesInput {
  @Field(() => ID, { description: 'Whom to ask; in state COMPLETED.' })
  connectionId!: string

  @Field(() => [FeatureQueryInput], {
    defaultValue: [{ kind: 'PROTOCOL', match: '*' }],
    description: 'What to ask for, at most 20; all protocols where absent.',
  })
  queries!: FeatureQueryInput[]

  @Field(() => DiscoveryVersion, { defaultValue: 'V2', description: 'By which protocol.' })
  version!: keyof typeof DiscoveryVersion
}

@ObjectType({ description: 'What discoverFeatures gives.' })
export class DiscoverFeaturesPayload {
  @Field(() => ID, { description: 'The thread that the answer will name.' })
  threadId!: string
}

@ObjectType({ description: 'Something that an agent says it can do.' })
export class DisclosedFeature {
  @Field(() => String, { description: 'Its kind as the protocol has it: `protocol`, `goal-code`, `gov-fw` …' })
  type!: string

  @Field(() => String, { description: 'What it is: for a protocol its URI.' })
  id!: string

  @Field(() => [String], { description: 'Which sides of a protocol it can be, where it says so.' })
  roles!: string[]
}

@ObjectType('DiscoveryEvent', { implements: EventType, description: 'Another agent told what it can do.' })
export class DiscoveryEventType extends EventType {
  @Field(() => ID, { description: 'The connection that it came over.' })
  connectionId!: string

  @Field(() => ID, { description: 'What discoverFeatures gave.' })
  threadId!: string

  @Field(() => [DisclosedFeature], { description: 'What it can do of what it was asked for.' })
  features!: DisclosedFeature[]
}
