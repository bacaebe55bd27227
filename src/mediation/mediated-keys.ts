import { type AgentContext, Kms } from '@credo-ts/core'
import type { DidCommMediationRecord } from '@credo-ts/didcomm'
import { isOff } from '../agent/features.js'
import { noteNeed } from '../agent/outside-needs.js'
import { type AgentPorts, WalletOwner } from '../agent/ports.js'
import type { MediatedKey, RoutingPort } from '../agent/routing-service.js'
import { base58Decode, base58Encode } from '../lib/base58.js'
import { peerUnreachable } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import type { Entry } from '../storage/entry.js'
import type { Profiles } from '../storage/profiles.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Collector, Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import type { Keylist } from './keylist.js'
import type { MediationGrantType } from './mediation.type.js'
import { defaultIn } from './mediator-choice.js'

const KEYS = '_mediated'

/** Made and not known to the mediator for certain; known and not handed out; handed out; to be withdrawn. */
type State = 'MADE' | 'READY' | 'TAKEN' | 'LEAVING'

/** A key (base58, its name) of this wallet that is reached by mediators. */
interface Kept {
  keyId: string
  way: string
  /** Whether the tenant's own mediator has it in its list, else the base wallet's. */
  grantId: string
  wallet: string
  state: State
}

type Grant = Pick<MediationGrantType, 'id' | 'endpoint' | 'routingKeys'>

/**
 * How a new key is reached: through the base wallet's mediator, the tenant's own, or the tenant's own and then the base
 * wallet's. The last one on the way knows the key; each before it knows the next one's routing keys.
 */
interface Way {
  name: string
  own?: Grant
  base?: Grant
}

/** Keys that wait for use are made up to `READY_MAX` where there are fewer than `READY_MIN`. */
const READY_MIN = 2
const READY_MAX = 4
const MADE_MAX = 64

/**
 * Keys of tenants that mediators know before anyone else does. A unit of work takes one that is ready; where there is
 * none it is dropped, some are made and registered with nothing held, and it runs again.
 */
export class MediatedKeys implements RoutingPort {
  private readonly supplies = new Map<string, { done: Promise<void>; wanted: number }>()

  constructor(
    private readonly options: {
      sessions: () => Sessions
      profiles: Profiles
      keylist: () => Keylist
      ports: AgentPorts
      /** The base wallet's default mediator. */
      base: () => Promise<MediationGrantType | undefined>
      mark: (tenantId: string) => Promise<void>
      logger: Logger
    },
  ) {}

  async take(context: AgentContext, unit: Unit, own: boolean): Promise<MediatedKey | undefined> {
    const way = await this.wayOf(context, own)
    const last = way?.own ?? way?.base
    if (!way || !last) return undefined
    const ready = await unit.query(KEYS, { way: way.name, state: 'READY' })
    const [entry] = ready
    if (!entry) {
      noteNeed(`a key by ${way.name}`, (patient = true) => this.need(unit.profile, way, patient))
      throw new Error('A key that a mediator knows is needed')
    }
    const kept = keptOf(entry)
    await unit.replace(entryOf(entry.name, { ...kept, state: 'TAKEN' }))
    if (ready.length - 1 < READY_MIN) unit.add(this.fewLeft, way)
    return {
      keyId: kept.keyId,
      publicKey: base58Decode(entry.name),
      mediatorId: last.id,
      endpoint: last.endpoint ?? '',
      routingKeys: [...(way.base?.routingKeys ?? []), ...(way.own?.routingKeys ?? [])],
    }
  }

  async release(unit: Unit, keys: string[]): Promise<void> {
    for (const key of keys) {
      const entry = await unit.fetch(KEYS, key)
      if (!entry) continue
      await unit.replace(entryOf(key, { ...keptOf(entry), state: 'LEAVING' }))
      unit.add(this.leaving, key)
    }
  }

  /** Goes on with what a crash has cut. */
  async goOn(tenantId: string): Promise<void> {
    const { profiles } = this.options
    const keylist = this.options.keylist()
    const entries = await profiles.of(tenantId).query(KEYS, { state: 'LEAVING' })
    if (entries.length === 0) return
    for (const entry of entries) {
      const { wallet, grantId } = keptOf(entry)
      await keylist.withdraw({ wallet, grantId }, [entry.name], tenantId)
    }
    await profiles.of(tenantId).transact(async (unit) => {
      for (const { name } of entries) await unit.remove(KEYS, name)
    })
  }

