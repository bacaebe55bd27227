import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql'
import { assertAllowed, ForAnyone, ForOperator, ForOperatorOrTenant, tenantIdOf } from '../graphql/access.js'
import { listPage } from '../graphql/list-page.js'
import { loaderOf } from '../graphql/loader.js'
import { PageArgs } from '../graphql/page.js'
import { JsonScalar, UrlScalar } from '../graphql/scalars.js'
import type { GraphContext } from '../graphql/viewer.js'
import { badInput, forbidden, notFound } from '../lib/errors.js'
import { checkOptional, checkText } from '../lib/text.js'
import { describeChoices } from './choices.js'
import type { TenantEndpoints } from './endpoints.js'
import { assertGives } from './given-scopes.js'
import { ownKeyOf } from './own-key.js'
import { type Policies, policySchema } from './policy.js'
import { settingsOf, settingsSchema } from './settings.js'
import {
  CreateTenantInput,
  CreateTenantTokenInput,
  DeleteTenantInput,
  TenantFilter,
  UpdateTenantInput,
} from './tenant.input.js'
import { readProfile, type Tenant, type TenantProfile, TOKEN_SCOPES, type TokenRecord } from './tenant.js'
import type { TenantService } from './tenant.service.js'
import {
  CreateTenantPayload,
  CreateTenantTokenPayload,
  DeleteTenantPayload,
  RevokeTenantTokenPayload,
  TenantPage,
  TenantStatePayload,
  TenantType,
  TokenInfoType,
  UpdateTenantPayload,
  ViewerType,
} from './tenant.type.js'
import type { TenantStore } from './tenant-store.js'
import type { Tokens } from './tokens.js'

@Resolver(() => TenantType)
export class TenantResolver {
  constructor(
    private readonly service: TenantService,
    private readonly store: TenantStore,
    private readonly uses: Tokens,
    private readonly policies: Policies,
    private readonly endpoints: TenantEndpoints,
  ) {}

  @ForAnyone()
  @Query(() => ViewerType, { description: '(anyone) Who the request is, as the gateway sees it.' })
  async viewer(@Ctx() { viewer }: GraphContext): Promise<ViewerType> {
    if (viewer.role !== 'TENANT') return { role: viewer.role, tenant: null, token: null }
    const tenant = await this.store.find(viewer.tenantId)
    const token = tenant?.tokens.find(({ id }) => id === viewer.tokenId)
    return { role: 'TENANT', tenant: tenant ?? null, token: token ? this.info(viewer.tenantId, token) : null }
  }

  @ForOperator('READ')
  @Query(() => TenantType, { nullable: true, description: '(operator) A tenant by its id, or by its name.' })
  async tenant(
    @Arg('id', () => ID, { nullable: true, description: 'Its id.' }) id?: string,
    @Arg('name', () => String, { nullable: true, description: 'Its name.' }) name?: string,
  ): Promise<Tenant | undefined> {
    if ((id == null) === (name == null)) throw badInput('Give id or name, one of them.', id == null ? 'id' : 'name')
    return id == null ? this.store.findByName(name as string) : this.store.find(id)
  }

