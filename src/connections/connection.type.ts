import { Field, ID, ObjectType, registerEnumType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'
import { pageType } from '../graphql/page.js'
import { DateTimeScalar } from '../graphql/scalars.js'

export const ConnectionState = {
  START: 'START',
  INVITATION_SENT: 'INVITATION_SENT',
  INVITATION_RECEIVED: 'INVITATION_RECEIVED',
  REQUEST_SENT: 'REQUEST_SENT',
  REQUEST_RECEIVED: 'REQUEST_RECEIVED',
  RESPONSE_SENT: 'RESPONSE_SENT',
  RESPONSE_RECEIVED: 'RESPONSE_RECEIVED',
  ABANDONED: 'ABANDONED',
  COMPLETED: 'COMPLETED',
} as const
registerEnumType(ConnectionState, {
  name: 'ConnectionState',
  description: "The states of Aries RFC 0023 (DID Exchange), as the field's agents report them.",
  valuesConfig: {
    START: { description: 'Nothing has happened yet.' },
    INVITATION_SENT: { description: 'Responder: the invitation is out.' },
    INVITATION_RECEIVED: { description: 'Requester: the invitation is in.' },
    REQUEST_SENT: { description: 'Requester: the request is out.' },
    REQUEST_RECEIVED: { description: 'Responder: the request is in; acceptConnectionRequest goes on with it.' },
    RESPONSE_SENT: { description: 'Responder: the response is out.' },
    RESPONSE_RECEIVED: { description: 'Requester: the response is in; acceptConnectionResponse goes on with it.' },
    ABANDONED: { description: 'It came to nothing.' },
    COMPLETED: { description: 'Both sides can send messages.' },
  },
})

export const ConnectionRole = { REQUESTER: 'REQUESTER', RESPONDER: 'RESPONDER' } as const
registerEnumType(ConnectionRole, {
  name: 'ConnectionRole',
  description: 'Which side of the DID exchange the wallet was on.',
  valuesConfig: {
    REQUESTER: { description: 'It received the invitation.' },
    RESPONDER: { description: 'It made the invitation.' },
  },
})

@ObjectType('ConnectionRecord', { description: 'A connection to another agent.' })
export class ConnectionType {
  @Field(() => ID, { description: 'Unique in the wallet.' })
  id!: string

  @Field(() => ConnectionState, { description: 'How far it is.' })
  state!: keyof typeof ConnectionState

  @Field(() => ConnectionRole, { description: 'Which side this wallet was on.' })
  role!: keyof typeof ConnectionRole

  @Field(() => String, { nullable: true, description: "The wallet's own DID here." })
  did!: string | null

  @Field(() => String, { nullable: true, description: "The other agent's DID." })
  theirDid!: string | null

  @Field(() => String, { nullable: true, description: 'What the other agent calls itself.' })
  theirLabel!: string | null

  @Field(() => String, { nullable: true, description: 'What the tenant calls it.' })
  alias!: string | null

  @Field(() => ID, { nullable: true, description: '`Invitation.id` of the invitation that it came from.' })
  invitationId!: string | null

  @Field(() => String, { nullable: true, description: 'Why it was abandoned.' })
  errorMessage!: string | null

  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt!: string

  @Field(() => DateTimeScalar, { description: 'When it last changed.' })
  updatedAt!: string
}

export const ConnectionPage = pageType(() => ConnectionType, 'ConnectionRecord')

@ObjectType({ description: 'A connection after a mutation.' })
export class ConnectionPayload {
  @Field(() => ConnectionType, { description: 'The connection as it is now.' })
  connection!: ConnectionType
}

@ObjectType({ description: 'What sendPing gives.' })
export class SendPingPayload {
  @Field(() => ID, { description: 'The thread that the answer will name.' })
  threadId!: string
}

@ObjectType('ConnectionEvent', { implements: EventType, description: 'A connection changed its state.' })
export class ConnectionEventType extends EventType {
  @Field(() => ConnectionState, { nullable: true, description: 'Null where it is new.' })
  previousState!: keyof typeof ConnectionState | null

  @Field(() => ConnectionType, { description: 'As it was at the event.' })
  connection!: ConnectionType
}

export const PingDirection = { PING_RECEIVED: 'PING_RECEIVED', RESPONSE_RECEIVED: 'RESPONSE_RECEIVED' } as const
registerEnumType(PingDirection, {
  name: 'PingDirection',
  description: 'Which part of a trust ping (Aries RFC 0048) came in.',
  valuesConfig: {
    PING_RECEIVED: { description: 'The other agent pinged.' },
    RESPONSE_RECEIVED: { description: 'The other agent answered a ping.' },
  },
})

@ObjectType('PingEvent', { implements: EventType, description: 'A trust ping, or its answer, was received.' })
export class PingEventType extends EventType {
  @Field(() => ID, { description: 'The connection that it came over.' })
  connectionId!: string

  @Field(() => ID, { description: 'The thread of the ping: what sendPing gave.' })
  threadId!: string

  @Field(() => PingDirection, { description: 'Which part came in.' })
  direction!: keyof typeof PingDirection
}
