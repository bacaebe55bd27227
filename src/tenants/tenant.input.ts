import { Field, ID, InputType, Int, registerEnumType } from 'type-graphql'
import type { EventDispatch as Dispatch } from '../events/event.js'
import { JsonScalar, UrlScalar } from '../graphql/scalars.js'
import type {
  KeyMode as KeyModeName,
  TenantState as TenantStateName,
  TokenScope as TokenScopeName,
  WalletStorage as WalletStorageName,
} from './tenant.js'
import { EventDispatch, KeyMode, TenantState, TokenScope, WalletStorage } from './tenant.type.js'

export const WalletKeyDerivation = { RAW: 'RAW', ARGON2I_MOD: 'ARGON2I_MOD', ARGON2I_INT: 'ARGON2I_INT' } as const
registerEnumType(WalletKeyDerivation, {
  name: 'WalletKeyDerivation',
  description: 'How a wallet key is made from what is given.',
  valuesConfig: {
    RAW: { description: 'It is the key: base58 of 32 bytes.' },
    ARGON2I_MOD: { description: 'A passphrase, by Argon2i with moderate cost.' },
    ARGON2I_INT: { description: 'A passphrase, by Argon2i with interactive cost.' },
  },
})

const ENDPOINT =
  'A slug such as `acme`, for PUBLIC_URL/didcomm/t/acme, or the whole http or https URL of a domain that leads to this gateway; its path is empty, /didcomm or below that. Invitations and DID documents that are made from then on name it; what is sent there reaches this tenant alone. Unique among tenants: CONFLICT where it is taken.'

@InputType({ description: 'Which tenants to list; all conditions hold.' })
export class TenantFilter {
  @Field(() => String, { nullable: true, description: 'Exactly this name.' })
  name?: string | null

  @Field(() => String, { nullable: true, description: 'Exactly this label.' })
  label?: string | null

  @Field(() => String, { nullable: true, description: 'Exactly this group.' })
  groupId?: string | null

  @Field(() => TenantState, { nullable: true, description: 'In this state.' })
  state?: TenantStateName | null

  @Field(() => KeyMode, { nullable: true, description: 'With this key mode.' })
  keyMode?: KeyModeName | null
}

@InputType({ description: 'A new tenant.' })
export class CreateTenantInput {
  @Field(() => String, { description: 'Unique among tenants; 1 to 255 characters. updateTenant cannot change it.' })
  name!: string

  @Field(() => String, { nullable: true, description: 'What peers see; the name where absent.' })
  label?: string | null

  @Field(() => UrlScalar, { nullable: true, description: 'The picture that peers see.' })
  imageUrl?: string | null

  @Field(() => String, { nullable: true, description: 'A name that several tenants share, to find them by.' })
  groupId?: string | null

  @Field(() => KeyMode, { nullable: true, defaultValue: 'MANAGED', description: 'Who has the wallet key.' })
  keyMode?: KeyModeName | null

  @Field(() => WalletStorage, { nullable: true, description: 'PROFILE where absent; STORE for UNMANAGED.' })
  walletStorage?: WalletStorageName | null

  @Field(() => String, {
    nullable: true,
    description:
      'A base58 256-bit raw key, or a passphrase with walletKeyDerivation. UNMANAGED: required, never kept. MANAGED with STORE: made if absent, kept encrypted in the base wallet. PROFILE: BAD_USER_INPUT.',
  })
  walletKey?: string | null

  @Field(() => WalletKeyDerivation, { nullable: true, defaultValue: 'RAW', description: 'What walletKey is.' })
  walletKeyDerivation?: keyof typeof WalletKeyDerivation | null

  @Field(() => EventDispatch, { nullable: true, defaultValue: 'DEFAULT', description: 'Who gets its events.' })
  eventDispatch?: Dispatch | null

  @Field(() => String, {
    nullable: true,
    description: `Where peers reach it, if not at the endpoint that all tenants share. ${ENDPOINT}`,
  })
  endpoint?: string | null

  @Field(() => JsonScalar, { nullable: true, description: "The tenant's own choices, by key: see `Tenant.settings`." })
  settings?: Record<string, unknown> | null

  @Field(() => JsonScalar, { nullable: true, description: 'What the operator allows it, by key: see `Tenant.policy`.' })
  policy?: Record<string, unknown> | null

  @Field(() => String, {
    nullable: true,
    description: 'A repeat within 24 hours gives the same tenant, and the same token signed again.',
  })
  idempotencyKey?: string | null
}

@InputType({
  description:
    'Changes to a tenant: absent is unchanged, null clears. settings and policy merge by key; a null key goes back to its default.',
})
export class UpdateTenantInput {
  @Field(() => ID, { description: 'The tenant to change.' })
  tenantId!: string

  @Field(() => String, { nullable: true, description: 'What peers see.' })
  label?: string | null

  @Field(() => UrlScalar, { nullable: true, description: 'The picture that peers see.' })
  imageUrl?: string | null

  @Field(() => String, { nullable: true, description: "The group. The operator's." })
  groupId?: string | null

  @Field(() => EventDispatch, { nullable: true, description: "Who gets its events. The operator's." })
  eventDispatch?: Dispatch | null

  @Field(() => String, {
    nullable: true,
    description: `Where peers reach it; null for the endpoint that all tenants share. ${ENDPOINT} The one before is refused at once: peers that were given it, by an invitation or in a connection, no longer reach the tenant. The operator's.`,
  })
  endpoint?: string | null

  @Field(() => JsonScalar, { nullable: true, description: "The tenant's own choices, by key: see `Tenant.settings`." })
  settings?: Record<string, unknown> | null

  @Field(() => JsonScalar, {
    nullable: true,
    description: "What the operator allows it, by key: see `Tenant.policy`. The operator's.",
  })
  policy?: Record<string, unknown> | null
}

@InputType({ description: 'A tenant to delete.' })
export class DeleteTenantInput {
  @Field(() => ID, { description: 'The tenant to delete.' })
  tenantId!: string

  @Field(() => String, { nullable: true, description: 'UNMANAGED: required. Where given, it must be right.' })
  walletKey?: string | null
}

@InputType({ description: 'A new token.' })
export class CreateTenantTokenInput {
  @Field(() => ID, {
    nullable: true,
    description: "Required from an operator; a tenant's token with MANAGE makes its own.",
  })
  tenantId?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'UNMANAGED: required from an operator. Where given, it must be right.',
  })
  walletKey?: string | null

  @Field(() => String, { nullable: true, description: 'Absent for the primary token, which ends the one before.' })
  name?: string | null

  @Field(() => [TokenScope], {
    nullable: true,
    defaultValue: ['READ', 'WRITE', 'MANAGE'],
    description: "What it allows; from a tenant at most its own token's scopes.",
  })
  scopes?: TokenScopeName[] | null

  @Field(() => Int, {
    nullable: true,
    description: 'Seconds; the configured default where absent, null for no expiry where the configuration allows it.',
  })
  expiresIn?: number | null
}
