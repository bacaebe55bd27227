import { Field, ID, InputType, ObjectType, registerEnumType } from 'type-graphql'
import { pageType } from '../graphql/page.js'
import { DateTimeScalar, JsonScalar } from '../graphql/scalars.js'
import type { ActorRole as ActorRoleName, AuditAction as AuditActionName, AuditDetails } from './audit.js'

/** Every action there is, with what it means. */
const ACTIONS: Record<AuditActionName, string> = {
  TENANT_CREATED: 'A tenant was made, with its primary token.',
  TENANT_UPDATED: 'Fields, settings or policy of a tenant changed: `changed` has their names.',
  TENANT_SUSPENDED: 'A tenant was stopped.',
  TENANT_RESUMED: 'A tenant was let go on.',
  TENANT_DELETED: 'The deletion of a tenant began; there is no way back from here.',
  TENANT_EXPORT_ORDERED: 'An archive of a tenant was ordered: it can be fetched once.',
  TENANT_EXPORTED: 'An archive was made of a tenant.',
  TENANT_IMPORT_ORDERED: 'The import of an archive was ordered: it can be sent once.',
  TENANT_IMPORTED: 'A tenant was made of an archive.',
  TOKEN_CREATED: 'A token was made.',
  TOKEN_REVOKED: 'A token was revoked.',
  WALLET_LOCKED: 'A wallet was locked.',
  WALLET_UNLOCKED: 'A wallet was unlocked.',
  WALLET_KEY_ROTATED: 'A wallet got a new key.',
  WALLET_MOVED: 'A wallet was moved to another place.',
  MEDIATOR_CONNECTED: 'The base wallet began to connect to a mediator.',
  MEDIATOR_CHOSEN: 'Another mediator, or none, became the default of the base wallet.',
  MEDIATOR_SYNCED: 'All keys were to be registered anew with a mediator of the base wallet.',
  OPERATOR_KEY_CREATED: 'An operator key was made.',
  OPERATOR_KEY_REVOKED: 'An operator key was revoked.',
  OPERATION_REFUSED: 'A mutation was FORBIDDEN to who asked for it.',
  CREDENTIALS_REFUSED: 'A wrong operator key was sent.',
}
export const AuditAction = Object.fromEntries(Object.keys(ACTIONS).map((name) => [name, name]))
registerEnumType(AuditAction, {
  name: 'AuditAction',
  description: 'What the audit log tells of.',
  valuesConfig: Object.fromEntries(Object.entries(ACTIONS).map(([name, description]) => [name, { description }])),
})

export const ActorRole = { OPERATOR: 'OPERATOR', TENANT: 'TENANT', GATEWAY: 'GATEWAY', ANONYMOUS: 'ANONYMOUS' } as const
registerEnumType(ActorRole, {
  name: 'ActorRole',
  description: 'Who did what the audit log tells of.',
  valuesConfig: {
    OPERATOR: { description: 'An operator, by a key.' },
    TENANT: { description: 'A tenant, by a token.' },
    GATEWAY: { description: 'The gateway by itself, or a command of its host.' },
    ANONYMOUS: { description: 'Someone without credentials that hold.' },
  },
})

@ObjectType('AuditActor', { description: 'Who did it.' })
export class AuditActorType {
  @Field(() => ActorRole, { description: 'In which role.' })
  role!: ActorRoleName

  @Field(() => ID, {
    nullable: true,
    description: "The operator key's id, the token's, or the subject of an outside issuer's token.",
  })
  id!: string | null
}

@ObjectType('AuditEntry', { description: 'Something that was done, or refused.' })
export class AuditEntryType {
  @Field(() => ID, { description: 'Never used again.' })
  id!: string

  @Field(() => DateTimeScalar, { description: 'When.' })
  at!: string

  @Field(() => AuditAction, { description: 'What.' })
  action!: AuditActionName

  @Field(() => ID, { nullable: true, description: 'To which tenant; it may be deleted since.' })
  tenantId!: string | null

  @Field(() => AuditActorType, { description: 'By whom.' })
  actor!: AuditActorType

  @Field(() => String, {
    nullable: true,
    description: 'The address that it was asked from. Of what an operator did, told to operators only.',
  })
  origin!: string | null

  @Field(() => JsonScalar, {
    description: 'More about it: ids, names of fields, of scopes and of operations, counts; never content.',
  })
  details!: AuditDetails
}

export const AuditPage = pageType(() => AuditEntryType, 'Audit')

@InputType({ description: 'Which entries of the audit log to list; all conditions hold.' })
export class AuditFilter {
  @Field(() => ID, { nullable: true, description: 'About this tenant.' })
  tenantId?: string | null

  @Field(() => AuditAction, { nullable: true, description: 'Of this kind.' })
  action?: AuditActionName | null

  @Field(() => ID, { nullable: true, description: 'Done by this one: the `id` of an actor.' })
  actor?: string | null

  @Field(() => DateTimeScalar, { nullable: true, description: 'From this time on.' })
  since?: string | null

  @Field(() => DateTimeScalar, { nullable: true, description: 'Before this time.' })
  until?: string | null
}
