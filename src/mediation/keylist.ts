import { didKeyToVerkey, verkeyToDidKey } from '@credo-ts/core'
import {
  DidCommConnectionService,
  DidCommKeylistUpdate,
  DidCommKeylistUpdateAction,
  DidCommKeylistUpdateMessage,
  type DidCommKeylistUpdateResponseMessage,
  DidCommKeylistUpdateResult,
  type DidCommMediationRecord,
  DidCommMediationRepository,
  DidCommMessageSender,
  DidCommOutboundMessageContext,
} from '@credo-ts/didcomm'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { type Deferred, deferred } from '../lib/deferred.js'
import { peerUnreachable } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import { OneAtATime } from '../lib/one-at-a-time.js'
import { isWaitingInOutbox } from '../relay/outbox.js'
import type { Profiles } from '../storage/profiles.js'
import type { Collector, Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import {
  KEYLIST,
  type KeylistKey,
  type KeylistUpdate,
  keyEntry,
  keyName,
  keyOf,
  UPDATES,
  updateEntry,
} from './keylist-entry.js'
import { auditMediator } from './mediator-audit.js'

/** Keys in one update. */
const BATCH = 200
/** How long a key that is registered is waited for (ms). */
const WAIT_MS = 10_000
/** An update that arrived, and was not answered for this long (ms), is sent again. */
const UNANSWERED_MS = 5000
/** How often updates that are not answered are looked at (ms). */
const LOOK_MS = 1000

/** A mediator of a wallet. */
export interface MediatorOf {
  /** The wallet's name: a tenant's id, or the base wallet's. */
  wallet: string
  grantId: string
}

interface Wanted {
  key: string
  tenantId: string
  state: 'ADDING' | 'REMOVING'
}

const nameOf = ({ wallet, grantId }: MediatorOf) => `${wallet} ${grantId}`

/**
 * Tells mediators which keys are to be reached through them (Aries RFC 0211, keylist-update). What they are to know lies
 * in the wallet; one update is under way to a mediator at a time, with all that has gathered until it leaves. Its answer
 * is taken by whichever instance it comes to.
 */
export class Keylist {
  private readonly wanted = new Map<string, Wanted[]>()
  private readonly waiting = new Map<string, Set<Deferred<void>>>()
  private readonly mediators = new Map<string, MediatorOf>()
  private readonly runs: OneAtATime
  private readonly timer: NodeJS.Timeout

  constructor(
    private readonly sessions: Sessions,
    private readonly profiles: Profiles,
    /** Whether other instances work on the same store. */
    private readonly shared: boolean,
    /** Notes that a crash would leave a wallet's mediators untold. */
    private readonly mark: (wallet: string) => Promise<void>,
    private readonly logger: Logger,
  ) {
    this.runs = new OneAtATime((name) => this.run(name))
    this.timer = setInterval(() => this.look(), LOOK_MS).unref()
  }

  /**
   * Has keys registered; resolves once the mediator has said that they are.
   * @throws PEER_UNREACHABLE where it does not say so in time; it is told all the same
   */
  async register(mediator: MediatorOf, keys: readonly string[], tenantId: string): Promise<void> {
    if (keys.length === 0) return
    await this.mark(mediator.wallet)
    const deadline = Date.now() + WAIT_MS
    let missing = await this.missingOf(mediator, keys)
    await this.want(
      mediator,
      missing.map((key) => ({ key, tenantId, state: 'ADDING' })),
    )
    while (missing.length > 0) {
      missing = await this.missingOf(mediator, missing)
      const [next] = missing
      if (next === undefined) return
      const left = deadline - Date.now()
      if (left <= 0) throw peerUnreachable()
      await this.word(`${nameOf(mediator)}/${next}`, Math.min(left, this.shared ? LOOK_MS : left))
    }
  }

  /** Resolves once a mediator has said something about a key here, or the time is up: it may have said so elsewhere. */
  private async word(name: string, ms: number): Promise<void> {
    const said = deferred()
    const timer = setTimeout(said.resolve, ms)
    const waiting = this.waiting.get(name) ?? new Set()
    this.waiting.set(name, waiting.add(said))
    await said.promise
    clearTimeout(timer)
    waiting.delete(said)
    if (waiting.size === 0) this.waiting.delete(name)
  }

  /** Those of keys that a mediator has not said it knows. */
  private async missingOf({ wallet, grantId }: MediatorOf, keys: readonly string[]): Promise<string[]> {
    const profile = this.profiles.of(wallet)
    const entries = await Promise.all(keys.map((key) => profile.fetch(KEYLIST, keyName(grantId, key))))
    return keys.filter((_, index) => {
      const entry = entries[index]
      return !entry || keyOf(entry).state !== 'REGISTERED'
    })
  }

  /** Has keys withdrawn; resolves once that is noted. */
  async withdraw(mediator: MediatorOf, keys: readonly string[], tenantId: string): Promise<void> {
    await this.mark(mediator.wallet)
    await this.want(
      mediator,
      keys.map((key) => ({ key, tenantId, state: 'REMOVING' })),
    )
  }

  /** Has all keys of a tenant withdrawn from the mediators of a wallet. */
  async withdrawAll(wallet: string, tenantId: string): Promise<void> {
    const grants = await this.profiles.of(wallet).transact(async (unit) => {
      const keys = (await unit.query(KEYLIST, { tenant: tenantId })).map(keyOf)
      for (const key of keys) await unit.replace(keyEntry({ ...key, state: 'REMOVING' }))
      return new Set(keys.map(({ grantId }) => grantId))
    })
    for (const grantId of grants) this.tell({ wallet, grantId })
  }

  /** Sends, in a unit, that a mediator is to forget all keys; nobody waits for its answer. */
  async leave(agent: WalletAgent, unit: Unit, grantId: string): Promise<void> {
    const keys = (await unit.query(KEYLIST, { grant: grantId })).map(keyOf)
    for (let n = 0; n < keys.length; n += BATCH) {
      const leaving = keys.slice(n, n + BATCH).map((key): KeylistKey => ({ ...key, state: 'REMOVING' }))
      await send(agent, unit, grantId, leaving)
    }
  }

  /** Has all keys registered anew that a mediator should know. @returns how many */
  async renew(mediator: MediatorOf): Promise<number> {
    await this.mark(mediator.wallet)
    const count = await this.profiles.of(mediator.wallet).transact(async (unit) => {
      const keys = (await unit.query(KEYLIST, { grant: mediator.grantId })).map(keyOf)
      const known = keys.filter(({ state }) => state !== 'REMOVING')
      for (const key of known) await unit.replace(keyEntry({ ...key, state: 'ADDING' }))
      auditMediator(unit, 'MEDIATOR_SYNCED', mediator.grantId)
      return known.length
    })
    this.tell(mediator)
    return count
  }

  /** How many keys a mediator knows, and of how many it is still to be told. */
  async counts({ wallet, grantId }: MediatorOf): Promise<{ known: number; pending: number }> {
    const profile = this.profiles.of(wallet)
    return profile.read(async (session) => {
      const [all, pending] = [
        await session.count({ category: KEYLIST, tagFilter: { grant: grantId } }),
        await session.count({ category: KEYLIST, tagFilter: { open: grantId } }),
      ]
      return { known: all - pending, pending }
    })
  }

  /** Forgets a mediator's list. */
  async drop(unit: Unit, grantId: string): Promise<void> {
    for (const { name } of await unit.query(KEYLIST, { grant: grantId })) await unit.remove(KEYLIST, name)
    await unit.remove(UPDATES, grantId)
  }

  /** Tells a mediator what it is still to be told. */
  tell(mediator: MediatorOf): void {
    this.mediators.set(nameOf(mediator), mediator)
    void this.runs.begin(nameOf(mediator))
  }

  /** Whether there is something that mediators of a wallet are still to be told from here. */
  isBusy(wallet: string): boolean {
    return [...this.mediators.values()].some((mediator) => mediator.wallet === wallet)
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.runs.idle()
  }

  /** Takes a mediator's answer, in the unit that handles it. */
  async answered(
    agent: WalletAgent,
    unit: Unit,
    grant: DidCommMediationRecord,
    message: DidCommKeylistUpdateResponseMessage,
  ): Promise<void> {
    for (const { action, recipientKey, result } of message.updated) {
      const entry = await unit.fetch(KEYLIST, keyName(grant.id, didKeyToVerkey(recipientKey)))
      if (!entry) continue
      const key = keyOf(entry)
      const done = result === DidCommKeylistUpdateResult.Success || result === DidCommKeylistUpdateResult.NoChange
      if (!done) agent.context.config.logger.warn('A mediator refuses a key')
      // What was asked for since is told by the next update.
      if (key.state === 'ADDING' && action === DidCommKeylistUpdateAction.add)
        await unit.replace(keyEntry({ ...key, state: done ? 'REGISTERED' : 'REFUSED' }))
      if (key.state === 'REMOVING' && action === DidCommKeylistUpdateAction.remove)
        await unit.remove(KEYLIST, entry.name)
    }
    const update = await unit.fetch(UPDATES, grant.id)
    if (update && (JSON.parse(update.value) as KeylistUpdate).threadId === message.threadId)
      await unit.remove(UPDATES, grant.id)
    const keys = message.updated.map(({ recipientKey }) => didKeyToVerkey(recipientKey))
    unit.add(this.taken, { mediator: { wallet: unit.profile, grantId: grant.id }, keys })
  }

  private readonly taken: Collector<{ mediator: MediatorOf; keys: string[] }> = {
    settle: (answers) => ({
      changes: [],
      committed: () => {
        for (const { mediator, keys } of answers) {
          for (const key of keys)
            for (const said of this.waiting.get(`${nameOf(mediator)}/${key}`) ?? []) said.resolve()
          this.tell(mediator)
        }
      },
    }),
  }

  private async want(mediator: MediatorOf, wanted: Wanted[]): Promise<void> {
    const name = nameOf(mediator)
    this.mediators.set(name, mediator)
    this.wanted.set(name, [...(this.wanted.get(name) ?? []), ...wanted])
    await this.runs.begin(name)
  }

  /** Looks whether an answer is overdue. */
  private look(): void {
    for (const name of this.mediators.keys()) void this.runs.begin(name)
  }

  private async run(name: string): Promise<void> {
    const mediator = this.mediators.get(name)
    if (!mediator) return
    // All that has come in this turn of the event loop is one commit.
    await new Promise((resolve) => setImmediate(resolve))
    const wanted = this.wanted.get(name) ?? []
    this.wanted.delete(name)
    try {
      const left = await this.update(mediator, wanted)
      if (!left && !this.wanted.has(name)) this.mediators.delete(name)
    } catch (error) {
      this.wanted.set(name, [...wanted, ...(this.wanted.get(name) ?? [])])
      this.logger.warn('A mediator could not be told of keys yet', { tenantId: mediator.wallet, error })
    }
  }

  /** Notes what is wanted, and sends an update where none is under way. @returns whether there is more to tell */
  private async update({ wallet, grantId }: MediatorOf, wanted: readonly Wanted[]): Promise<boolean> {
    // Read outside of the unit, and only as many as leave at once: there may be very many after a mediator's loss.
    const open = await this.profiles.of(wallet).query(KEYLIST, { open: grantId }, BATCH)
    if (open.length === 0 && wanted.length === 0) return false
    return this.sessions.transact(wallet, async (agent, unit) => {
      const waiting = new Map<string, KeylistKey>()
      for (const { name } of open) {
        const entry = await unit.fetch(KEYLIST, name)
        if (entry && 'open' in entry.tags) waiting.set(name, keyOf(entry))
      }
      for (const { key, tenantId, state } of wanted) {
        const name = keyName(grantId, key)
        const known = await unit.fetch(KEYLIST, name)
        if (known && keyOf(known).state === 'REGISTERED' && state === 'ADDING') continue
        if (!known && state === 'REMOVING') continue
        const entry = keyEntry({ grantId, key, tenantId, state })
        if (!(await unit.replace(entry))) unit.insert(entry)
        waiting.set(name, keyOf(entry))
      }
      if (waiting.size === 0) return false
      if (!(await isUnderWay(unit, grantId))) await send(agent, unit, grantId, [...waiting.values()].slice(0, BATCH))
      return true
    })
  }
}

/** An update that has left and was not answered in time does not count. */
async function isUnderWay(unit: Unit, grantId: string): Promise<boolean> {
  const entry = await unit.fetch(UPDATES, grantId)
  if (!entry) return false
  const { at, connectionId } = JSON.parse(entry.value) as KeylistUpdate
  return Date.now() - at < UNANSWERED_MS || isWaitingInOutbox(unit, connectionId)
}

async function send(agent: WalletAgent, unit: Unit, grantId: string, keys: KeylistKey[]): Promise<void> {
  const { context } = agent
  const grant = await context.resolve(DidCommMediationRepository).findById(context, grantId)
  if (!grant?.isReady) return
  const connection = await context.resolve(DidCommConnectionService).getById(context, grant.connectionId)
  // As the mediator itself writes keys: older ones have no did:key.
  const named = connection.metadata.get('_internal/useDidKeysForProtocol') as Record<string, boolean> | null
  const useDidKey = named?.[DidCommKeylistUpdateMessage.type.protocolUri] ?? true
  const { add, remove } = DidCommKeylistUpdateAction
  const message = new DidCommKeylistUpdateMessage({
    updates: keys.map(
      ({ key, state }) =>
        new DidCommKeylistUpdate({
          action: state === 'REMOVING' ? remove : add,
          recipientKey: useDidKey ? verkeyToDidKey(key) : key,
        }),
    ),
  })
  const update = updateEntry(grantId, { threadId: message.threadId, connectionId: connection.id, at: Date.now() })
  if (!(await unit.replace(update))) unit.insert(update)
  const outbound = new DidCommOutboundMessageContext(message, { agentContext: context, connection })
  await context.resolve(DidCommMessageSender).sendMessage(outbound)
}
