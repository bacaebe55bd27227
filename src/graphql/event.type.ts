import { Field, ID, InterfaceType, registerEnumType } from 'type-graphql'
import { eventTopics, type EventTopic as Topic } from '../events/event.js'
import { DateTimeScalar } from './scalars.js'

export const EventTopic = Object.fromEntries(eventTopics.map((topic) => [topic, topic])) as { [T in Topic]: T }
registerEnumType(EventTopic, {
  name: 'EventTopic',
  description: 'What an event is about.',
  valuesConfig: {
    TENANT: { description: 'The tenant itself: made, changed, its tokens, its state.' },
    CONNECTION: { description: 'A connection changed its state.' },
    INVITATION: { description: 'An out-of-band invitation was made, received, or changed its state.' },
    BASIC_MESSAGE: { description: 'A basic message was sent or received.' },
    PING: { description: 'A trust ping or its answer was received.' },
    QUESTION: { description: 'A question was asked, or answered.' },
    DISCOVERY: { description: 'Another agent told what it can do.' },
    PROBLEM_REPORT: { description: 'Another agent reported a problem.' },
    DID: { description: 'A DID was made, updated or deactivated.' },
    CREDENTIAL: { description: 'A credential exchange changed its state.' },
    PROOF: { description: 'A proof exchange changed its state.' },
    REVOCATION: { description: 'A credential was revoked.' },
    MEDIATION: { description: 'A mediator granted or denied mediation.' },
    QUEUE: { description: 'Messages wait for a locked wallet.' },
    DELIVERY: { description: 'An outbound message arrived late, or was given up.' },
  },
})

const typeNames: Record<Topic, string> = {
  TENANT: 'TenantEvent',
  CONNECTION: 'ConnectionEvent',
  INVITATION: 'InvitationEvent',
  BASIC_MESSAGE: 'BasicMessageEvent',
  PING: 'PingEvent',
  QUESTION: 'QuestionEvent',
  DISCOVERY: 'DiscoveryEvent',
  PROBLEM_REPORT: 'ProblemReportEvent',
  DID: 'DidEvent',
  CREDENTIAL: 'CredentialEvent',
  PROOF: 'ProofEvent',
  REVOCATION: 'RevocationEvent',
  MEDIATION: 'MediationEvent',
  QUEUE: 'QueueEvent',
  DELIVERY: 'DeliveryEvent',
}

@InterfaceType('Event', {
  description: 'Something that happened in or to a wallet, as it was then.',
  resolveType: ({ topic }: { topic: Topic }) => typeNames[topic],
})
export abstract class EventType {
  @Field(() => ID, { description: 'The same in every stream that has the event.' })
  id!: string

  @Field(() => String, { description: 'Its place in the stream: subscribe `after` it to go on from here.' })
  cursor!: string

  @Field(() => ID, { description: 'The tenant that it happened to; `base` where it is the base wallet.' })
  tenantId!: string

  @Field(() => EventTopic, { description: 'What it is about.' })
  topic!: Topic

  @Field(() => DateTimeScalar, { description: 'When it was committed.' })
  occurredAt!: string
}
