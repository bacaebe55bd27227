import type { Session } from '@openwallet-foundation/askar-shared'
import { loadAskar } from '../../src/askar/index.js'
import type { TestStore } from './gateway.js'

/** Works on what lies in the base wallet of a store, past any gateway, in one transaction. */
export async function inBaseWallet<T>({ env }: TestStore, work: (session: Session) => Promise<T>): Promise<T> {
  // Before anything imports what uses it.
  await loadAskar({ binding: 'koffi' })
  const { BASE_PROFILE, WalletStore } = await import('../../src/storage/store.js')
  const location = env['DATABASE_URL']
    ? { databaseUrl: env['DATABASE_URL'] }
    : { file: `${env['DATA_DIR']}/wallets.db` }
  const opened = await WalletStore.open({ location, key: env['STORE_KEY'] as string, poolSize: 2 })
  try {
    return await opened.transaction(BASE_PROFILE, work)
  } finally {
    await opened.close()
  }
}

const META = { category: '_meta', name: 'store' }

const metaIn = async (session: Session) => JSON.parse((await session.fetch(META))?.value as string)

/** The format that a store says it is of. */
export async function formatOf(store: TestStore): Promise<number> {
  return (await inBaseWallet(store, metaIn)).format
}

/** Has a store say that it is of the format before that. @returns which that is */
export function lowerFormat(store: TestStore): Promise<number> {
  return inBaseWallet(store, async (session) => {
    const meta = await metaIn(session)
    const format = meta.format - 1
    await session.replace({ ...META, value: JSON.stringify({ ...meta, format }) })
    return format
  })
}
