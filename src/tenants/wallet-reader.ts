import type { RecordJson } from '../agent/ports.js'
import { notFound } from '../lib/errors.js'
import type { Entry, TagQuery } from '../storage/entry.js'
import type { Listed } from '../storage/list.js'
import type { Profiles } from '../storage/profiles.js'
import type { Unit } from '../storage/unit.js'

/** Reads tenants' records as they lie in the store: queries need no agent, and no wallet to be opened. */
export class WalletReader {
  constructor(private readonly profiles: Profiles) {}

  async find(tenantId: string, type: string, id: string): Promise<RecordJson | undefined> {
    const entry = await this.profiles.of(tenantId).fetch(type, id)
    return entry && recordOf(entry)
  }

  list(
    tenantId: string,
    type: string,
    list: string,
    filter: TagQuery,
    query: { limit: number; reverse?: boolean; after?: number; before?: number },
  ): Promise<Listed[]> {
    return this.profiles.of(tenantId).list({ category: type, list, filter, ...query })
  }
}

export function recordOf(entry: Entry): RecordJson {
  return { ...(JSON.parse(entry.value) as Record<string, unknown>), id: entry.name }
}

/** A record as it is in a unit of work. @throws NOT_FOUND */
export async function recordIn(unit: Unit, type: string, id: string, what: string): Promise<RecordJson> {
  const entry = await unit.fetch(type, id)
  if (!entry) throw notFound(what)
  return recordOf(entry)
}
