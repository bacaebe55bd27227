import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { loadAskar } from '../askar/index.js'
import { ConfigError } from '../config/config-error.js'
import { base58Decode, base58Encode } from '../lib/base58.js'
import { newId } from '../lib/ids.js'
import { version } from '../lib/version.js'
import type { CredoStoreOptions } from '../storage/credo-store.js'
import type { TravelStores } from '../storage/travel-stores.js'
import { ARCHIVE_FORMAT, packArchive, type TenantManifest } from '../tenants/tenant-archive.js'
import { counting } from './progress.js'
import {
  addSecretOption,
  addWalletOptions,
  gatewayOf,
  secretOf,
  tellImported,
  walletInputOf,
} from './tenant-options.js'

const DERIVATIONS = ['ARGON2I_MOD', 'ARGON2I_INT', 'RAW']

interface ImportCredoOptions {
  url: string
  store: string
  storeKeyDerivation: CredoStoreOptions['derivation']
  profile?: string
  name?: string
  label?: string
  suspended?: true
}

/** `tenantry tenant import-credo`: packs the wallet of an agent on Credo as any tenant is packed, and has it imported. */
export function importCredoCommand(): Command {
  const command = new Command('import-credo')
    .description('make a tenant of the wallet of an agent on Credo 0.6 and Askar, which must not run meanwhile')
    .requiredOption('--url <url>', 'the gateway')
    .requiredOption('--store <file or url>', "the agent's store: a SQLite file, or postgres://… of its database")
    .option('--profile <name>', 'the wallet in that store; the one of the agent itself where absent')
    .addOption(
      new Option('--store-key-derivation <kind>', 'how the store is opened by its key')
        .choices(DERIVATIONS)
        .default('ARGON2I_MOD'),
    )
    .option('--label <label>', 'what peers are to see; the name where absent')
    .option('--suspended', 'let it wait until it is resumed')
  addWalletOptions(command)
  addSecretOption(command, 'OPERATOR_KEY', 'the operator key')
  addSecretOption(command, 'CREDO_STORE_KEY', "the key of the agent's store")
  addSecretOption(command, 'WALLET_KEY', 'the key that the wallet is to have')
  return command.action(() => importCredo(command))
}

async function importCredo(command: Command): Promise<void> {
  const options = command.opts<ImportCredoOptions>()
  const gateway = gatewayOf(command, options.url, 'OPERATOR_KEY')
  const key = secretOf(command, 'CREDO_STORE_KEY')
  if (key === undefined) throw new ConfigError('CREDO_STORE_KEY', "give the key of the agent's store")
  await loadAskar({ binding: 'koffi' })
  const { TravelStores } = await import('../storage/travel-stores.js')
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-'))
  const travelling = new TravelStores(folder, 'import', async () => true)
  try {
    const { manifest, name } = await copy(options, key, folder, travelling)
    const exportKey = base58Encode(randomBytes(32))
    const { length, bytes } = packArchive(base58Decode(exportKey), {
      manifest,
      queue: [],
      store: travelling.read(name),
    })
    const input = { exportKey, suspended: options.suspended, ...walletInputOf(command) }
    tellImported(await gateway.importTenant(input, counting('Importing', length, bytes)))
  } finally {
    await travelling.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Copies the wallet as it is: the gateway gives it what its own have beside. */
async function copy(
  { store: location, storeKeyDerivation: derivation, profile, name, label }: ImportCredoOptions,
  key: string,
  folder: string,
  travelling: TravelStores,
): Promise<{ manifest: TenantManifest; name: string }> {
  const { inCredoStore } = await import('../storage/credo-store.js')
  const travel = await travelling.make()
  const copied = await inCredoStore({ location, key, derivation, profile, folder }, (source, sourceProfile) =>
    travelling.use(travel, async (target, targetProfile) => {
      await source.copyProfile(sourceProfile, target, targetProfile)
      return { sourceProfile, entries: await target.session(targetProfile, (session) => session.count({})) }
    }),
  )
  const createdAt = new Date().toISOString()
  const tenantName = name ?? copied.sourceProfile
  const manifest: TenantManifest = {
    format: ARCHIVE_FORMAT,
    storeFormat: 0,
    version,
    createdAt,
    id: newId(),
    publicUrl: null,
    tenant: {
      ...{ id: newId(), name: tenantName, label: label ?? tenantName, imageUrl: null, groupId: null },
      ...{
        keyMode: 'MANAGED',
        walletStorage: 'PROFILE',
        eventDispatch: 'DEFAULT',
        endpoint: null,
        settings: {},
        policy: {},
        createdAt,
      },
    },
    recipientKeys: [],
    entries: copied.entries,
    queued: 0,
    lifecycleEventsLeft: 0,
    store: { key: travel.key, ...(await travelling.measure(travel.name)) },
  }
  return { manifest, name: travel.name }
}