  private readonly fewLeft: Collector<Way> = {
    settle: (ways, _head, tenantId) => ({
      changes: [],
      committed: () => {
        for (const way of ways) this.supplySoon(tenantId, way)
      },
    }),
  }

  private readonly leaving: Collector<string> = {
    prepare: (_keys, tenantId) => this.options.mark(tenantId),
    settle: (_keys, _head, tenantId) => ({
      changes: [],
      committed: () =>
        void this.goOn(tenantId).catch((error) =>
          this.options.logger.warn('Keys are withdrawn from a mediator later', { tenantId, error }),
        ),
    }),
  }

  private async wayOf(context: AgentContext, withOwn: boolean): Promise<Way | undefined> {
    if (!context.dependencyManager.isRegistered(WalletOwner)) return undefined
    const { settings } = context.resolve(WalletOwner)
    const own = withOwn && !isOff(settings, 'MEDIATION') ? await defaultIn(context) : undefined
    const base = await this.options.base()
    if (!own && !base) return undefined
    return { name: `${own?.id ?? ''}/${base?.id ?? ''}`, own: own && grantOf(own), base }
  }

  private async need(tenantId: string, way: Way, patient: boolean): Promise<void> {
    if (patient) return this.supply(tenantId, way)
    this.supplySoon(tenantId, way)
    throw peerUnreachable()
  }

  private supplySoon(tenantId: string, way: Way): void {
    this.supply(tenantId, way).catch((error) =>
      this.options.logger.warn('A mediator knows no new keys yet', { tenantId, error }),
    )
  }

  /** Has keys ready, one for each that asks and some more. @throws PEER_UNREACHABLE where a mediator does not answer */
  private supply(tenantId: string, way: Way): Promise<void> {
    const name = `${tenantId} ${way.name}`
    const running = this.supplies.get(name)
    if (running) {
      running.wanted += 1
      return running.done
    }
    const supply = { wanted: 1, done: Promise.resolve() }
    this.supplies.set(name, supply)
    supply.done = this.make(tenantId, way, () => supply.wanted).finally(() => this.supplies.delete(name))
    return supply.done
  }

  private async make(tenantId: string, way: Way, wanted: () => number): Promise<void> {
    const keylist = this.options.keylist()
    const sessions = this.options.sessions()
    const [wallet, last] = way.base ? [BASE_PROFILE, way.base] : [tenantId, way.own]
    if (!last) return
    const keys = await sessions.transact(tenantId, async ({ context }, unit) => {
      const made = (await unit.query(KEYS, { way: way.name, state: 'MADE' })).map((entry) => entry.name)
      const ready = await unit.query(KEYS, { way: way.name, state: 'READY' })
      const count = Math.min(wanted() + READY_MAX, MADE_MAX) - made.length - ready.length
      const kms = context.resolve(Kms.KeyManagementApi)
      for (let n = 0; n < count; n++) {
        const { publicJwk } = await kms.createKey({ type: { kty: 'OKP', crv: 'Ed25519' } })
        const key = base58Encode(Buffer.from(publicJwk.x, 'base64url'))
        const kept: Kept = { keyId: publicJwk.kid, way: way.name, grantId: last.id, wallet, state: 'MADE' }
        unit.insert(entryOf(key, kept))
        made.push(key)
      }
      await this.options.ports.route(unit, made)
      return made
    })
    await keylist.register({ wallet, grantId: last.id }, keys, tenantId)
    if (way.own && way.base) {
      await keylist.register({ wallet: tenantId, grantId: way.own.id }, way.base.routingKeys, tenantId)
    }
    await sessions.transact(tenantId, async (_agent, unit) => {
      for (const key of keys) {
        const entry = await unit.fetch(KEYS, key)
        if (entry && keptOf(entry).state === 'MADE') {
          await unit.replace(entryOf(key, { ...keptOf(entry), state: 'READY' }))
        }
      }
    })
  }
}

const keptOf = ({ value }: Entry) => JSON.parse(value) as Kept

const entryOf = (key: string, kept: Kept): Entry => ({
  category: KEYS,
  name: key,
  value: JSON.stringify(kept),
  tags: { way: kept.way, state: kept.state },
})

const grantOf = ({ id, endpoint, routingKeys }: DidCommMediationRecord): Grant => ({
  id,
  endpoint: endpoint ?? null,
  routingKeys,
})
