import { Field, ID, InputType } from 'type-graphql'
import { JsonScalar, UrlScalar } from '../graphql/scalars.js'
import { ConnectionState } from './connection.type.js'
import { InvitationRole, InvitationState } from './invitation.type.js'

@InputType({ description: 'Which connections to list; all conditions hold.' })
export class ConnectionFilter {
  @Field(() => ConnectionState, { nullable: true, description: 'In this state.' })
  state?: keyof typeof ConnectionState | null

  @Field(() => String, { nullable: true, description: 'With exactly this alias.' })
  alias?: string | null

  @Field(() => String, { nullable: true, description: 'With this DID of the other agent.' })
  theirDid?: string | null

  @Field(() => ID, { nullable: true, description: 'From this invitation.' })
  invitationId?: string | null
}

@InputType({ description: 'Which invitations to list; all conditions hold.' })
export class InvitationFilter {
  @Field(() => InvitationRole, { nullable: true, description: 'Made or received.' })
  role?: keyof typeof InvitationRole | null

  @Field(() => InvitationState, { nullable: true, description: 'In this state.' })
  state?: keyof typeof InvitationState | null

  @Field(() => String, { nullable: true, description: 'With exactly this alias.' })
  alias?: string | null
}

@InputType({ description: 'A new invitation.' })
export class CreateInvitationInput {
  @Field(() => String, {
    nullable: true,
    description: "What the other agent is shown; the tenant's label where absent.",
  })
  label?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'What the tenant calls it, and the connections that come of it.',
  })
  alias?: string | null

  @Field(() => Boolean, { nullable: true, defaultValue: false, description: 'Whether more than one agent can use it.' })
  multiUse?: boolean | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: true,
    description:
      'Whether requests are accepted by themselves; else by acceptConnectionRequest. true where absent, whatever the tenant has set; null: as it has set autoAcceptConnections.',
  })
  autoAccept?: boolean | null

  @Field(() => String, {
    nullable: true,
    description:
      "A DID of the tenant's that names where it is reached, for the invitation to name in place of keys: see createDid.",
  })
  did?: string | null

  @Field(() => String, { nullable: true, description: 'A code of what it is for, as in Aries RFC 0519.' })
  goalCode?: string | null

  @Field(() => String, { nullable: true, description: 'What it is for, in words.' })
  goal?: string | null

  @Field(() => UrlScalar, {
    nullable: true,
    description:
      "The domain the invitation URL is made with; where absent the tenant's own, or the gateway's where it has none.",
  })
  domain?: string | null
}

@InputType({ description: 'An invitation of another agent.' })
export class ReceiveInvitationInput {
  @Field(() => String, {
    nullable: true,
    description: 'The invitation as a URL, long or short. One of url, message and did.',
  })
  url?: string | null

  @Field(() => JsonScalar, { nullable: true, description: 'The invitation message. One of url, message and did.' })
  message?: Record<string, unknown> | null

  @Field(() => String, {
    nullable: true,
    description:
      'A public DID of the other agent, which stands for an invitation (Aries RFC 0023). One of url, message and did.',
  })
  did?: string | null

  @Field(() => String, {
    nullable: true,
    description: "What the other agent is shown; the tenant's label where absent.",
  })
  label?: string | null

  @Field(() => String, { nullable: true, description: 'What the tenant calls the connection.' })
  alias?: string | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: true,
    description:
      'Whether to go on by itself; else by acceptInvitation and acceptConnectionResponse. true where absent, whatever the tenant has set; null: as it has set autoAcceptConnections.',
  })
  autoAccept?: boolean | null
}
