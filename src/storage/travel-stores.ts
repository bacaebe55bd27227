import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, type ReadStream } from 'node:fs'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'libsql'
import { base58Encode } from '../lib/base58.js'
import type { Entry } from './entry.js'
import { sqliteFiles } from './own-databases.js'
import { OwnStores } from './own-stores.js'
import { OWN_PROFILE } from './place.js'
import type { StoreSessions } from './store-sessions.js'

/** How long the last connection to a closed store may take to end (ms). */
const REST_MS = 30_000
/** After so long (ms) none of them is expected to end any more. */
const AGAIN_MS = 100

/** What came is no store of Askar's. */
export class NoStoreError extends Error {
  constructor() {
    super('This is no store')
  }
}

/** The profile in which lies what goes along with a wallet. */
const BESIDE = 'beside'

/** A store in a file, under a key that is known to whoever has it in hand. */
export interface TravelStore {
  name: string
  key: string
}

/**
 * Stores that wallets travel in: SQLite files, whatever the gateway's own store is, in a folder of this process, which
 * are gone once they were sent or taken in. What a process that died has left is removed by the next one.
 */
export class TravelStores {
  private readonly own: string
  private readonly stores: OwnStores

  constructor(
    private readonly folder: string,
    self: string,
    private readonly isAlive: (instance: string) => Promise<boolean>,
  ) {
    this.own = join(folder, Buffer.from(self).toString('base64url'))
    this.stores = new OwnStores(sqliteFiles(this.own))
  }

  /** Makes an empty store under a new key. */
  async make(): Promise<TravelStore> {
    const store = { name: newName(), key: base58Encode(randomBytes(32)) }
    await this.stores.make(store.name, store.key)
    return store
  }

  /** Writes the bytes of a store into a file of its own. @returns its name. @throws NoStoreError */
  async receive(bytes: AsyncIterable<Uint8Array>): Promise<string> {
    mkdirSync(this.own, { recursive: true, mode: 0o700 })
    const name = newName()
    const file = await open(this.fileOf(name), 'wx', 0o600)
    try {
      for await (const piece of bytes) await file.writeFile(piece)
      assertTables(this.fileOf(name))
    } catch (error) {
      await this.remove(name)
      throw error
    } finally {
      await file.close()
    }
    return name
  }

  /** Lends a store, open only meanwhile, with the name of its one profile. @throws WrongKeyError */
  async use<T>({ name, key }: TravelStore, work: (sessions: StoreSessions, profile: string) => Promise<T>): Promise<T> {
    await this.stores.openWith(name, key)
    try {
      return await this.stores.use(name, (sessions) => work(sessions, OWN_PROFILE))
    } finally {
      await this.stores.close(name)
      await this.rest({ name, key })
    }
  }

  /** Size and checksum (SHA-256, hex) of a store that nobody has open. */
  async measure(name: string): Promise<{ bytes: number; sha256: string }> {
    const hash = createHash('sha256')
    for await (const piece of this.read(name)) hash.update(piece)
    return { bytes: (await stat(this.fileOf(name))).size, sha256: hash.digest('hex') }
  }

  /** The bytes of a store that nobody has open. Whoever does not read them to the end has to destroy the stream. */
  read(name: string): ReadStream {
    return createReadStream(this.fileOf(name), { highWaterMark: 256 * 1024 })
  }

  remove(name: string): Promise<void> {
    return this.stores.remove(name)
  }

  /** Removes what processes that died have left. */
  async sweep(): Promise<void> {
    const folders = existsSync(this.folder) ? await readdir(this.folder) : []
    for (const name of folders) {
      if (await this.isAlive(`${Buffer.from(name, 'base64url')}`)) continue
      await rm(join(this.folder, name), { recursive: true, force: true })
    }
  }

  async close(): Promise<void> {
    await this.stores.closeAll()
    await rm(this.own, { recursive: true, force: true })
  }

  /**
   * Waits until all that was written to a closed store is in its file: the last of Askar's connections takes what lies
   * beside the file into it, a little after the store is closed. Where two end at once, or another process had the file,
   * none was the last. Then the store is opened once more, for its one connection to be it.
   */
  private async rest({ name, key }: TravelStore): Promise<void> {
    const end = Date.now() + REST_MS
    for (let again = Date.now() + AGAIN_MS; existsSync(`${this.fileOf(name)}-wal`); await sleep(5)) {
      if (Date.now() > end) throw new Error('A store that was closed does not come to rest')
      if (Date.now() < again) continue
      // Whoever else has it may keep it from being opened.
      await this.stores.openWith(name, key).catch(() => {})
      await this.stores.close(name)
      again = Date.now() + AGAIN_MS
    }
  }

  private fileOf(name: string): string {
    return join(this.own, `${name}.db`)
  }
}

/** Lays entries down beside the wallet of a store that travels. */
export async function putBeside(sessions: StoreSessions, entries: AsyncIterable<Entry>): Promise<void> {
  await sessions.createProfile(BESIDE)
  await sessions.transaction(BESIDE, async (session) => {
    for await (const { category, name, value, tags } of entries) await session.insert({ category, name, value, tags })
  })
}

/** All that lies beside the wallet. */
export async function besideIn(sessions: StoreSessions): Promise<Entry[]> {
  if (!(await sessions.listProfiles()).includes(BESIDE)) return []
  const entries = await sessions.session(BESIDE, (session) => session.fetchAll({}))
  return entries.map(({ category, name, value, tags }) => ({
    category,
    name,
    value: value as string,
    tags: (tags ?? {}) as Entry['tags'],
  }))
}

/** A view or a trigger in place of a table would run what its maker likes. @throws NoStoreError */
function assertTables(file: string): void {
  const db = new Sqlite(file)
  try {
    const other = `type NOT IN ('table', 'index') OR sql LIKE '%VIRTUAL%'`
    const { count } = db.prepare(`SELECT count(*) AS count FROM sqlite_master WHERE ${other}`).get() as {
      count: number
    }
    if (count > 0) throw new NoStoreError()
  } catch (error) {
    throw error instanceof NoStoreError ? error : new NoStoreError()
  } finally {
    db.close()
  }
}

const newName = () => randomBytes(16).toString('hex')
