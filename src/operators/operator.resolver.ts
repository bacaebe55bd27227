import { Arg, Ctx, FieldResolver, ID, Mutation, Query, Resolver } from 'type-graphql'
import { ForOperator } from '../graphql/access.js'
import type { GraphContext } from '../graphql/viewer.js'
import { checkText } from '../lib/text.js'
import { ViewerType } from '../tenants/tenant.type.js'
import {
  CreateOperatorKeyInput,
  CreateOperatorKeyPayload,
  OperatorKeyType,
  RevokeOperatorKeyPayload,
} from './operator.type.js'
import type { OperatorKey, OperatorKeys } from './operator-keys.js'

@Resolver(() => ViewerType)
export class OperatorResolver {
  constructor(private readonly keys: OperatorKeys) {}

  @FieldResolver(() => OperatorKeyType, { nullable: true, description: 'The key that an operator used.' })
  async operatorKey(@Ctx() { viewer }: GraphContext): Promise<OperatorKeyType | null> {
    if (viewer.role !== 'OPERATOR') return null
    const key = (await this.keys.list()).find(({ keyId }) => keyId === viewer.operatorKey.keyId)
    return key ? view(key) : null
  }

  @ForOperator('READ')
  @Query(() => [OperatorKeyType], {
    description: '(operator) The keys of operators, with those that this instance has by OPERATOR_API_KEYS.',
  })
  async operatorKeys(): Promise<OperatorKeyType[]> {
    return (await this.keys.list()).map(view)
  }

  @ForOperator('ALL')
  @Mutation(() => CreateOperatorKeyPayload, { description: '(operator with ALL) Makes an operator key.' })
  async createOperatorKey(
    @Arg('input', () => CreateOperatorKeyInput, { description: 'What it allows, and for how long.' })
    input: CreateOperatorKeyInput,
  ): Promise<CreateOperatorKeyPayload> {
    checkText(input.name, 'input.name')
    const { key, info } = await this.keys.create(input)
    return { key, info: view(info) }
  }

  @ForOperator('ALL')
  @Mutation(() => RevokeOperatorKeyPayload, {
    description:
      '(operator with ALL) Ends an operator key at once, with the streams that it opened. Those of OPERATOR_API_KEYS end with the configuration, not by this.',
  })
  async revokeOperatorKey(
    @Arg('keyId', () => ID, { description: 'The key to end.' }) keyId: string,
  ): Promise<RevokeOperatorKeyPayload> {
    await this.keys.revoke(keyId)
    return { revokedKeyId: keyId }
  }
}

function view({ keyId, name, scopes, createdAt, expiresAt, lastUsedAt }: OperatorKey): OperatorKeyType {
  return {
    id: keyId,
    name,
    scopes,
    createdAt: date(createdAt),
    expiresAt: date(expiresAt),
    lastUsedAt: date(lastUsedAt),
  }
}

const date = (seconds: number | null) => (seconds === null ? null : new Date(seconds * 1000))
