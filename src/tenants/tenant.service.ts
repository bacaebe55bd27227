import { type AuditDetails, audit } from '../audit/audit.js'
import type { EventDraft } from '../events/event.js'
import { badInput, conflict, notFound, quotaExceeded } from '../lib/errors.js'
import { newId } from '../lib/ids.js'
import { StoreError } from '../storage/errors.js'
import type { Profiles } from '../storage/profiles.js'
import type { Collector, Unit } from '../storage/unit.js'
import { type Chosen, mergeChoices } from './choices.js'
import { once } from './idempotency.js'
import type { Mover } from './mover.js'
import { policySchema } from './policy.js'
import { settingsSchema } from './settings.js'
import { stateOf, type Tenant, type TenantProfile, TOKEN_SCOPES, type TokenRecord, type TokenScope } from './tenant.js'
import type { TenantDeletion } from './tenant-deletion.js'
import type { AdoptTenant, CreateTenant, CreateToken, MoveWallet, UpdateTenant } from './tenant-requests.js'
import { readInUnit, type TenantStore } from './tenant-store.js'
import type { NewWallet, TenantWallets } from './tenant-wallets.js'
import type { Tokens } from './tokens.js'
import { rawKeyOf } from './wallet-keys.js'

/** How many tokens of a tenant hold at once: each change of one writes all of them. */
const TOKENS_MAX = 1000

/** How long tokens may live, in seconds; null for ever. */
export interface TokenLife {
  standard: number | null
  longest: number | null
}

/** The life of tenants: made, changed, given tokens, deleted. */
export class TenantService {
  /** Called once a tenant may go on. */
  onResumed: (tenantId: string) => void = () => {}

  constructor(
    private readonly store: TenantStore,
    private readonly tokens: Tokens,
    private readonly profiles: Profiles,
    private readonly wallets: TenantWallets,
    private readonly mover: Mover,
    private readonly deletion: TenantDeletion,
    private readonly journal: Collector<EventDraft>,
    private readonly life: TokenLife,
    /** Notes, before it is begun, that a crash would leave something of a tenant undone. */
    private readonly mark: (tenantId: string) => Promise<void>,
  ) {}

  /** Makes a tenant with its wallet. @returns it, and its primary token */
  async create(input: CreateTenant): Promise<{ tenant: Tenant; token: string }> {
    const chosen = {
      settings: mergeChoices(settingsSchema, {}, input.settings ?? {}, 'input.settings'),
      policy: mergeChoices(policySchema, {}, input.policy ?? {}, 'input.policy'),
    }
    const wallet = await this.wallets.prepare(input)
    await this.wallets.make(wallet)
    // What is kept of the input to know a repeat by says nothing of the key, but whether a managed wallet was given one.
    const { walletKey, ...rest } = input
    const known = walletKey != null && wallet.keyMode === 'MANAGED' ? { ...rest, hasKey: true } : rest
    const made = this.profiles.base.transact((unit) =>
      once(unit, 'createTenant', known, async () => {
        const token = this.tokenRecord(null, [...TOKEN_SCOPES], undefined)
        const draft = {
          ...draftTenant({ ...input, ...chosen }, wallet),
          ...(input.idempotencyKey ? { madeBy: input.idempotencyKey } : {}),
        }
        const tenant = await this.store.insert(unit, draft, { tokens: [token], lifecycle: 0 })
        await this.wallets.give(unit, wallet)
        return { tenant, token }
      }),
    )
    const { tenant, token } = await made.catch(async (error) => {
      // Where the store has failed the tenant may be there.
      if (!(error instanceof StoreError)) await this.wallets.discard(wallet)
      throw error
    })
    this.store.changed(tenant.id)
    if (tenant.id === wallet.id) this.profiles.made(tenant.id)
    const now = tenant.id === wallet.id ? tenant : await this.store.find(tenant.id)
    const opened = await this.wallets.open(tenant, wallet, now)
    return { tenant: opened.tenant, token: await this.tokens.sign(tenant.id, token, opened.tokenKey) }
  }