  @ForOperator('READ')
  @Query(() => TenantPage, { description: '(operator) Tenants, ordered by creation time, oldest first.' })
  tenants(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => TenantFilter, { nullable: true, description: 'Which of them.' }) filter?: TenantFilter,
  ) {
    const wanted = Object.fromEntries(Object.entries(filter ?? {}).filter(([, condition]) => condition != null))
    return listPage(
      args,
      'tenants',
      (query) => this.store.list({ ...query, filter: wanted }),
      ({ entry }) => readProfile(entry.value),
    )
  }

  @ForOperator('TENANTS')
  @Mutation(() => CreateTenantPayload, {
    description: '(operator) Makes a tenant with a wallet, and its primary token.',
  })
  createTenant(
    @Arg('input', () => CreateTenantInput, { description: 'The tenant as it is to be.' }) input: CreateTenantInput,
  ): Promise<CreateTenantPayload> {
    checkText(input.name, 'input.name')
    checkOptional(input.label, 'input.label')
    checkOptional(input.groupId, 'input.groupId')
    checkOptional(input.idempotencyKey, 'input.idempotencyKey')
    return this.service.create({ ...input, ...this.endpointOf(input) })
  }

  @ForOperatorOrTenant('TENANTS', 'MANAGE')
  @Mutation(() => UpdateTenantPayload, {
    description:
      '(operator; a tenant with MANAGE on itself: label, imageUrl, settings; the rest FORBIDDEN) Changes a tenant.',
  })
  async updateTenant(
    @Arg('input', () => UpdateTenantInput, { description: 'The tenant, and what changes.' }) input: UpdateTenantInput,
    @Ctx() context: GraphContext,
  ): Promise<UpdateTenantPayload> {
    this.assertOwn(context, input.tenantId)
    if (context.viewer.role === 'TENANT') {
      for (const field of ['groupId', 'eventDispatch', 'endpoint', 'policy'] as const) {
        if (input[field] !== undefined) throw forbidden(`Only the operator changes ${field}.`)
      }
    }
    checkOptional(input.label, 'input.label')
    checkOptional(input.groupId, 'input.groupId')
    return { tenant: await this.service.update({ ...input, ...this.endpointOf(input) }) }
  }

  @ForOperatorOrTenant('TENANTS', 'MANAGE')
  @Mutation(() => DeleteTenantPayload, {
    description:
      '(operator; a tenant with MANAGE itself) Drains, withdraws its keys from relay and mediator, removes the wallet, its events, tokens and cache entries.',
  })
  async deleteTenant(
    @Arg('input', () => DeleteTenantInput, { description: 'The tenant to delete.' }) {
      tenantId,
      walletKey,
    }: DeleteTenantInput,
    @Ctx() context: GraphContext,
  ): Promise<DeleteTenantPayload> {
    this.assertOwn(context, tenantId)
    await this.service.delete(tenantId, walletKey, ownKeyOf(context.viewer, this.uses))
    return { deletedTenantId: tenantId }
  }

  @ForOperator('TENANTS')
  @Mutation(() => TenantStatePayload, {
    description:
      '(operator) Stops a tenant everywhere: its requests, subscriptions and outbound messages. What comes for it is kept sealed.',
  })
  async suspendTenant(
    @Arg('tenantId', () => ID, { description: 'The tenant to stop.' }) tenantId: string,
  ): Promise<TenantStatePayload> {
    return { tenant: await this.service.suspend(tenantId) }
  }

  @ForOperator('TENANTS')
  @Mutation(() => TenantStatePayload, {
    description: '(operator) Lets a suspended tenant go on, with all that has come for it meanwhile.',
  })
  async resumeTenant(
    @Arg('tenantId', () => ID, { description: 'The tenant to let go on.' }) tenantId: string,
  ): Promise<TenantStatePayload> {
    return { tenant: await this.service.resume(tenantId) }
  }

  @ForOperatorOrTenant('TENANTS', 'MANAGE')
  @Mutation(() => CreateTenantTokenPayload, {
    description:
      '(operator, or a tenant with MANAGE: at most its own scopes and the configured longest life) Makes a token.',
  })
  async createTenantToken(
    @Arg('input', () => CreateTenantTokenInput, { description: 'Whose it is, what it allows, and for how long.' })
    input: CreateTenantTokenInput,
    @Ctx() context: GraphContext,
  ): Promise<CreateTenantTokenPayload> {
    checkOptional(input.name, 'input.name')
    const { viewer } = context
    // Without scopes, or with null for them, a token would get them all.
    const scopes = input.scopes ?? TOKEN_SCOPES
    assertGives(viewer, scopes)
    const tenantId = this.tenantIdFrom(context, input.tenantId)
    const { token, info } = await this.service.createToken(tenantId, { ...input, scopes }, ownKeyOf(viewer, this.uses))
    return { token, info: this.info(tenantId, info) }
  }

  @ForOperatorOrTenant('TENANTS', 'MANAGE')
  @Mutation(() => RevokeTenantTokenPayload, {
    description: '(operator, or a tenant with MANAGE) Ends a token at once.',
  })
  async revokeTenantToken(
    @Ctx() context: GraphContext,
    @Arg('tokenId', () => ID, { description: 'The token to end.' }) tokenId: string,
    @Arg('tenantId', () => ID, { nullable: true, description: 'Required from an operator.' }) tenantId?: string,
  ): Promise<RevokeTenantTokenPayload> {
    await this.service.revokeToken(this.tenantIdFrom(context, tenantId), tokenId)
    return { revokedTokenId: tokenId }
  }

  // Whoever sees a tenant may: an operator, and the tenant itself in whatever state, by a token of whatever scopes.
  @FieldResolver(() => [TokenInfoType], {
    description: '(operator, or the tenant itself) Never the tokens themselves.',
  })
  async tokens(@Root() { id }: TenantProfile, @Ctx() context: GraphContext): Promise<TokenInfoType[]> {
    const tenant = await loaderOf(context, this.store, (ids) => this.store.findAll(ids)).load(id)
    return tenant?.tokens.map((token) => this.info(id, token)) ?? []
  }

  @FieldResolver(() => UrlScalar, {
    nullable: true,
    description: 'The endpoint that is its own; null where peers reach it at the one that all tenants share.',
  })
  endpoint(@Root() tenant: TenantProfile): string | null {
    return tenant.endpoint === null ? null : this.endpoints.urlOf(tenant)
  }

  @FieldResolver(() => JsonScalar, {
    description: `The tenant's own choices, all of them with their values. updateTenant changes them by key:\n${describeChoices(settingsSchema)}`,
  })
  settings(@Root() tenant: TenantProfile): Record<string, unknown> {
    return settingsOf(tenant)
  }

  @FieldResolver(() => JsonScalar, {
    description: `What the operator allows it, all of it with its values: its own, else those of DEFAULT_POLICY, else these defaults. updateTenant changes it by key:\n${describeChoices(policySchema)}`,
  })
  policy(@Root() tenant: TenantProfile): Record<string, unknown> {
    return { ...this.policies.of(tenant) }
  }

  private endpointOf({ endpoint }: { endpoint?: string | null }): { endpoint?: string | null } {
    return endpoint == null ? { endpoint } : { endpoint: this.endpoints.parse(endpoint) }
  }

  /** A tenant may name no other than itself; another's id is answered like one that does not exist. */
  private assertOwn(context: GraphContext, tenantId: string): void {
    if (context.viewer.role === 'TENANT' && tenantId !== context.viewer.tenantId) throw notFound('tenant')
  }

  private tenantIdFrom(context: GraphContext, tenantId: string | null | undefined): string {
    assertAllowed(context.viewer, { operator: 'TENANTS', tenant: 'MANAGE' })
    if (context.viewer.role === 'OPERATOR') {
      if (tenantId == null) throw badInput('Name the tenant.', 'input.tenantId')
      return tenantId
    }
    if (tenantId != null) this.assertOwn(context, tenantId)
    return tenantIdOf(context)
  }

  private info(tenantId: string, token: TokenRecord): TokenInfoType {
    const { id, name, scopes, issuedAt, expiresAt } = token
    const lastUsedAt = this.uses.lastUse(tenantId, token)
    return { id, name, scopes, createdAt: date(issuedAt), expiresAt: date(expiresAt), lastUsedAt: date(lastUsedAt) }
  }
}

function date(seconds: number): Date
function date(seconds: number | null): Date | null
function date(seconds: number | null): Date | null {
  return seconds === null ? null : new Date(seconds * 1000)
}
