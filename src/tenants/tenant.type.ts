import { Field, ID, ObjectType, registerEnumType } from 'type-graphql'
import type { EventDispatch as Dispatch } from '../events/event.js'
import { EventType } from '../graphql/event.type.js'
import { pageType } from '../graphql/page.js'
import { DateTimeScalar, UrlScalar } from '../graphql/scalars.js'
import type {
  KeyMode as KeyModeName,
  TenantChange as TenantChangeName,
  TenantState as TenantStateName,
  TokenScope as TokenScopeName,
  WalletStorage as WalletStorageName,
} from './tenant.js'

export const Role = { OPERATOR: 'OPERATOR', TENANT: 'TENANT', ANONYMOUS: 'ANONYMOUS' } as const
registerEnumType(Role, {
  name: 'Role',
  description: 'Who a request is.',
  valuesConfig: {
    OPERATOR: { description: 'Manages tenants; has no wallet of its own.' },
    TENANT: { description: 'Has the whole function of its wallet, and nothing else.' },
    ANONYMOUS: { description: 'Sent no credentials.' },
  },
})

export const KeyMode = { MANAGED: 'MANAGED', UNMANAGED: 'UNMANAGED' } as const
registerEnumType(KeyMode, {
  name: 'KeyMode',
  description: 'Who has the key of a wallet.',
  valuesConfig: {
    MANAGED: { description: 'The gateway keeps it.' },
    UNMANAGED: { description: 'Only the tenant has it; the wallet is locked until it is given.' },
  },
})

export const WalletStorage = { PROFILE: 'PROFILE', STORE: 'STORE' } as const
registerEnumType(WalletStorage, {
  name: 'WalletStorage',
  description: 'Where a wallet lives.',
  valuesConfig: {
    PROFILE: { description: "A profile of the shared store, with a key of its own under the store's key." },
    STORE: { description: 'A store of its own (file or database schema) under the wallet key.' },
  },
})

export const EventDispatch = { DEFAULT: 'DEFAULT', BASE: 'BASE', BOTH: 'BOTH' } as const
registerEnumType(EventDispatch, {
  name: 'EventDispatch',
  description: "Who gets a tenant's events.",
  valuesConfig: {
    DEFAULT: { description: "The tenant's own stream." },
    BASE: { description: "The operator's base stream only." },
    BOTH: { description: 'Each of them.' },
  },
})

export const TenantState = { ACTIVE: 'ACTIVE', LOCKED: 'LOCKED', SUSPENDED: 'SUSPENDED', DELETING: 'DELETING' } as const
registerEnumType(TenantState, {
  name: 'TenantState',
  description: 'What state a tenant is in.',
  valuesConfig: {
    ACTIVE: { description: 'Its wallet is in use.' },
    LOCKED: { description: 'Its wallet waits for its key.' },
    SUSPENDED: { description: 'The operator has stopped it.' },
    DELETING: { description: 'It is being deleted; its tokens no longer hold.' },
  },
})

export const TokenScope = { READ: 'READ', WRITE: 'WRITE', MANAGE: 'MANAGE' } as const
registerEnumType(TokenScope, {
  name: 'TokenScope',
  description: 'What a token allows.',
  valuesConfig: {
    READ: { description: 'Queries and subscriptions.' },
    WRITE: { description: 'Mutations.' },
    MANAGE: { description: "The tenant's own tokens, settings and deletion." },
  },
})

export const TenantChange = {
  CREATED: 'CREATED',
  UPDATED: 'UPDATED',
  SUSPENDED: 'SUSPENDED',
  RESUMED: 'RESUMED',
  LOCKED: 'LOCKED',
  UNLOCKED: 'UNLOCKED',
  DELETED: 'DELETED',
  TOKEN_CREATED: 'TOKEN_CREATED',
  TOKEN_REVOKED: 'TOKEN_REVOKED',
} as const
registerEnumType(TenantChange, {
  name: 'TenantChange',
  description: 'What happened to a tenant.',
  valuesConfig: {
    CREATED: { description: 'It was made, with its primary token.' },
    UPDATED: { description: 'Its label, image, group, dispatch, endpoint, settings or policy changed.' },
    SUSPENDED: { description: 'The operator stopped it.' },
    RESUMED: { description: 'The operator let it go on.' },
    LOCKED: { description: 'Its wallet was locked.' },
    UNLOCKED: { description: 'Its wallet was unlocked.' },
    DELETED: { description: 'It is gone, with its wallet.' },
    TOKEN_CREATED: { description: 'It got a token.' },
    TOKEN_REVOKED: { description: 'It lost a token.' },
  },
})

