import { AskarStoreManager } from '@credo-ts/askar'
import type { AgentContext } from '@credo-ts/core'
import { Key, type Session } from '@openwallet-foundation/askar-shared'
import type { Unit } from '../storage/unit.js'
import type { Wallets } from './wallets.js'

/** Sessions for Credo's own service: reads from the store, key changes through the unit of work. */
export class UnitStoreManager extends AskarStoreManager {
  constructor(private readonly wallets: Wallets) {
    // Credo's way to open stores is not used: ours are opened by the storage layer.
    super(undefined as never, undefined as never)
  }

  override withSession<Return>(
    context: AgentContext,
    callback: (session: Session) => Return,
  ): Promise<Awaited<Return>> {
    return this.wallets.inUnit(context, (unit) =>
      this.wallets
        .profile(context)
        .read(async (session): Promise<Awaited<Return>> => await callback(sessionOn(unit, session))),
    )
  }
}

function sessionOn(unit: Unit, session: Session): Session {
  const changes: Partial<Session> = {
    async insertKey({ name, key }) {
      const copy = Key.fromSecretBytes({ algorithm: key.algorithm, secretKey: new Uint8Array(key.secretBytes) })
      unit.changeKey({ op: 'insert', name, key: copy })
    },
    async removeKey({ name }) {
      unit.changeKey({ op: 'remove', name })
    },
  }
  return new Proxy(session, {
    get: (target, name) => changes[name as keyof Session] ?? Reflect.get(target, name, target),
  })
}
