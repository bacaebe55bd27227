import { randomBytes } from 'node:crypto'
import { keyFromPassphrase } from '../askar/passphrase.js'
import { base58Decode, base58Encode } from '../lib/base58.js'
import { badInput } from '../lib/errors.js'
import { Semaphore } from '../lib/semaphore.js'
import type { Profile } from '../storage/profile.js'
import type { Unit } from '../storage/unit.js'
import type { Derivation } from './tenant.js'

export type WalletKeyDerivation = 'RAW' | 'ARGON2I_MOD' | 'ARGON2I_INT'

const KEY_BYTES = 32
const SALT_BYTES = 16
/** The longest passphrase (characters). */
const PASSPHRASE_MAX = 1024

/** Each derivation takes 64 MiB or more, and a core: one at a time, wallet by wallet in turn. */
const deriving = new Semaphore(1)

/** A random raw key: base58 of 32 bytes. */
export const newWalletKey = () => base58Encode(randomBytes(KEY_BYTES))

/** One answer to whatever is wrong with a key, whether the wallet is open or not. */
export const wrongKey = (field: string) => badInput('This key does not open the wallet.', field)

/** How the key of a new wallet is made from what is given. @throws BAD_USER_INPUT for a raw key that is none */
export function derivationFor(given: string, kind: WalletKeyDerivation, field: string): Derivation | null {
  if (kind === 'RAW') {
    if (isRawKey(given)) return null
    throw badInput('Give a raw key, base58 of 32 bytes, or a passphrase with walletKeyDerivation.', field)
  }
  if (given.length === 0 || given.length > PASSPHRASE_MAX) {
    throw badInput(`A passphrase has 1 to ${PASSPHRASE_MAX} characters.`, field)
  }
  const salt = randomBytes(SALT_BYTES).toString('base64url')
  return { cost: kind === 'ARGON2I_MOD' ? 'MOD' : 'INT', salt }
}

/** The raw key that is given, or made of the passphrase that is given. @returns undefined where it is no key */
export async function rawKeyOf(given: string, derivation: Derivation | null): Promise<string | undefined> {
  if (!derivation) return isRawKey(given) ? given : undefined
  if (given.length > PASSPHRASE_MAX) return undefined
  const salt = Buffer.from(derivation.salt, 'base64url')
  const key = await deriving.use(() => keyFromPassphrase(given, salt, derivation.cost), { key: derivation.salt })
  const text = base58Encode(key)
  key.fill(0)
  return text
}

export function isRawKey(text: string): boolean {
  if (text.length > 60) return false
  try {
    const key = base58Decode(text)
    const isKey = key.length === KEY_BYTES
    key.fill(0)
    return isKey
  } catch {
    return false
  }
}

/** Where the kept keys lie, in the base wallet. */
export const KEPT_KEYS = 'wallet-key'

/** Keys of managed wallets in stores of their own, by the store: encrypted in the base wallet. */
export const keptKeys = {
  async find(base: Profile, store: string): Promise<string | undefined> {
    const entry = await base.fetch(KEPT_KEYS, store)
    return entry && (JSON.parse(entry.value) as string)
  },
  insert(unit: Unit, store: string, key: string): void {
    unit.insert({ category: KEPT_KEYS, name: store, value: JSON.stringify(key), tags: {} })
  },
  async remove(unit: Unit, store: string): Promise<void> {
    await unit.remove(KEPT_KEYS, store)
  },
}
