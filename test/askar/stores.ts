import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Session, Store } from '@openwallet-foundation/askar-shared'
import { shared } from '../../src/askar/index.js'

export type Backend = 'sqlite' | 'postgres'

/** The server that test databases are made on; a test makes and drops its own. */
const postgresServer = process.env['TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432'

export interface TestStore extends AsyncDisposable {
  readonly store: Store
  readonly uri: string
  readonly passKey: string
}

export const rawKeyMethod = () => new shared.StoreKeyMethod(shared.KdfMethod.Raw)

/** A new place for a store, and how to clear it away. */
export async function storePlace(backend: Backend): Promise<{ uri: string } & AsyncDisposable> {
  if (backend === 'postgres') {
    const url = new URL(postgresServer)
    url.pathname = `/askar_test_${randomUUID().replaceAll('-', '')}`
    url.searchParams.set('admin_account', url.username)
    if (url.password) url.searchParams.set('admin_password', url.password)
    const uri = url.toString()
    return {
      uri,
      async [Symbol.asyncDispose]() {
        await shared.Store.remove(uri)
      },
    }
  }
  const folder = await mkdtemp(join(tmpdir(), 'askar-test-'))
  return {
    uri: `sqlite://${folder}/store.db?max_connections=32`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** A new store under a raw key; disposing closes and removes it. */
export async function createStore(backend: Backend): Promise<TestStore> {
  const place = await storePlace(backend)
  const passKey = shared.Store.generateRawKey()
  const store = await shared.Store.provision({ uri: place.uri, recreate: false, passKey, keyMethod: rawKeyMethod() })
  return {
    store,
    uri: place.uri,
    passKey,
    async [Symbol.asyncDispose]() {
      await store.close()
      await place[Symbol.asyncDispose]()
    },
  }
}

/** A session for the length of `work`, in the default profile or in another. */
export async function inSession<Result>(
  store: Store,
  work: (session: Session) => Promise<Result>,
  profile?: string,
): Promise<Result> {
  const session = await store.session(profile).open()
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

/** A check for `assert.rejects` and `assert.throws`: Askar's own error class, with this code. */
export function askarError(code: number): (error: unknown) => boolean {
  return (error) => error instanceof shared.AskarError && error.code === code && error.message.length > 0
}

/** `ErrorCode` of the C header. */
export const codes = { duplicate: 3, encryption: 4, input: 5, notFound: 6, unsupported: 8 }
