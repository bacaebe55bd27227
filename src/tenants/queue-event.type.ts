import { Field, Int, ObjectType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'

@ObjectType('QueueEvent', { implements: EventType, description: 'Sealed messages wait for a locked wallet.' })
export class QueueEventType extends EventType {
  @Field(() => Int, { description: 'How many waited at the event.' })
  queuedMessages!: number
}
