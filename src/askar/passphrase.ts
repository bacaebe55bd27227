import type { Argon2DerivePasswordOptions } from '@openwallet-foundation/askar-shared'
import { shared } from './shared.js'

/** Argon2i with libsodium's parameters: moderate (about half a second) or interactive (a fifth of it). */
export type PassphraseCost = 'MOD' | 'INT'

const PARAMETERS: Record<PassphraseCost, number> = { MOD: 0, INT: 1 }

/** What a binding has that need not hold up the process meanwhile. */
interface Aside {
  argon2Aside(options: Argon2DerivePasswordOptions): Promise<Uint8Array>
}

/**
 * Makes a key of a passphrase.
 * @param salt 16 bytes
 * @returns 32 bytes
 */
export async function keyFromPassphrase(
  passphrase: string,
  salt: Uint8Array,
  cost: PassphraseCost,
): Promise<Uint8Array> {
  const password = new TextEncoder().encode(passphrase)
  const options = { parameters: PARAMETERS[cost], password, salt }
  const askar = shared.askar as unknown as Partial<Aside> & typeof shared.askar
  try {
    return await (askar.argon2Aside ? askar.argon2Aside(options) : askar.argon2DerivePassword(options))
  } finally {
    password.fill(0)
  }
}
