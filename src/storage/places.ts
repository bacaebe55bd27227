import type { Head } from './head.js'
import type { OwnStores } from './own-stores.js'
import { OWN_PROFILE, type Place } from './place.js'
import { readHead, writeHead } from './rows.js'
import type { WalletStore } from './store.js'
import type { StoreSessions } from './store-sessions.js'

/** The places that wallets lie in, of both kinds. */
export class Places {
  constructor(
    readonly shared: WalletStore,
    readonly own: OwnStores,
  ) {}

  /** Lends the store of a place. @throws StoreClosedError */
  use<T>(place: Place, work: (sessions: StoreSessions, profile: string) => Promise<T>): Promise<T> {
    if (place.kind === 'PROFILE') return work(this.shared, place.profile)
    return this.own.use(place.store, (sessions) => work(sessions, OWN_PROFILE))
  }

  /** Removes a place with all that lies in it; one that is not there is as it should be. */
  async remove(place: Place): Promise<void> {
    if (place.kind === 'STORE') return this.own.remove(place.store)
    await this.shared.removeProfile(place.profile)
  }

  /** Copies a wallet to another place, which must be open, in place of what is there. */
  copy(from: Place, to: Place): Promise<void> {
    return this.use(from, (source, profile) =>
      this.use(to, (target, targetProfile) => source.copyProfile(profile, target, targetProfile)),
    )
  }

  /** The head of a wallet as it is now. */
  readHead(place: Place): Promise<Head> {
    return this.use(place, (sessions, profile) => sessions.session(profile, (session) => readHead(session)))
  }

  /**
   * Changes the head of a wallet that no unit of this process works on: units of other instances then come too late, and
   * look again.
   */
  changeHead(place: Place, change: (head: Head) => void): Promise<void> {
    return this.use(place, (sessions, profile) =>
      sessions.transaction(profile, async (session) => {
        const head = await readHead(session, true)
        const { rev } = head
        change(head)
        head.rev += 1
        await writeHead(session, rev, head)
      }),
    )
  }
}
