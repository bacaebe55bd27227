import { Field, ID, ObjectType, registerEnumType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'
import { pageType } from '../graphql/page.js'
import { DateTimeScalar, JsonScalar, UrlScalar } from '../graphql/scalars.js'
import { ConnectionType } from './connection.type.js'

export const InvitationState = {
  INITIAL: 'INITIAL',
  AWAIT_RESPONSE: 'AWAIT_RESPONSE',
  PREPARE_RESPONSE: 'PREPARE_RESPONSE',
  DONE: 'DONE',
} as const
registerEnumType(InvitationState, {
  name: 'InvitationState',
  description: 'The states of Aries RFC 0434 (Out-of-Band).',
  valuesConfig: {
    INITIAL: { description: 'Received, not yet accepted; acceptInvitation goes on with it.' },
    AWAIT_RESPONSE: { description: 'Made; waits for whoever gets it.' },
    PREPARE_RESPONSE: { description: 'Received and accepted; the handshake runs.' },
    DONE: { description: 'Used.' },
  },
})

export const InvitationRole = { SENDER: 'SENDER', RECEIVER: 'RECEIVER' } as const
registerEnumType(InvitationRole, {
  name: 'InvitationRole',
  description: 'Whose invitation it is.',
  valuesConfig: {
    SENDER: { description: 'This wallet made it.' },
    RECEIVER: { description: 'This wallet received it.' },
  },
})

@ObjectType('Invitation', { description: 'An out-of-band invitation.' })
export class InvitationType {
  @Field(() => ID, { description: 'Unique in the wallet; not the `@id` of the message.' })
  id!: string

  @Field(() => InvitationRole, { description: 'Made or received.' })
  role!: keyof typeof InvitationRole

  @Field(() => InvitationState, { description: 'How far it is.' })
  state!: keyof typeof InvitationState

  @Field(() => String, { nullable: true, description: 'What the inviter calls itself.' })
  label!: string | null

  @Field(() => String, { nullable: true, description: 'What the tenant calls it.' })
  alias!: string | null

  @Field(() => JsonScalar, { description: 'The message as in Aries RFC 0434.' })
  message!: Record<string, unknown>

  @Field(() => UrlScalar, { description: 'The message in a URL, to show as a link or QR code.' })
  url!: string

  @Field(() => UrlScalar, {
    nullable: true,
    description:
      'Of what this wallet made: a short URL that the gateway serves as long as the invitation is there. Agents get the message, browsers the long URL.',
  })
  shortUrl!: string | null

  @Field(() => Boolean, { description: 'Whether more than one agent can use it.' })
  multiUse!: boolean

  @Field(() => DateTimeScalar, { description: 'When it was made or received.' })
  createdAt!: string
}

export const InvitationPage = pageType(() => InvitationType, 'Invitation')

@ObjectType({ description: 'What createInvitation gives.' })
export class CreateInvitationPayload {
  @Field(() => InvitationType, { description: 'The new invitation.' })
  invitation!: InvitationType
}

@ObjectType({ description: 'What receiveInvitation and acceptInvitation give.' })
export class ReceiveInvitationPayload {
  @Field(() => InvitationType, { description: 'The invitation as it is now.' })
  invitation!: InvitationType

  @Field(() => ConnectionType, {
    nullable: true,
    description: 'The connection that it opens. Null for an invitation without a handshake, or not yet accepted.',
  })
  connection!: ConnectionType | null
}

@ObjectType({ description: 'What a deletion gives.' })
export class DeletePayload {
  @Field(() => ID, { description: 'The id that is gone.' })
  deletedId!: string
}

@ObjectType('InvitationEvent', {
  implements: EventType,
  description: 'An invitation was made, received, or changed its state.',
})
export class InvitationEventType extends EventType {
  @Field(() => InvitationState, { nullable: true, description: 'Null where it is new.' })
  previousState!: keyof typeof InvitationState | null

  @Field(() => InvitationType, { description: 'As it was at the event.' })
  invitation!: InvitationType
}
