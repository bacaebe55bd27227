import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KdfMethod, Store, StoreKeyMethod } from '@openwallet-foundation/askar-shared'
import { Problem } from '../lib/problem.js'
import { Semaphore } from '../lib/semaphore.js'
import { StoreSessions } from './store-sessions.js'

/** How the key of a store is made of what it is opened with, as Askar names it. */
export const CREDO_DERIVATIONS = {
  RAW: KdfMethod.Raw,
  ARGON2I_MOD: KdfMethod.Argon2IMod,
  ARGON2I_INT: KdfMethod.Argon2IInt,
}

export interface CredoStoreOptions {
  /** `postgres://…` of its database, or the path of its SQLite file. */
  location: string
  key: string
  derivation: keyof typeof CREDO_DERIVATIONS
  /** Absent: the one of the agent that made the store. */
  profile?: string
  /** An empty folder: of a file a copy is opened, since to open one is to write to it. */
  folder: string
}

/** What agents of Credo 0.6 write: the version of their records. */
const STORAGE_VERSION = '0.5'
const VERSION = { category: 'StorageVersionRecord', name: 'STORAGE_VERSION_RECORD_ID' }
/** A tenant's profile is named after its record in the agent's own. */
const TENANT = /^tenant-(.+)$/

/** Askar's codes of a key that does not fit, and of one that is none. */
const BAD_KEY = [4, 5]
/** Parts of a SQLite database: what was committed may lie in the second one still. */
const PARTS = ['', '-wal']

/** Lends a wallet in a store of an agent on Credo and Askar; nothing is written there. @throws Problem */
export async function inCredoStore<T>(
  options: CredoStoreOptions,
  work: (sessions: StoreSessions, profile: string) => Promise<T>,
): Promise<T> {
  const store = await open(options)
  const holder = new Semaphore(1)
  const limits = { shared: false, places: new Semaphore(2), writers: new Semaphore(1), holderOf: () => holder }
  const sessions = new StoreSessions(store, limits)
  try {
    const own = await store.getDefaultProfile()
    const profile = options.profile ?? own
    const profiles = await sessions.listProfiles()
    if (!profiles.includes(profile))
      throw new Problem(`There is no profile ${profile}. There are: ${profiles.join(', ')}.`)
    assertVersion(await versionOf(sessions, own, profile))
    return await work(sessions, profile)
  } finally {
    await sessions.close()
  }
}

async function open({ location, key, derivation, folder }: CredoStoreOptions): Promise<Store> {
  const isPostgres = /^postgres(ql)?:\/\//.test(location)
  const uri = isPostgres ? location : `sqlite://${await copyOf(location, folder)}`
  try {
    return await Store.open({ uri, keyMethod: new StoreKeyMethod(CREDO_DERIVATIONS[derivation]), passKey: key })
  } catch (error) {
    if (BAD_KEY.includes((error as { code?: number }).code ?? 0)) {
      throw new Problem('The key does not open this store. Check it, and how it is derived.')
    }
    throw new Problem(
      isPostgres
        ? 'There is no store of Askar in this database, or it cannot be reached.'
        : `${location} is no store of Askar.`,
    )
  }
}

async function copyOf(file: string, folder: string): Promise<string> {
  const copy = join(folder, 'credo.db')
  for (const part of PARTS) {
    try {
      await copyFile(`${file}${part}`, `${copy}${part}`)
    } catch (error) {
      if (part === '') throw new Problem(`${file} cannot be read (${(error as { code?: string }).code}).`)
    }
  }
  return copy
}

/** The version of a wallet's records; undefined where no agent on Credo has written it. */
async function versionOf(sessions: StoreSessions, own: string, profile: string): Promise<string | undefined> {
  const read = (category: string, name: string) =>
    sessions.session(own, async (session) => {
      const row = await session.fetch({ category, name })
      return row ? (JSON.parse(row.value as string) as { storageVersion?: string }).storageVersion : undefined
    })
  const tenantId = profile === own ? undefined : TENANT.exec(profile)?.[1]
  const ofTenant = tenantId === undefined ? undefined : await read('TenantRecord', tenantId)
  return ofTenant ?? (await read(VERSION.category, VERSION.name))
}

function assertVersion(version: string | undefined): void {
  if (version === undefined) throw new Problem('This store holds no wallet of Credo.')
  if (version === STORAGE_VERSION) return
  throw new Problem(
    `The records of this wallet are of version ${version}; Credo 0.6 has ${STORAGE_VERSION}. Update them with its UpdateAssistant first.`,
  )
}
