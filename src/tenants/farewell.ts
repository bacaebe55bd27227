import { needsOf } from '../agent/outside-needs.js'
import type { AgentPorts, OutboundEnvelope } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import type { Logger } from '../lib/logger.js'
import type { Profile } from '../storage/profile.js'
import type { Profiles } from '../storage/profiles.js'
import type { Collector, Unit } from '../storage/unit.js'
import type { Sessions } from './sessions.js'

/** Something to be told to another agent, in a unit of the wallet. */
export type LastWord = (agent: WalletAgent, unit: Unit) => Promise<unknown>

/** Finds, with nothing in hand, whom a wallet that goes has something to tell. */
export type LastWords = (profile: Profile) => Promise<LastWord[]>

/** Words of one unit: others are not to wait for all of a large wallet's. */
const AT_ONCE = 25

/** In the base wallet, by tenants that are being deleted: what is still to be told of them, sealed. */
const FAREWELLS = '_farewell'

/**
 * Tells others that a tenant goes. What they are told is sealed while the wallet is still there, laid down with the
 * beginning of the deletion, and goes into the base wallet's outbox as a step of that: nobody is told of the end of a
 * tenant that stays, and a crash in between loses nothing.
 */
export class Farewell {
  constructor(
    private readonly lastWords: readonly LastWords[],
    private readonly sessions: Sessions,
    private readonly profiles: Profiles,
    private readonly ports: AgentPorts,
    private readonly outbox: Collector<OutboundEnvelope & { endpoint: string }>,
    private readonly logger: Logger,
  ) {}

  /** Seals what is to be said. @throws where the wallet cannot be used now */
  async prepare(tenantId: string): Promise<OutboundEnvelope[]> {
    const found = await Promise.all(this.lastWords.map((find) => find(this.profiles.of(tenantId))))
    const words = found.flat()
    const sealed: OutboundEnvelope[] = []
    for (let n = 0; n < words.length; n += AT_ONCE) {
      const some = words.slice(n, n + AT_ONCE)
      sealed.push(...(await this.sessions.transact(tenantId, (agent, unit) => this.seal(agent, unit, some), false)))
    }
    return sealed
  }

  /** Lays it down, in the unit of the base wallet that begins the deletion. */
  async layDown(unit: Unit, tenantId: string, sealed: readonly OutboundEnvelope[]): Promise<void> {
    if (sealed.length === 0 || (await unit.fetch(FAREWELLS, tenantId))) return
    unit.insert({ category: FAREWELLS, name: tenantId, value: JSON.stringify(sealed), tags: {} })
  }

  /** Has the base wallet send it, once. */
  async say(tenantId: string): Promise<void> {
    await this.profiles.base.transact(async (unit) => {
      const entry = await unit.fetch(FAREWELLS, tenantId)
      if (!entry) return
      for (const { endpoint, connectionId, payload } of JSON.parse(entry.value) as OutboundEnvelope[])
        this.ports.send(unit, { endpoint, connectionId, payload })
      await unit.remove(FAREWELLS, tenantId)
    })
  }

  /** One that cannot be told keeps none of the others from being told. */
  private async seal(agent: WalletAgent, unit: Unit, words: readonly LastWord[]): Promise<OutboundEnvelope[]> {
    const envelopes: OutboundEnvelope[] = []
    for (const word of words) {
      const before = unit.savepoint()
      try {
        await word(agent, unit)
        envelopes.push(...unit.gathered(this.outbox))
      } catch (error) {
        if (unit.broken || needsOf(unit).length > 0) throw error
        this.logger.info('A tenant goes without a word to one of its peers', { tenantId: unit.profile, error })
      }
      // Nothing of it is the wallet's own.
      unit.restore(before)
    }
    return envelopes
  }
}
