import { randomBytes } from 'node:crypto'
import { badInput, conflict } from '../lib/errors.js'
import { newId } from '../lib/ids.js'
import { WrongKeyError } from '../storage/own-stores.js'
import type { Place } from '../storage/place.js'
import type { Places } from '../storage/places.js'
import type { Unit } from '../storage/unit.js'
import type { SparePlaces } from './spare-places.js'
import type { Derivation, KeyMode, Tenant, WalletStorage } from './tenant.js'
import type { Vault } from './vault.js'
import { derivationFor, keptKeys, newWalletKey, rawKeyOf, type WalletKeyDerivation, wrongKey } from './wallet-keys.js'

/** What is asked of a wallet. */
export interface WalletInput {
  keyMode?: KeyMode | null
  walletStorage?: WalletStorage | null
  walletKey?: string | null
  walletKeyDerivation?: WalletKeyDerivation | null
}

/** A wallet that is made and belongs to no tenant yet. */
export interface NewWallet {
  /** The id of the tenant that it is made for. */
  id: string
  keyMode: KeyMode
  place: Place
  derivation: Derivation | null
  /** Of a store of its own: the raw key, and what a client gave for it. */
  key?: string
  given?: string
  /** Whether its place is noted as one that is being made. */
  noted: boolean
}

/** Where a wallet is to lie, and who has its key. @throws BAD_USER_INPUT where that does not fit together */
export function checkWallet(input: WalletInput, field: string): { keyMode: KeyMode; storage: WalletStorage } {
  const keyMode = input.keyMode ?? 'MANAGED'
  const storage = input.walletStorage ?? (keyMode === 'UNMANAGED' ? 'STORE' : 'PROFILE')
  if (storage === 'PROFILE') {
    if (keyMode === 'UNMANAGED') {
      throw badInput('An unmanaged wallet is always a STORE. Leave walletStorage out.', 'input.walletStorage')
    }
    if (input.walletKey != null) throw badInput('A wallet in a profile takes no key of its own.', field)
  } else if (input.walletKey != null) derivationFor(input.walletKey, input.walletKeyDerivation ?? 'RAW', field)
  else if (keyMode === 'UNMANAGED') {
    throw badInput('An unmanaged wallet needs a key. The gateway does not keep it.', field)
  }
  return { keyMode, storage }
}

/** Makes tenants' wallets in their places, and removes them. */
export class TenantWallets {
  constructor(
    readonly places: Places,
    readonly vault: Vault,
    readonly spares: SparePlaces,
  ) {}

  /** Says where a new wallet is to lie; a store of its own is made. @throws BAD_USER_INPUT */
  async prepare(input: WalletInput, field = 'input.walletKey'): Promise<NewWallet> {
    const { keyMode, storage } = checkWallet(input, field)
    const id = newId()
    if (storage === 'PROFILE') {
      return { id, keyMode, place: { kind: 'PROFILE', profile: id }, derivation: null, noted: false }
    }
    const given = input.walletKey ?? newWalletKey()
    const kind = input.walletKey == null ? 'RAW' : (input.walletKeyDerivation ?? 'RAW')
    const derivation = derivationFor(given, kind, field)
    const key = (await rawKeyOf(given, derivation)) as string
    const store = randomBytes(16).toString('hex')
    const place: Place = { kind: 'STORE', store }
    await this.spares.reserve(place)
    await this.places.own.make(store, key)
    return { id, keyMode, place, derivation, key, given: input.walletKey ?? undefined, noted: true }
  }

  /**
   * Makes the profile of a new wallet, before its tenant is there, and outside of any unit: units of the base wallet wait for
   * each other. One that a crash leaves without a tenant is empty and never used.
   */
  async make({ place }: NewWallet): Promise<void> {
    if (place.kind === 'PROFILE') await this.places.shared.createProfile(place.profile)
  }

  /** Gives a tenant the wallet that was made for it, in the unit that makes the tenant. */
  async give(unit: Unit, wallet: NewWallet): Promise<void> {
    const { place, keyMode, key } = wallet
    if (!wallet.noted) return
    await this.spares.take(unit, place)
    if (place.kind === 'STORE' && keyMode === 'MANAGED' && key !== undefined) keptKeys.insert(unit, place.store, key)
  }

  /** Removes what was made for a tenant that did not come to be. */
  discard({ place }: NewWallet): Promise<void> {
    return this.spares.discard(place)
  }

  /**
   * Opens a tenant's new wallet. Where the tenant was there already, what was made for nothing goes, and the key must
   * be that of its wallet.
   * @param now the tenant as it is now, where it has changed since it was made: its wallet may lie elsewhere
   * @returns the tenant, and the raw key that its tokens carry
   * @throws CONFLICT
   */
  async open(tenant: Tenant, made: NewWallet, now = tenant): Promise<{ tenant: Tenant; tokenKey?: string }> {
    const { key, given } = made
    const isRepeat = tenant.id !== made.id
    const isUnmanaged = tenant.keyMode === 'UNMANAGED'
    if (isRepeat) await this.discard(made)
    if (!isRepeat && isUnmanaged && key !== undefined) {
      return { tenant: await this.vault.unlock(tenant, key), tokenKey: key }
    }
    if (!isRepeat || given === undefined) return { tenant }
    try {
      const tokenKey = await rawKeyOf(given, now.derivation)
      if (tokenKey === undefined) throw new WrongKeyError()
      await this.vault.check(now, tokenKey)
      return isUnmanaged ? { tenant, tokenKey } : { tenant }
    } catch (error) {
      if (!(error instanceof WrongKeyError)) throw error
      throw conflict('This idempotency key was used with another wallet key.', 'input.idempotencyKey')
    }
  }

  /** Does what needs the right key. @throws BAD_USER_INPUT, one for whatever is wrong with the key */
  async right<T>(field: string, key: string | undefined, work: (key: string) => Promise<T>): Promise<T> {
    if (key === undefined) throw wrongKey(field)
    try {
      return await work(key)
    } catch (error) {
      throw error instanceof WrongKeyError ? wrongKey(field) : error
    }
  }

  /** Removes a tenant's wallet with all that lies in it. */
  async remove({ id, place }: Tenant): Promise<void> {
    await this.vault.forget(id)
    await this.places.remove(place)
  }

  /** Takes away what the base wallet keeps of a wallet that is removed. */
  async forget(unit: Unit, { place }: Tenant): Promise<void> {
    if (place.kind === 'STORE') await keptKeys.remove(unit, place.store)
  }
}