  /**
   * Makes a tenant of a wallet that is there already, and whatever else belongs to it, in one unit of the base wallet.
   * @returns it, and its primary token
   * @throws CONFLICT where it is here already, or its name is taken
   */
  async adopt(
    { id, suspended, ...input }: AdoptTenant,
    wallet: NewWallet,
    belongings: (unit: Unit) => Promise<{ queueing: boolean; details: AuditDetails }>,
  ): Promise<{ tenant: Tenant; token: string }> {
    const token = this.tokenRecord(null, [...TOKEN_SCOPES], undefined)
    const adopted = { ...wallet, id, noted: true }
    const made = await this.profiles.base.transact(async (unit) => {
      if (await readInUnit(unit, id)) throw conflict('This tenant is here already.')
      const { queueing, details } = await belongings(unit)
      const draft = draftTenant(input, adopted)
      const state = stateOf({ ...draft, suspended })
      const tenant = await this.store.insert(
        unit,
        { ...draft, suspended, state, queueing },
        { tokens: [token], lifecycle: 0 },
      )
      audit(unit, { action: 'TENANT_IMPORTED', tenantId: id, details })
      await this.wallets.give(unit, adopted)
      return tenant
    })
    this.store.changed(id)
    const { tenant, tokenKey } = await this.wallets.open(made, adopted)
    return { tenant, token: await this.tokens.sign(id, token, tokenKey) }
  }

  async update({ tenantId, ...input }: UpdateTenant): Promise<Tenant> {
    if (input.label === null || input.eventDispatch === null) {
      throw badInput(
        'label and eventDispatch cannot be cleared.',
        input.label === null ? 'input.label' : 'input.eventDispatch',
      )
    }
    const changes = Object.fromEntries(
      (['label', 'imageUrl', 'groupId', 'eventDispatch', 'endpoint'] as const).flatMap((field) =>
        input[field] === undefined ? [] : [[field, input[field]]],
      ),
    )
    return this.change(tenantId, (unit) =>
      this.store.update(unit, tenantId, 'UPDATED', (tenant) => {
        assertAlive(tenant)
        const settings = mergeChoices(settingsSchema, tenant.settings, input.settings ?? {}, 'input.settings')
        const policy = mergeChoices(policySchema, tenant.policy, input.policy ?? {}, 'input.policy')
        return { ...changes, settings, policy }
      }),
    )
  }

  /** `ownKey` gives the key that the caller's own token carries. */
  async createToken(
    tenantId: string,
    input: CreateToken,
    ownKey?: () => Promise<string | undefined>,
  ): Promise<{ token: string; info: TokenRecord }> {
    const walletKey = await this.keyFor(tenantId, input.walletKey, ownKey)
    const name = input.name ?? null
    const scopes = [...new Set(input.scopes ?? TOKEN_SCOPES)]
    if (scopes.length === 0) throw badInput('Name at least one scope.', 'input.scopes')
    const info = this.tokenRecord(name, scopes, input.expiresIn)
    const addToken = (tenant: Tenant) => {
      assertAlive(tenant)
      const current = tenant.tokens.filter(({ expiresAt }) => expiresAt === null || expiresAt > Date.now() / 1000)
      if (name !== null && current.some((other) => other.name === name)) {
        throw conflict('A token of this name exists. Revoke it first, or choose another name.', 'input.name')
      }
      if (name !== null && current.length >= TOKENS_MAX) {
        throw quotaExceeded(`A tenant has at most ${TOKENS_MAX} tokens. Revoke some, or give them a shorter life.`)
      }
      // A new primary token ends the old one at once.
      return [...current.filter((other) => name !== null || other.name !== null), info]
    }
    await this.change(tenantId, (unit) => this.store.updateTokens(unit, tenantId, 'TOKEN_CREATED', addToken))
    return { token: await this.tokens.sign(tenantId, info, walletKey), info }
  }

  async revokeToken(tenantId: string, tokenId: string): Promise<void> {
    const removeToken = (tenant: Tenant) => {
      assertAlive(tenant)
      if (!tenant.tokens.some(({ id }) => id === tokenId)) throw notFound('token')
      return tenant.tokens.filter(({ id }) => id !== tokenId)
    }
    await this.change(tenantId, (unit) => this.store.updateTokens(unit, tenantId, 'TOKEN_REVOKED', removeToken))
  }

