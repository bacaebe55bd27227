import { randomBytes } from 'node:crypto'
import { base58Encode } from '../../src/lib/base58.js'
import { type AnyEvent, type ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { eventually } from '../support/talk.js'

/** A raw key: base58 of 32 bytes. */
export const newWalletKey = () => base58Encode(randomBytes(32))

export type Derivation = 'RAW' | 'ARGON2I_MOD' | 'ARGON2I_INT'

/** A tenant whose key the test has. */
export interface UnmanagedTenant extends TestTenant {
  walletKey: string
}

/** Makes an unmanaged tenant, with a raw key of its own unless the input says something else. */
export async function makeUnmanaged(url: string, input: Record<string, unknown> = {}): Promise<UnmanagedTenant> {
  const walletKey = newWalletKey()
  const wallet = { keyMode: 'UNMANAGED', walletKey, ...input }
  return { ...(await makeTenant(url, wallet)), walletKey: wallet.walletKey }
}

/** The same tenant at another gateway. */
export const at = <T extends TestTenant>(tenant: T, url: string): T => ({ ...tenant, client: tenant.client.at(url) })

/** What `viewer` tells of the tenant: it never opens the wallet. */
export async function wallet(client: ApiClient): Promise<{ state: string; queuedMessages: number }> {
  return (await client.ask('{ viewer { tenant { state queuedMessages } } }')).viewer.tenant
}

export const isLocked = async (client: ApiClient) => (await wallet(client)).state === 'LOCKED'

export const UNLOCK = 'mutation($key: String!) { unlockWallet(walletKey: $key) { tenant { state } } }'

export async function unlock({ client, walletKey }: UnmanagedTenant): Promise<string> {
  return (await client.ask(UNLOCK, { key: walletKey })).unlockWallet.tenant.state
}

export async function lock({ client }: TestTenant): Promise<string> {
  return (await client.ask('mutation { lockWallet { tenant { state } } }')).lockWallet.tenant.state
}

/** Something that needs the wallet. */
export const NEEDS_WALLET = '{ connections { nodes { id } } }'

/** Contents of the wallet's basic messages, oldest first, once there are so many. */
export async function contents(client: ApiClient, count: number, timeoutMs?: number): Promise<string[]> {
  return eventually(async () => {
    const { basicMessages } = await client.ask('{ basicMessages(last: 100) { nodes { content } } }')
    const found = basicMessages.nodes.map(({ content }: AnyEvent) => content)
    return found.length >= count && found
  }, timeoutMs)
}