@ObjectType('TokenInfo', { description: 'A token of a tenant; never the token itself.' })
export class TokenInfoType {
  @Field(() => ID, { description: 'The `jti` of the token.' })
  id!: string

  @Field(() => String, {
    nullable: true,
    description:
      'Null for the primary token, of which a tenant has at most one: making a new one ends the old one at once.',
  })
  name!: string | null

  @Field(() => [TokenScope], { description: 'What it allows.' })
  scopes!: TokenScopeName[]

  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt!: Date

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it ends; null where it does not.' })
  expiresAt!: Date | null

  @Field(() => DateTimeScalar, { nullable: true, description: 'About when it was last used, within minutes.' })
  lastUsedAt!: Date | null
}

@ObjectType('Tenant', { description: 'A customer of this gateway, with a wallet of its own.' })
export class TenantType {
  @Field(() => ID, { description: 'Never used again.' })
  id!: string

  @Field(() => String, { description: 'Unique among tenants.' })
  name!: string

  @Field(() => String, { description: 'What peers see of it.' })
  label!: string

  @Field(() => UrlScalar, { nullable: true, description: 'The picture that peers see.' })
  imageUrl!: string | null

  @Field(() => String, { nullable: true, description: 'A name that several tenants share, to find them by.' })
  groupId!: string | null

  @Field(() => KeyMode, { description: 'Who has the wallet key.' })
  keyMode!: KeyModeName

  @Field(() => WalletStorage, { description: 'Where the wallet lives.' })
  walletStorage!: WalletStorageName

  @Field(() => EventDispatch, { description: 'Who gets its events.' })
  eventDispatch!: Dispatch

  @Field(() => TenantState, { description: 'Whether it can be used.' })
  state!: TenantStateName

  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt!: string

  @Field(() => DateTimeScalar, { description: 'When it was last changed.' })
  updatedAt!: string
}

@ObjectType('Viewer', { description: 'Who a request is, as the gateway sees it.' })
export class ViewerType {
  @Field(() => Role, { description: 'Whose credentials it carries.' })
  role!: keyof typeof Role

  @Field(() => TenantType, { nullable: true, description: 'The tenant that a tenant token speaks for.' })
  tenant!: TenantType | null

  @Field(() => TokenInfoType, { nullable: true, description: 'The token that was used.' })
  token!: TokenInfoType | null
}

@ObjectType('BaseWallet', { description: 'The wallet that relays for all tenants.' })
export class BaseWalletType {
  @Field(() => [String], { description: 'Where peers reach every tenant of this gateway.' })
  endpoints!: string[]
}

export const TenantPage = pageType(() => TenantType, 'Tenant')

@ObjectType('TenantEvent', { implements: EventType, description: 'Something happened to the tenant itself.' })
export class TenantEventType extends EventType {
  @Field(() => TenantChange, { description: 'What happened.' })
  change!: TenantChangeName
}

@ObjectType({ description: 'What createTenant gives.' })
export class CreateTenantPayload {
  @Field(() => TenantType, { description: 'The new tenant.' })
  tenant!: TenantType

  @Field(() => String, { description: 'The primary token, shown once.' })
  token!: string
}

@ObjectType({ description: 'What updateTenant gives.' })
export class UpdateTenantPayload {
  @Field(() => TenantType, { description: 'The tenant as it is now.' })
  tenant!: TenantType
}

@ObjectType({ description: 'What deleteTenant gives.' })
export class DeleteTenantPayload {
  @Field(() => ID, { description: 'The id that is gone.' })
  deletedTenantId!: string
}

@ObjectType({ description: 'What createTenantToken gives.' })
export class CreateTenantTokenPayload {
  @Field(() => String, { description: 'The token, shown once.' })
  token!: string

  @Field(() => TokenInfoType, { description: 'What is known of it.' })
  info!: TokenInfoType
}

@ObjectType({ description: 'What revokeTenantToken gives.' })
export class RevokeTenantTokenPayload {
  @Field(() => ID, { description: 'The token that no longer holds.' })
  revokedTokenId!: string
}

@ObjectType({ description: 'A tenant after a change of its state.' })
export class TenantStatePayload {
  @Field(() => TenantType, { description: 'The tenant as it is now.' })
  tenant!: TenantType
}
