import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql'
import { DateTimeScalar } from '../graphql/scalars.js'
import type { OperatorScope as OperatorScopeName } from '../graphql/viewer.js'

export const OperatorScope = { READ: 'READ', TENANTS: 'TENANTS', ALL: 'ALL' } as const
registerEnumType(OperatorScope, {
  name: 'OperatorScope',
  description: 'What an operator key allows. Each contains those before it.',
  valuesConfig: {
    READ: { description: 'Queries and subscriptions.' },
    TENANTS: { description: 'Makes, changes, stops and deletes tenants, and their tokens.' },
    ALL: { description: 'Operator keys and the base wallet too.' },
  },
})

@ObjectType('OperatorKey', { description: 'A key of an operator; never the key itself.' })
export class OperatorKeyType {
  @Field(() => ID, { description: '`config-1` and so on for those of OPERATOR_API_KEYS, in their order.' })
  id!: string

  @Field(() => String, { description: 'Unique among operator keys.' })
  name!: string

  @Field(() => [OperatorScope], { description: 'What it allows.' })
  scopes!: readonly OperatorScopeName[]

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was made; null for OPERATOR_API_KEYS.' })
  createdAt!: Date | null

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it ends; null where it does not.' })
  expiresAt!: Date | null

  @Field(() => DateTimeScalar, { nullable: true, description: 'About when it was last used, within minutes.' })
  lastUsedAt!: Date | null
}

@InputType({ description: 'A new operator key.' })
export class CreateOperatorKeyInput {
  @Field(() => String, { description: 'Unique among operator keys; 1 to 255 characters.' })
  name!: string

  @Field(() => [OperatorScope], { description: 'What it allows.' })
  scopes!: OperatorScopeName[]

  @Field(() => Int, { nullable: true, description: 'Seconds; without it, or with null, the key has no end.' })
  expiresIn?: number | null
}

@ObjectType({ description: 'What createOperatorKey gives.' })
export class CreateOperatorKeyPayload {
  @Field(() => String, { description: 'The key, shown once.' })
  key!: string

  @Field(() => OperatorKeyType, { description: 'What is known of it.' })
  info!: OperatorKeyType
}

@ObjectType({ description: 'What revokeOperatorKey gives.' })
export class RevokeOperatorKeyPayload {
  @Field(() => ID, { description: 'The key that no longer holds.' })
  revokedKeyId!: string
}
