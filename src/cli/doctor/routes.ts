import { type EntryObject, KeyAlgorithm } from '@openwallet-foundation/askar-shared'
import { keysOfDid, keysOfInvitation } from '../../agent/recipient-keys.js'
import { base58Encode } from '../../lib/base58.js'
import { ROUTES } from '../../relay/routes.js'
import type { Tags } from '../../storage/entry.js'
import { BASE_PROFILE } from '../../storage/store.js'
import type { TenantProfile } from '../../tenants/tenant.js'
import { counted, type Findings, someOf } from './finding.js'
import type { OpenedWallet } from './store.js'
import type { Wallets } from './tenants.js'

/** Whom a recipient key should lead to, or leads to. */
interface Route {
  key: string
  owner: string
}

export interface RoutesOptions {
  /** No gateway keeps in memory what would be changed behind its back. */
  canWrite: boolean
  /** How many wallets are opened. */
  most: number
}

/** Each recipient key leads to a tenant that has it, and each that a wallet is reached by leads to it. */
export async function examineRoutes(wallets: Wallets, found: Findings, options: RoutesOptions): Promise<void> {
  const before = found.list.length
  await examineOwners(wallets, found, options)
  const looked = await examineKeys(wallets, found, options)
  if (found.list.length > before) return
  const all =
    looked.opened === looked.all ? 'its key in its wallet' : `${looked.opened} of ${looked.all} wallets looked into`
  found.ok('routes', `${counted(wallets.routes.size, 'recipient key')}, each of a tenant, ${all}`)
}

async function examineOwners(wallets: Wallets, found: Findings, { canWrite }: RoutesOptions): Promise<void> {
  const lost: string[] = []
  for (const [key, owner] of wallets.routes) {
    // The base wallet has keys of its own.
    if (owner === BASE_PROFILE) continue
    // A tenant that went meanwhile has taken its routes with it.
    if (!wallets.tenants.has(owner) && (await wallets.inBase(ROUTES, key))) lost.push(key)
  }
  if (lost.length === 0) return
  found.warn(
    'routes',
    `${counted(lost.length, 'recipient key')} of tenants that are gone: ${someOf(lost)}`,
    'What is sent to them is refused either way. Stop every gateway and run tenantry doctor --fix to remove them.',
    canWrite ? { does: 'remove routes to nobody', run: () => removeRoutes(wallets, lost) } : undefined,
  )
}

async function examineKeys(
  wallets: Wallets,
  found: Findings,
  { canWrite, most }: RoutesOptions,
): Promise<{ opened: number; all: number }> {
  const routed = new Map<string, string[]>()
  for (const [key, owner] of wallets.routes) routed.set(owner, [...(routed.get(owner) ?? []), key])
  const missing: Route[] = []
  const empty: Route[] = []
  const look = (owner: string) => async (wallet: OpenedWallet) => {
    for (const key of await reachedBy(wallet)) {
      // It may have come, or the tenant gone, since routes were read.
      if (wallets.routes.get(key) !== owner && (await isMissing(wallets, key, owner))) missing.push({ key, owner })
    }
    const keys = await keysIn(wallet)
    for (const key of routed.get(owner) ?? []) if (!keys.has(key)) empty.push({ key, owner })
  }
  await look(BASE_PROFILE)(wallets.store.wallet(BASE_PROFILE))
  let opened = 0
  for (const tenant of wallets.tenants.values()) {
    if (opened >= most) break
    if (await lookedInto(wallets, tenant, look(tenant.id))) opened += 1
  }
  if (missing.length > 0) {
    found.wrong(
      'routes',
      `${counted(missing.length, 'recipient key')} of ${ownersOf(missing)} without a route: ${someOf(missing.map(({ key }) => key))}`,
      'Peers that send to them are refused. Stop every gateway and run tenantry doctor --fix to have them lead to their wallets.',
      canWrite ? { does: 'register recipient keys', run: () => addRoutes(wallets, missing) } : undefined,
    )
  }
  if (empty.length > 0) {
    found.warn(
      'routes',
      `${counted(empty.length, 'recipient key')} with a route to a wallet that lacks the key: ${someOf(empty.map(({ key }) => key))}`,
      'A crash leaves such, which nobody knows. If peers use them, part of the wallet is lost: restore a backup. Else stop every gateway and run tenantry doctor --fix to remove them.',
      canWrite
        ? {
            does: 'remove routes to missing keys',
            run: () =>
              removeRoutes(
                wallets,
                empty.map(({ key }) => key),
              ),
          }
        : undefined,
    )
  }
  return { opened, all: wallets.tenants.size }
}

/** @returns whether the wallet could be looked into: of some only the tenant has the key, and some have just gone */
async function lookedInto(
  wallets: Wallets,
  tenant: TenantProfile,
  look: (wallet: OpenedWallet) => Promise<void>,
): Promise<boolean> {
  if (tenant.deleting) return false
  let isIn = false
  await wallets
    .open(tenant, async (wallet) => {
      await look(wallet)
      isIn = true
    })
    .catch(() => {})
  return isIn
}

/** The keys by which peers reach a wallet, as its records have them. */
async function reachedBy(wallet: OpenedWallet): Promise<Set<string>> {
  const keys = new Set<string>()
  for (const [category, keysOf] of [
    ['DidRecord', keysOfDid],
    ['OutOfBandRecord', keysOfInvitation],
  ] as const) {
    for await (const entry of wallet.entries(category)) {
      for (const key of keysOf(JSON.parse(entry.value as string), tagsOf(entry))) keys.add(key)
    }
  }
  return keys
}

const tagsOf = ({ tags }: EntryObject) => (tags ?? {}) as Tags

/** The keys of Ed25519 in a wallet, in base58 of what is public of them. */
function keysIn(wallet: OpenedWallet): Promise<Set<string>> {
  return wallet.session(async (session) => {
    const keys = new Set<string>()
    for (const { key } of await session.fetchAllKeys({ algorithm: KeyAlgorithm.Ed25519 })) {
      keys.add(base58Encode(key.publicBytes))
      key.handle.free()
    }
    return keys
  })
}

async function isMissing(wallets: Wallets, key: string, owner: string): Promise<boolean> {
  const entry = await wallets.inBase(ROUTES, key)
  return !entry || JSON.parse(entry.value as string) !== owner
}

function ownersOf(routes: readonly Route[]): string {
  const owners = [...new Set(routes.map(({ owner }) => owner))]
  return owners.length === 1 ? `${owners[0]}` : counted(owners.length, 'wallet')
}

function removeRoutes({ store }: Wallets, keys: readonly string[]): Promise<void> {
  return store.inBase(async (session) => {
    for (const name of keys) await session.remove({ category: ROUTES, name })
  })
}

/** A key that leads to somebody else is left as it is: two cannot have it. */
function addRoutes({ store }: Wallets, routes: readonly Route[]): Promise<void> {
  return store.inBase(async (session) => {
    for (const { key: name, owner } of routes) {
      if (await session.fetch({ category: ROUTES, name })) continue
      await session.insert({ category: ROUTES, name, value: JSON.stringify(owner), tags: { tenant: owner } })
    }
  })
}
