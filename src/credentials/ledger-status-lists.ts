import type { AnonCredsRevocationStatusList } from '@credo-ts/anoncreds'
import type { IndyReader } from '../agent/anoncreds/indy-reader.js'
import { askLedger, type IndyWriter } from '../agent/anoncreds/indy-writer.js'
import { unqualified } from '../agent/anoncreds/unqualified.js'
import type { AnonCredsWorkers } from '../anoncreds/index.js'
import { LedgerError, type Operation } from '../indy/index.js'
import { notFound } from '../lib/errors.js'
import type { Sessions } from '../tenants/sessions.js'
import { registryKeys } from './registry-keys.js'
import { revocationRegistries } from './revocation-registries.js'
import { indexOf, noteRevoked, notRevoked, type StatusLists } from './revoked-exchanges.js'

const ENTRY = '114'
/** How often others may be quicker. */
const ATTEMPTS = 10
/** A node may be behind the others: how often, and when (ms), it is asked again. */
const LOOKS = 20
const LOOK_MS = 250
/** How far ledgers' clocks may be ahead of ours (seconds). */
const AHEAD_S = 300

/**
 * Entries of revocation registries on Indy ledgers. The ledger has the truth: each entry is made from the last one that is
 * there, and refused where another has come in between; then it is made anew.
 */
export class LedgerStatusLists implements StatusLists {
  constructor(
    private readonly sessions: Sessions,
    private readonly workers: AnonCredsWorkers,
    private readonly reader: IndyReader,
    private readonly writer: IndyWriter,
  ) {}

  async revoke(tenantId: string, registryId: string, begin: () => readonly string[]): Promise<number> {
    return askLedger(async () => {
      for (let attempt = 1; ; attempt++) {
        const last = await this.lastList(registryId)
        const entry = await this.entryAfter(tenantId, registryId, last, begin)
        if (!entry) return this.note(tenantId, registryId, last, begin())
        try {
          await this.writer.write(tenantId, last.issuerId, entry.operation)
        } catch (error) {
          const isOvertaken = (await this.lastList(registryId)).currentAccumulator !== last.currentAccumulator
          if (!isOvertaken || attempt === ATTEMPTS) throw error
          continue
        }
        return this.note(tenantId, registryId, await this.listWith(registryId, entry.revoked), begin())
      }
    })
  }

  /** @returns undefined where the last list has them all: an attempt before was written and then cut off */
  private entryAfter(
    tenantId: string,
    registryId: string,
    last: AnonCredsRevocationStatusList,
    begin: () => readonly string[],
  ): Promise<{ operation: Operation; revoked: number[] } | undefined> {
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const published = await revocationRegistries.published(unit, registryId)
      if (!published) throw notFound('revocation registry')
      const asked = (await notRevoked(agent, begin())).map(indexOf)
      const revoked = asked.filter((index) => last.revocationList[index] !== 1)
      if (revoked.length === 0) return undefined
      const keys = await registryKeys(agent.context, registryId, published.definition)
      const next = await this.workers.call(tenantId, 'updateRevocationStatusList', {
        statusList: last,
        timestamp: Math.max(Math.floor(Date.now() / 1000), last.timestamp + 1),
        change: { ...keys, revoked },
      })
      const value = { prevAccum: last.currentAccumulator, accum: next.currentAccumulator, revoked }
      const revocRegDefId = unqualified.registryId(registryId)
      return { operation: { type: ENTRY, revocRegDefId, revocDefType: 'CL_ACCUM', value }, revoked }
    })
  }

  /** Notes what a list of the ledger has. */
  private note(
    tenantId: string,
    registryId: string,
    list: AnonCredsRevocationStatusList,
    exchangeIds: readonly string[],
  ): Promise<number> {
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const published = await revocationRegistries.published(unit, registryId)
      if (!published) throw notFound('revocation registry')
      await noteRevoked(agent, await notRevoked(agent, exchangeIds))
      if (list.timestamp >= published.list.timestamp) {
        await revocationRegistries.keepList(unit, registryId, { ...published, list })
      }
      // What was read of the same second before stays known for a while.
      return list.timestamp + 1
    })
  }

  private async lastList(registryId: string): Promise<AnonCredsRevocationStatusList> {
    const list = await latestList(this.reader, registryId)
    if (!list) throw new LedgerError('The ledger does not show this registry')
    return list
  }

  private async listWith(registryId: string, revoked: readonly number[]): Promise<AnonCredsRevocationStatusList> {
    for (let look = 0; look < LOOKS; look++) {
      const list = await this.lastList(registryId)
      if (revoked.every((index) => list.revocationList[index] === 1)) return list
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    throw new LedgerError('The ledger does not show yet what it has written')
  }
}

/** The last list of a registry, as its ledger has it now. */
export async function latestList(
  reader: IndyReader,
  registryId: string,
): Promise<AnonCredsRevocationStatusList | undefined> {
  return (await reader.statusList(registryId, Math.floor(Date.now() / 1000) + AHEAD_S))?.object
}
