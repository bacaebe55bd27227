import { loadAskar } from '../../src/askar/index.js'
import type { Profile } from '../../src/storage/profile.js'
import type { WalletStore } from '../../src/storage/store.js'
import { freshDatabase, tempDir } from '../support/services.js'

/** Both kinds of store; a test runs on each. */
export const KINDS = ['sqlite', 'postgres'] as const
export type Kind = (typeof KINDS)[number]

const KEY = '7vbGG3kM5vRLvrkHtRsAAZrG3CYUNuuTGJQgRSkMCkyN'
const PROFILE = 'wallet'

export interface StorePlace {
  store: WalletStore
  /** The profile of the test, as another process would have it: nothing that was read before is known to it. */
  profile(): Profile
  remove(): Promise<void>
}

/** A store of its own with one profile in it, that goes with the test. */
export async function openPlace(kind: Kind, poolSize = 6): Promise<StorePlace> {
  // Before anything imports what uses it.
  await loadAskar({ binding: 'koffi' })
  const { WalletStore } = await import('../../src/storage/store.js')
  const { Profile } = await import('../../src/storage/profile.js')
  const folder = tempDir()
  const database = kind === 'postgres' ? await freshDatabase() : undefined
  const location = database ? { databaseUrl: database.url } : { file: `${folder.path}/wallets.db` }
  const store = await WalletStore.open({ location, key: KEY, poolSize })
  await store.createProfile(PROFILE)
  return {
    store,
    profile: () => new Profile(store, PROFILE),
    async remove() {
      await store.close()
      await database?.drop()
      folder.remove()
    },
  }
}
