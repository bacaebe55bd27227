import { Field, ObjectType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'
import { ProofExchangeType, ProofState } from './proof-exchange.type.js'

@ObjectType('ProofEvent', { implements: EventType, description: 'A proof exchange changed its state.' })
export class ProofEventType extends EventType {
  @Field(() => ProofState, { nullable: true, description: 'Its state before; null where it is new.' })
  previousState!: keyof typeof ProofState | null

  @Field(() => ProofExchangeType, { description: 'As it was at the event.' })
  proofExchange!: ProofExchangeType
}
