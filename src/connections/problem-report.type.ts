import { Field, ID, InputType, ObjectType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'

@InputType({ description: 'What to tell another agent that went wrong.' })
export class SendProblemReportInput {
  @Field(() => ID, { description: 'Whom to tell; in state COMPLETED.' })
  connectionId!: string

  @Field(() => ID, { description: 'The thread that it is about.' })
  threadId!: string

  @Field(() => String, { description: 'What went wrong, for programs.' })
  code!: string

  @Field(() => String, { description: 'What went wrong, for people, in English.' })
  description!: string
}

@ObjectType({ description: 'What sendProblemReport gives.' })
export class SendProblemReportPayload {
  @Field(() => ID, { description: 'The thread that it is about.' })
  threadId!: string
}

@ObjectType('ProblemReportEvent', {
  implements: EventType,
  description:
    'Another agent reported a problem that belongs to no exchange (Aries RFC 0035). What ends an exchange stands on the exchange.',
})
export class ProblemReportEventType extends EventType {
  @Field(() => ID, { description: 'The connection that it came over.' })
  connectionId!: string

  @Field(() => ID, { description: 'The thread, or the message, that it is about.' })
  threadId!: string

  @Field(() => String, { nullable: true, description: 'What went wrong, for programs.' })
  code!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'What went wrong, as the other agent says it. Null on the base stream for an UNMANAGED tenant.',
  })
  description!: string | null
}