  /** Notes when tokens were last used, all since the last time at once. */
  async noteTokenUse(): Promise<void> {
    const used = this.tokens.takeUses()
    if (used.size === 0) return
    await this.profiles.base.transact(async (unit) => {
      for (const [tenantId, uses] of used) await this.store.noteTokenUse(unit, tenantId, uses)
    })
  }

  /** Stops a tenant everywhere, until it is resumed. */
  suspend(tenantId: string): Promise<Tenant> {
    return this.change(tenantId, (unit) =>
      this.store.update(
        unit,
        tenantId,
        ({ suspended }) => (suspended ? undefined : 'SUSPENDED'),
        alive({ suspended: true }),
      ),
    )
  }

  /** Lets a suspended tenant go on, with all that has come for it. */
  async resume(tenantId: string): Promise<Tenant> {
    if (await this.store.find(tenantId)) await this.mark(tenantId)
    const tenant = await this.change(tenantId, (unit) =>
      this.store.update(
        unit,
        tenantId,
        ({ suspended }) => (suspended ? 'RESUMED' : undefined),
        alive({ suspended: false }),
      ),
    )
    this.onResumed(tenantId)
    return tenant
  }

  /** Opens the wallet of an unmanaged tenant. @throws BAD_USER_INPUT for a wrong key, CONFLICT for a managed tenant */
  async unlock(tenantId: string, walletKey: string): Promise<Tenant> {
    const tenant = await this.unmanaged(tenantId)
    const key = await rawKeyOf(walletKey, tenant.derivation)
    return this.wallets.right('walletKey', key, (right) => this.wallets.vault.unlock(tenant, right))
  }

  /** Locks the wallet of an unmanaged tenant until it is unlocked. */
  async lock(tenantId: string): Promise<Tenant> {
    await this.unmanaged(tenantId)
    const tenant = await this.wallets.vault.lock(tenantId)
    if (!tenant) throw notFound('tenant')
    return tenant
  }

  /**
   * Puts a wallet under a new key: it is copied to a new place of the kind that is asked for, and the old one removed.
   * @param assertGives throws where the caller may not give these scopes
   * @returns the tenant, and the one token that an unmanaged one has from then on: those before carry no key that opens
   */
  async move(
    tenantId: string,
    input: MoveWallet,
    assertGives: (scopes: readonly TokenScope[]) => void,
    ownKey?: () => Promise<string | undefined>,
  ): Promise<{ tenant: Tenant; token: string | null }> {
    const key = await this.keyFor(tenantId, input.walletKey, ownKey)
    const tenant = (await this.store.find(tenantId)) as Tenant
    const { newWalletKey: walletKey, newWalletKeyDerivation: walletKeyDerivation } = input
    const keyMode = input.keyMode ?? tenant.keyMode
    if (keyMode === 'UNMANAGED') assertGives(TOKEN_SCOPES)
    const isSameMode = keyMode === tenant.keyMode
    const walletStorage = input.walletStorage ?? (isSameMode ? tenant.walletStorage : undefined)
    const asked = { keyMode, walletStorage, walletKey, walletKeyDerivation }
    const wallet = await this.wallets.prepare(asked, 'input.newWalletKey')
    if (key !== undefined && !this.wallets.vault.isUnlocked(tenant)) await this.wallets.vault.unlock(tenant, key)
    const token = keyMode === 'UNMANAGED' ? this.tokenRecord(null, [...TOKEN_SCOPES], undefined) : undefined
    const moved = await this.mover.move(tenant, wallet, token)
    return { tenant: moved, token: token ? await this.tokens.sign(tenantId, token, wallet.key) : null }
  }

  /** Deletes a tenant, its wallet and all that is known of it. From the first step on its tokens no longer hold. */
  async delete(tenantId: string, walletKey?: string | null, ownKey?: () => Promise<string | undefined>): Promise<void> {
    await this.keyFor(tenantId, walletKey, ownKey)
    await this.deletion.delete(tenantId)
  }

