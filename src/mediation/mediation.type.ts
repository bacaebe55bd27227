import { Field, Float, ID, Int, ObjectType, registerEnumType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'
import { pageType } from '../graphql/page.js'
import { JsonScalar } from '../graphql/scalars.js'

export const MediationState = { REQUESTED: 'REQUESTED', GRANTED: 'GRANTED', DENIED: 'DENIED' } as const
registerEnumType(MediationState, {
  name: 'MediationState',
  description: 'What a mediator said, by Aries RFC 0211.',
  valuesConfig: {
    REQUESTED: { description: 'Nothing yet.' },
    GRANTED: { description: 'It forwards messages.' },
    DENIED: { description: 'It does not.' },
  },
})

@ObjectType('MediationGrant', { description: 'What a mediator was asked for, and gave.' })
export class MediationGrantType {
  @Field(() => ID, { description: 'Its id in the wallet that asked.' })
  id!: string

  @Field(() => MediationState, { description: 'What the mediator said.' })
  state!: keyof typeof MediationState

  @Field(() => String, { nullable: true, description: 'Where the mediator takes messages, once granted.' })
  endpoint!: string | null

  @Field(() => [String], { description: 'Keys that messages are wrapped for on their way; empty until granted.' })
  routingKeys!: string[]

  @Field(() => Boolean, { description: 'Whether new connections go through it.' })
  default!: boolean
}

@ObjectType({ description: 'A mediator after a step.' })
export class MediationGrantPayload {
  @Field(() => MediationGrantType, { description: 'What it gave.' })
  mediationGrant!: MediationGrantType
}

@ObjectType('MediatorKeys', { description: 'How far a mediator has been told of the keys that it forwards for.' })
export class MediatorKeysType {
  @Field(() => Int, { description: 'Keys that it has said it knows.' })
  known!: number

  @Field(() => Int, { description: 'Keys that it is still to be told of, new ones and withdrawn ones.' })
  pending!: number
}

@ObjectType('MediatedAgent', { description: 'An agent outside that a wallet mediates for (Aries RFC 0211).' })
export class MediatedAgentType {
  @Field(() => ID, { description: 'The connection that it asked by.' })
  connectionId!: string

  @Field(() => [String], { description: 'What it was granted, base58. The first is its own.' })
  routingKeys!: string[]

  @Field(() => Int, { description: 'Keys that it is reached by.' })
  keys!: number

  @Field(() => Int, { description: 'Messages that wait until it fetches them.' })
  waitingMessages!: number

  @Field(() => Float, { description: 'Their size, in bytes.' })
  waitingBytes!: number
}

export const MediatedAgentPage = pageType(() => MediatedAgentType, 'MediatedAgent')

@ObjectType({ description: 'What endMediation gives.' })
export class EndMediationPayload {
  @Field(() => ID, { description: 'The connection of the agent that nothing is forwarded for any more.' })
  connectionId!: string
}

@ObjectType({ description: 'What createMediatorInvitation gives.' })
export class MediatorInvitationPayload {
  @Field(() => String, { description: 'The invitation as a URL, for any number of agents.' })
  url!: string

  @Field(() => JsonScalar, { description: 'The out-of-band message itself.' })
  message!: Record<string, unknown>
}

@ObjectType('MediationEvent', { implements: EventType, description: 'A mediator granted or denied mediation.' })
export class MediationEventType extends EventType {
  @Field(() => MediationGrantType, { description: 'As it was at the event.' })
  mediationGrant!: MediationGrantType
}
