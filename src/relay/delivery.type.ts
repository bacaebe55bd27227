import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'

export const DeliveryOutcome = { DELIVERED: 'DELIVERED', GIVEN_UP: 'GIVEN_UP' } as const
registerEnumType(DeliveryOutcome, {
  name: 'DeliveryOutcome',
  description: 'How the sending of a message ended, where it was not delivered at once.',
  valuesConfig: {
    DELIVERED: { description: 'It arrived, after more than one try.' },
    GIVEN_UP: { description: 'It did not arrive, and is not sent again.' },
  },
})

@ObjectType('DeliveryEvent', {
  implements: EventType,
  description: 'An outbound message was given up, or delivered late.',
})
export class DeliveryEventType extends EventType {
  @Field(() => DeliveryOutcome, { description: 'How it ended.' })
  outcome!: keyof typeof DeliveryOutcome

  @Field(() => ID, { nullable: true, description: 'The connection that it was for.' })
  connectionId!: string | null

  @Field(() => Int, { description: 'How often it was tried.' })
  attempts!: number

  @Field(() => String, { nullable: true, description: 'What went wrong at the last try.' })
  reason!: string | null
}