  /**
   * The raw key that a new token of this tenant is to carry; of a managed one undefined. Where a key is given, it must
   * be right; an unmanaged tenant needs one, from the caller or in its own token.
   */
  async keyFor(
    tenantId: string,
    given: string | null | undefined,
    ownKey?: () => Promise<string | undefined>,
  ): Promise<string | undefined> {
    const tenant = await this.store.find(tenantId)
    if (!tenant || tenant.deleting) throw notFound('tenant')
    if (given == null && tenant.keyMode === 'MANAGED') return undefined
    if (tenant.place.kind === 'PROFILE') {
      throw badInput('Only a wallet in a store of its own has a key.', 'input.walletKey')
    }
    const key = given == null ? await ownKey?.() : await rawKeyOf(given, tenant.derivation)
    if (given == null && key === undefined) throw badInput('Give the key of the wallet.', 'input.walletKey')
    await this.wallets.right('input.walletKey', key, (right) => this.wallets.vault.check(tenant, right))
    return tenant.keyMode === 'UNMANAGED' ? key : undefined
  }

  private async unmanaged(tenantId: string): Promise<Tenant> {
    const tenant = await this.store.find(tenantId)
    if (!tenant) throw notFound('tenant')
    if (tenant.keyMode === 'MANAGED') throw conflict('The gateway keeps the key of this wallet: it is never locked.')
    return tenant
  }

  /** Brings a tenant's lifecycle events into its own log; does nothing where they all are there. */
  async copyLifecycle(tenant: Tenant): Promise<void> {
    const profile = this.profiles.of(tenant.id)
    // It only grows: what was known of it some time ago does.
    const { lifecycle } = profile.lastHead ?? (await profile.head())
    if (lifecycle >= tenant.lifecycle) return
    await profile.transact(async (unit) => {
      for (const draft of await this.store.lifecycleSince(tenant, unit.head.lifecycle)) unit.add(this.journal, draft)
      unit.head.lifecycle = Math.max(unit.head.lifecycle, tenant.lifecycle)
      unit.touch()
    })
  }

  private async change(tenantId: string, change: (unit: Unit) => Promise<Tenant | undefined>): Promise<Tenant> {
    const tenant = await this.profiles.base.transact(change)
    if (!tenant) throw notFound('tenant')
    this.store.changed(tenantId)
    return tenant
  }

  private tokenRecord(name: string | null, scopes: TokenScope[], expiresIn: number | null | undefined): TokenRecord {
    const { standard, longest } = this.life
    const life = expiresIn === undefined ? standard : expiresIn
    if (life === null && longest !== null) throw badInput('Tokens must end here. Give expiresIn.', 'input.expiresIn')
    if (life !== null && (life <= 0 || (longest !== null && life > longest))) {
      throw badInput(`expiresIn must be from 1 to ${longest ?? Number.MAX_SAFE_INTEGER} seconds.`, 'input.expiresIn')
    }
    const issuedAt = Math.floor(Date.now() / 1000)
    return { id: newId(), name, scopes, issuedAt, expiresAt: life === null ? null : issuedAt + life, lastUsedAt: null }
  }
}

/** One that is being deleted is answered like one that is gone. */
function assertAlive({ deleting }: TenantProfile): void {
  if (deleting) throw notFound('tenant')
}

const alive = (changes: Partial<TenantProfile>) => (tenant: Tenant) => {
  assertAlive(tenant)
  return changes
}

function draftTenant(
  input: CreateTenant & { settings: Chosen; policy: Chosen },
  { id, keyMode, place, derivation }: NewWallet,
): TenantProfile {
  const state = { deleting: false, suspended: false, held: false, openers: [], keyMode }
  return {
    ...state,
    id,
    name: input.name,
    label: input.label ?? input.name,
    imageUrl: input.imageUrl ?? null,
    groupId: input.groupId ?? null,
    walletStorage: place.kind,
    eventDispatch: input.eventDispatch ?? 'DEFAULT',
    endpoint: input.endpoint ?? null,
    state: stateOf(state),
    queueing: false,
    place,
    derivation,
    settings: input.settings,
    policy: input.policy,
    createdAt: '',
    updatedAt: '',
  }
}
