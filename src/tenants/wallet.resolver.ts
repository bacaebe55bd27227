import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from 'type-graphql'
import { ForOperatorOrTenant } from '../graphql/access.js'
import type { GraphContext } from '../graphql/viewer.js'
import { badInput, notFound } from '../lib/errors.js'
import { assertGives } from './given-scopes.js'
import { ownKeyOf } from './own-key.js'
import { WalletKeyDerivation } from './tenant.input.js'
import type { KeyMode as KeyModeName, TokenScope, WalletStorage as WalletStorageName } from './tenant.js'
import type { TenantService } from './tenant.service.js'
import { KeyMode, TenantType, WalletStorage } from './tenant.type.js'
import type { Tokens } from './tokens.js'

const PRESENT_KEY = "The key, or the passphrase, that an unmanaged wallet has now; a tenant's own token may carry it."
const TENANT_ID = "Required from an operator; a tenant's token with MANAGE speaks for its own."

@InputType({ description: 'A new key for a wallet.' })
export class RotateWalletKeyInput {
  @Field(() => ID, { nullable: true, description: TENANT_ID })
  tenantId?: string | null

  @Field(() => String, { nullable: true, description: PRESENT_KEY })
  walletKey?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'UNMANAGED: required. MANAGED with STORE: made if absent. PROFILE: BAD_USER_INPUT.',
  })
  newWalletKey?: string | null

  @Field(() => WalletKeyDerivation, { nullable: true, defaultValue: 'RAW', description: 'What newWalletKey is.' })
  newWalletKeyDerivation?: keyof typeof WalletKeyDerivation | null
}

@InputType({ description: 'Where a wallet is to lie, and who is to have its key.' })
export class MoveWalletInput extends RotateWalletKeyInput {
  @Field(() => KeyMode, { description: 'Who is to have the key.' })
  keyMode!: KeyModeName

  @Field(() => WalletStorage, {
    nullable: true,
    description: 'Where absent, as it is now; with another key mode PROFILE for MANAGED, STORE for UNMANAGED.',
  })
  walletStorage?: WalletStorageName | null
}

@ObjectType({ description: 'A tenant whose wallet has a new key.' })
export class WalletKeyPayload {
  @Field(() => TenantType, { description: 'The tenant as it is now.' })
  tenant!: TenantType

  @Field(() => String, {
    nullable: true,
    description:
      'Of an UNMANAGED tenant its new primary token, shown once: it carries the new key and has every scope, and all tokens from before have ended.',
  })
  token!: string | null
}

/** The key of a wallet, and where it lies. */
@Resolver()
export class WalletResolver {
  constructor(
    private readonly service: TenantService,
    private readonly tokens: Tokens,
  ) {}

  @ForOperatorOrTenant('TENANTS', 'MANAGE')
  @Mutation(() => WalletKeyPayload, {
    description:
      '(operator, or a tenant with MANAGE; where it is UNMANAGED with every scope) Encrypts the whole wallet anew under a new key; requests wait meanwhile. Cut by a crash, it has not happened and can be asked for again.',
  })
  async rotateWalletKey(
    @Arg('input', () => RotateWalletKeyInput, { description: 'The wallet, and its keys.' }) input: RotateWalletKeyInput,
    @Ctx() context: GraphContext,
  ): Promise<WalletKeyPayload> {
    return this.move(input, context)
  }

  @ForOperatorOrTenant('TENANTS', 'MANAGE')
  @Mutation(() => WalletKeyPayload, {
    description:
      '(operator, or a tenant with MANAGE; where it is to be UNMANAGED with every scope) Makes a managed wallet unmanaged or the other way round, or moves it between a profile and a store of its own. It moves whole, and its connections go on.',
  })
  async moveWallet(
    @Arg('input', () => MoveWalletInput, { description: 'The wallet, its keys, and where it is to lie.' })
    input: MoveWalletInput,
    @Ctx() context: GraphContext,
  ): Promise<WalletKeyPayload> {
    return this.move(input, context)
  }

  private move(input: RotateWalletKeyInput, context: GraphContext): Promise<WalletKeyPayload> {
    const { viewer } = context
    const mayGive = (scopes: readonly TokenScope[]) => assertGives(viewer, scopes)
    return this.service.move(tenantOf(context, input), input, mayGive, ownKeyOf(viewer, this.tokens))
  }
}

/** A tenant may name no other than itself; another's id is answered like one that does not exist. */
function tenantOf({ viewer }: GraphContext, { tenantId }: RotateWalletKeyInput): string {
  if (viewer.role === 'TENANT') {
    if (tenantId != null && tenantId !== viewer.tenantId) throw notFound('tenant')
    return viewer.tenantId
  }
  if (tenantId == null) throw badInput('Name the tenant.', 'input.tenantId')
  return tenantId
}
