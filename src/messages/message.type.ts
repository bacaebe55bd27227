import { Field, ID, InputType, ObjectType, registerEnumType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'
import { pageType } from '../graphql/page.js'
import { DateTimeScalar } from '../graphql/scalars.js'

export const BasicMessageRole = { SENDER: 'SENDER', RECEIVER: 'RECEIVER' } as const
registerEnumType(BasicMessageRole, {
  name: 'BasicMessageRole',
  description: 'Which way a message went.',
  valuesConfig: {
    SENDER: { description: 'This wallet sent it.' },
    RECEIVER: { description: 'This wallet received it.' },
  },
})

@ObjectType('BasicMessage', { description: 'A text message (Aries RFC 0095).' })
export class BasicMessageType {
  @Field(() => ID, { description: 'Unique in the wallet.' })
  id!: string

  @Field(() => ID, { description: 'The connection that it went over.' })
  connectionId!: string

  @Field(() => BasicMessageRole, { description: 'Sent or received.' })
  role!: keyof typeof BasicMessageRole

  @Field(() => String, { nullable: true, description: 'Null only on the base stream, for an UNMANAGED tenant.' })
  content!: string | null

  @Field(() => DateTimeScalar, { description: 'When its sender says that it was sent.' })
  sentAt!: string

  @Field(() => ID, { nullable: true, description: 'The thread that it belongs to.' })
  threadId!: string | null
}

export const BasicMessagePage = pageType(() => BasicMessageType, 'BasicMessage')

@ObjectType({ description: 'What sendBasicMessage gives.' })
export class SendBasicMessagePayload {
  @Field(() => BasicMessageType, { description: 'The message, which is now in the durable outbox.' })
  message!: BasicMessageType
}

@ObjectType('BasicMessageEvent', { implements: EventType, description: 'A basic message was sent or received.' })
export class BasicMessageEventType extends EventType {
  @Field(() => BasicMessageType, { description: 'The message.' })
  message!: BasicMessageType
}

@InputType({ description: 'A message to send.' })
export class SendBasicMessageInput {
  @Field(() => ID, { description: 'Where it goes.' })
  connectionId!: string

  @Field(() => String, { description: 'Its text, at most 100,000 characters.' })
  content!: string

  @Field(() => ID, { nullable: true, description: 'The thread that it answers.' })
  parentThreadId?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'A repeat within 24 hours sends nothing and gives the same message.',
  })
  idempotencyKey?: string | null
}
