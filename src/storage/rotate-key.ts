import type { Session, Store } from '@openwallet-foundation/askar-shared'
import { Problem } from '../lib/problem.js'
import type { Database } from './database.js'
import { HEAD_CATEGORY, HEAD_NAME } from './head.js'
import { openByAny } from './open-by-any.js'
import { BASE_PROFILE } from './store.js'
import { accessBy } from './store-sessions.js'

export interface Rotation {
  database: Database
  oldKey: string
  newKey: string
  /** Rejects where somebody uses the store. Gets a session of the base wallet. */
  assertUnused: (base: Session) => Promise<void>
  /** Called as the work goes on; `total` profiles are read to prove that the new key opens each. */
  told: { rekeying(): void; verifying(total: number): (profiles: number) => void }
}

/**
 * Puts the shared store under a new key: each profile's own key is sealed anew, all in one transaction, so that the store
 * is under one of the two keys at any moment. What is under the new key already is only verified. Nobody may use the
 * store meanwhile: a running instance would seal keys of new profiles by the old one, and they would be lost.
 */
export async function rotateKey({ database, oldKey, newKey, assertUnused, told }: Rotation): Promise<void> {
  await database.exclusively(async () => {
    const { store, key } = await openByAny(database.uri, [newKey, oldKey])
    try {
      await inSession(store, BASE_PROFILE, assertUnused)
      if (key !== newKey) {
        told.rekeying()
        await store.rekey(accessBy(newKey))
      }
    } finally {
      await store.close()
    }
    await verify(database.uri, newKey, told.verifying)
  })
}

/** Opens the store anew, and reads something of every profile. */
async function verify(uri: string, key: string, verifying: Rotation['told']['verifying']): Promise<void> {
  const { store } = await openByAny(uri, [key])
  try {
    const profiles = await store.listProfiles()
    const told = verifying(profiles.length)
    for (const profile of profiles) {
      await inSession(store, profile, (session) => session.fetch({ category: HEAD_CATEGORY, name: HEAD_NAME })).catch(
        () => {
          throw new Problem(
            `The profile ${profile} does not open by the new key. Keep both keys, and restore a backup by the old one.`,
          )
        },
      )
      told(1)
    }
  } finally {
    await store.close()
  }
}

async function inSession<T>(store: Store, profile: string, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await store.session(profile).open()
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}
